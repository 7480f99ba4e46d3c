/**
 * How the commands ask a running scheduler over the bus.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type JsonObject, type MessageBus, NoReplyError } from "../bus/message_bus.ts";
import type { ControlRequest, ErrorReply, HealthReply } from "../control/control_api.ts";
import { schedulerName } from "../config/load_config.ts";
import { schedulerSubject } from "../wire/subjects.ts";
import { EXIT, UsageError } from "./exit_codes.ts";
import { onceConnected } from "./one_shot.ts";
import {
  addBusOptions,
  addConfigOption,
  addLoggingOptions,
  type BusOptions,
  type ConfigOptions,
  type LoggingOptions,
} from "./options.ts";

export interface AskOptions extends ConfigOptions, BusOptions, LoggingOptions {
  name?: string;
  /** In seconds. */
  timeout: number;
}

/** @param timeout the default, in seconds */
export function addAskOptions(command: Command, timeout: number): Command {
  command
    .addOption(
      new Option("--name <name>", "the scheduler's name (default: the configuration's)")
        .env("HEDDLE_SCHEDULER_NAME"),
    )
    .addOption(
      new Option("--timeout <seconds>", "how long to wait for the server, and for the answer")
        .argParser(seconds).default(timeout),
    );
  addConfigOption(command);
  addBusOptions(command);
  return addLoggingOptions(command).setOptionValue("logLevel", "warning");
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) {
    throw new InvalidArgumentError("expected a number of seconds above 0, at most 3600");
  }
  return value;
}

/** The scheduler of one name, as it is seen from another process. */
export class RemoteScheduler {
  readonly #bus: MessageBus;
  readonly #name: string;
  readonly #timeout: number;

  /** @param timeout for one answer, in milliseconds */
  constructor(bus: MessageBus, name: string, timeout: number) {
    this.#bus = bus;
    this.#name = name;
    this.#timeout = timeout;
  }

  /**
   * @throws {RefusedError} when the scheduler answers with an error
   * @throws {NoReplyError} when none of the name answers
   */
  async ask<Reply>(request: ControlRequest): Promise<Reply> {
    const subject = schedulerSubject(this.#name);
    const { data } = await this.#bus.request(subject, request as JsonObject, this.#timeout);
    if (data.status === "error") throw new RefusedError(data as unknown as ErrorReply);
    return data as Reply;
  }

  /** The names of all its replicas that are there; `[undefined]` for one that has none. */
  async replicas(): Promise<(string | undefined)[]> {
    const { replica, other_replicas = [] } = await this.ask<HealthReply>({ action: "health" });
    return replica === undefined ? [undefined] : [replica, ...other_replicas].sort();
  }
}

/** A scheduler answered that it does not do what was asked. */
export class RefusedError extends Error {
  override name = "RefusedError";

  constructor(readonly reply: ErrorReply) {
    super(reply.error);
  }
}

/**
 * Asks the scheduler that the options name. What goes wrong is one line on stderr, which tells a
 * server that is not there from a scheduler that does not answer.
 *
 * @param hint what else could be done where no scheduler answers
 * @returns the exit code
 */
export async function askScheduler(
  options: AskOptions,
  ask: (scheduler: RemoteScheduler) => Promise<number>,
  hint = "",
): Promise<number> {
  const name = options.name ?? await schedulerName(options.config);
  if (name === null) {
    throw new UsageError(
      `Cannot tell the scheduler's name: ${options.config} has none; give it by --name`,
    );
  }
  if (options.bus === "memory") {
    throw new UsageError("Cannot ask a running scheduler on the memory bus: it is in one process");
  }
  const timeout = options.timeout * 1000;
  return await onceConnected(options, async (bus) => {
    try {
      return await ask(new RemoteScheduler(bus, name, timeout));
    } catch (error) {
      if (error instanceof NoReplyError) {
        console.error(`No scheduler named "${name}" answers: ${error.message}${hint}`);
        return EXIT.failure;
      }
      if (!(error instanceof RefusedError)) throw error;
      console.error(error.message);
      for (const { line, column, severity, message } of error.reply.problems ?? []) {
        console.error(`${line ?? 1}:${column ?? 1}: ${severity}: ${message}`);
      }
      return error.reply.code === "invalid_config" || error.reply.code === "unknown_entry"
        ? EXIT.usage
        : EXIT.failure;
    }
  }, timeout);
}
