import { Command } from "commander";
import { dirname } from "node:path";
import { Delivery } from "../../durable/delivery.ts";
import { formatProblem } from "../../config/config_problem.ts";
import { Dispatcher } from "../../engine/dispatcher.ts";
import { Job } from "../../engine/job.ts";
import { Expander } from "../../expansion/expansion.ts";
import { loadSchedulerConfig } from "../../config/load_config.ts";
import { systemClock } from "../../time/clock.ts";
import { subjectOf } from "../../config/schedule_entry.ts";
import { NoReplyError } from "../../bus/message_bus.ts";
import type { FireReply, FireRequest } from "../../control/control_api.ts";
import { addAskOptions, type AskOptions, askScheduler } from "../ask.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { addWireOption, type WireOptions } from "../options.ts";
import { onceConnected } from "../one_shot.ts";
import { memoryLimitOption } from "../options.ts";
import { print, printError } from "../print.ts";

interface FireOptions extends AskOptions, WireOptions {
  local: boolean;
  expandRoot?: string;
  memoryLimit?: number;
}

/** Long enough for an expansion. */
const DEFAULT_TIMEOUT_SECONDS = 60;
/** The time by which an answer is waited for longer than the scheduler may take. */
const ANSWER_MARGIN_MS = 500;
const HINT = "; --local dispatches from here, without it";

/** `fire NAME`: has a running scheduler dispatch one entry now, whatever its schedule says. */
export function fireCommand(setExitCode: SetExitCode): Command {
  const command = new Command("fire")
    .description("dispatch one entry now, whatever its schedule says")
    .argument("<name>", "the entry's name")
    .option("--local", "from this process, without a running scheduler", false)
    .option("--expand-root <path>", "with --local: the directory of expand_from")
    .addOption(memoryLimitOption());
  return addWireOption(addAskOptions(command, DEFAULT_TIMEOUT_SECONDS))
    .action(async (entry: string, options: FireOptions) => {
      const isLocal = options.local || options.bus === "memory";
      setExitCode(await (isLocal ? fireHere(entry, options) : fire(entry, options)));
    });
}

async function fire(entry: string, options: FireOptions): Promise<number> {
  const timeout = options.timeout * 1000;
  return await askScheduler(options, async (scheduler) => {
    const request: FireRequest = {
      action: "fire",
      entry,
      sent_at: new Date(systemClock.now()).toISOString(),
      timeout_ms: Math.ceil(timeout),
    };
    try {
      const { dispatches } = await scheduler.ask<FireReply>(request, timeout + ANSWER_MARGIN_MS);
      print(fired(entry, dispatches));
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof NoReplyError) || error.reason !== "timeout") throw error;
      printError(
        `The scheduler "${scheduler.name}" does not answer within ${options.timeout} s: ` +
          `it may still fire "${entry}", or have fired it`,
      );
      return EXIT.failure;
    }
  }, HINT);
}

function fired(entry: string, dispatches: number): string {
  return `Fired "${entry}": ${dispatches} ${dispatches === 1 ? "message" : "messages"}`;
}

async function fireHere(name: string, options: FireOptions): Promise<number> {
  const { config, problems } = await loadSchedulerConfig(options.config);
  if (config === null) {
    for (const problem of problems) printError(formatProblem(options.config, problem));
    return EXIT.usage;
  }
  const entry = config.entries.find((each) => each.name === name);
  if (entry === undefined) {
    const names = config.entries.map((each) => `"${each.name}"`).join(", ");
    printError(`Cannot fire "${name}": ${options.config} has no such entry, only ${names}`);
    return EXIT.usage;
  }
  return await onceConnected(options, async (bus, logger) => {
    const clock = systemClock;
    const timeout = options.timeout * 1000;
    const until = clock.now() + timeout;
    const root = options.expandRoot ?? dirname(options.config);
    const expander = new Expander({
      root,
      allow: () => config.expandAllow,
      memoryLimit: options.memoryLimit,
      clock,
      logger,
    });
    const over = new AbortController();
    try {
      const delivery = new Delivery({ bus, mode: "auto", clock, logger });
      const scheduler = config.name;
      const wire = () => options.wire ?? config.wire;
      const dispatcher = new Dispatcher({
        scheduler,
        wire,
        bus,
        expander,
        clock,
        logger,
        delivery,
      });
      const looked = delivery.look([subjectOf(entry)], over.signal);
      const sending = looked.then(() => dispatcher.fireManually(new Job(entry), { until }));
      const isOver = clock.sleep(timeout + ANSWER_MARGIN_MS, over.signal).then(() => null);
      const sent = await Promise.race([sending, isOver]);
      if (sent === null) throw new Error(`The server does not answer within ${options.timeout} s`);
      if (options.bus !== "memory") print(fired(name, sent));
      return EXIT.ok;
    } finally {
      over.abort();
      await expander.close();
    }
  });
}
