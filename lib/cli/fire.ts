import { Command } from "commander";
import { dirname } from "node:path";
import { Delivery } from "../durable/delivery.ts";
import { formatProblem } from "../scheduler/config_problem.ts";
import { Dispatcher } from "../scheduler/dispatcher.ts";
import { Expander } from "../scheduler/expansion.ts";
import { loadSchedulerConfig } from "../scheduler/load_config.ts";
import { systemClock } from "../time/clock.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../wire/subjects.ts";
import { EXIT, type SetExitCode } from "./exit_codes.ts";
import { onceConnected } from "./one_shot.ts";
import {
  addBusOptions,
  addConfigOption,
  addLoggingOptions,
  type BusOptions,
  type ConfigOptions,
  type LoggingOptions,
} from "./options.ts";

interface FireOptions extends ConfigOptions, BusOptions, LoggingOptions {
  expandRoot?: string;
}

/** `fire NAME`: dispatches one entry now, whatever its schedule says. */
export function fireCommand(setExitCode: SetExitCode): Command {
  const command = new Command("fire")
    .description("dispatch one entry now, whatever its schedule says")
    .argument("<name>", "the entry's name");
  addConfigOption(command);
  addBusOptions(command);
  command.option("--expand-root <path>", "where expand_from is looked up");
  addLoggingOptions(command);
  return command.action(async (name: string, options: FireOptions) => {
    setExitCode(await fire(name, options));
  });
}

async function fire(name: string, options: FireOptions): Promise<number> {
  const { config, problems } = await loadSchedulerConfig(options.config);
  if (config === null) {
    for (const problem of problems) console.error(formatProblem(options.config, problem));
    return EXIT.usage;
  }
  const entry = config.entries.find((each) => each.name === name);
  if (entry === undefined) {
    const names = config.entries.map((each) => `"${each.name}"`).join(", ");
    console.error(`Cannot fire "${name}": ${options.config} has no such entry, only ${names}`);
    return EXIT.usage;
  }
  return await onceConnected(options, async (bus, logger) => {
    const clock = systemClock;
    const root = options.expandRoot ?? dirname(options.config);
    const expander = new Expander({ root, clock, logger });
    try {
      const delivery = new Delivery({ bus, mode: "auto", clock, logger });
      await delivery.look([entry.dispatchType === "goal" ? GOALS_SUBJECT : TASKS_SUBJECT]);
      const scheduler = config.name;
      const dispatcher = new Dispatcher({ scheduler, bus, expander, clock, logger, delivery });
      const sent = await dispatcher.fireByHand(entry);
      if (sent === 0) logger.info("scheduler.expansion_empty", { schedule: name });
      return EXIT.ok;
    } finally {
      await expander.close();
    }
  });
}
