import { Command, InvalidArgumentError, Option } from "commander";
import { type MessageBus, NoReplyError } from "../bus/message_bus.ts";
import { schedulerName } from "../scheduler/load_config.ts";
import { schedulerSubject } from "../wire/subjects.ts";
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

interface StatusOptions extends ConfigOptions, BusOptions, LoggingOptions {
  name?: string;
  /** In seconds. */
  timeout: number;
}

/** `status`: asks a running scheduler over the bus how it is. */
export function statusCommand(setExitCode: SetExitCode): Command {
  const command = new Command("status")
    .description("ask a running scheduler how it is, over the bus; exits 1 when none answers")
    .addOption(
      new Option("--name <name>", "the scheduler's name (default: the configuration's)")
        .env("HEDDLE_SCHEDULER_NAME"),
    )
    .addOption(
      new Option("--timeout <seconds>", "how long to wait for the server, and for the answer")
        .argParser(seconds).default(2),
    );
  addConfigOption(command);
  addBusOptions(command);
  addLoggingOptions(command).setOptionValue("logLevel", "warning");
  return command.action(async (options: StatusOptions) => setExitCode(await status(options)));
}

async function status(options: StatusOptions): Promise<number> {
  const name = options.name ?? await schedulerName(options.config);
  if (name === null) {
    console.error(
      `Cannot tell the scheduler's name: ${options.config} has none; give it by --name`,
    );
    return EXIT.usage;
  }
  const timeout = options.timeout * 1000;
  const ask = async (bus: MessageBus) => {
    try {
      const reply = await bus.request(schedulerSubject(name), {}, timeout);
      console.log(JSON.stringify(reply.data));
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      console.error(`No scheduler named "${name}" answers: ${error.message}`);
      return EXIT.failure;
    }
  };
  return await onceConnected(options, ask, timeout);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) {
    throw new InvalidArgumentError("expected a number of seconds above 0, at most 3600");
  }
  return value;
}
