/**
 * Asks a running scheduler over the bus, for the commands.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type JsonObject, type MessageBus, NoReplyError } from "../bus/message_bus.ts";
import { absolutePath } from "../internal/absolute_path.ts";
import type { ControlRequest, ErrorReply, HealthReply } from "../control/control_api.ts";
import { formatProblem, shown } from "../config/config_problem.ts";
import { schedulerName } from "../config/load_config.ts";
import { schedulerSubject } from "../wire/subjects.ts";
import { EXIT, UsageError } from "./exit_codes.ts";
import { CONNECT_TIMEOUT_MS, onceConnected } from "./one_shot.ts";
import {
  addBusOptions,
  addConfigOption,
  addLoggingOptions,
  type BusOptions,
  type ConfigOptions,
  type LoggingOptions,
} from "./options.ts";
import { printError } from "./print.ts";

export interface AskOptions extends ConfigOptions, BusOptions, LoggingOptions {
  name?: string;
  /** The time-out of one answer, in seconds. */
  timeout: number;
}

/**
 * Adds the options of a command that asks a running scheduler.
 *
 * @param timeout the default, in seconds
 */
export function addAskOptions(command: Command, timeout: number): Command {
  command
    .addOption(
      new Option("--name <name>", "the scheduler's name (default: the configuration's)")
        .env("HEDDLE_SCHEDULER_NAME"),
    )
    .addOption(
      new Option("--timeout <seconds>", "how long to wait for the answer")
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

/** A replica that does not answer within this time is passed over. */
const PRESENCE_TIMEOUT_MS = 5000;

/** A scheduler in another process. */
export class RemoteScheduler {
  readonly name: string;
  readonly #bus: MessageBus;
  readonly #timeout: number;

  /** @param timeout that of one answer, in milliseconds */
  constructor(bus: MessageBus, name: string, timeout: number) {
    this.#bus = bus;
    this.name = name;
    this.#timeout = timeout;
  }

  /**
   * Sends one request, and returns the answer.
   *
   * @throws {RefusedError} when the scheduler answers with an error
   * @throws {NoReplyError} when no scheduler of the name answers
   */
  async ask<Reply>(request: ControlRequest, timeout = this.#timeout): Promise<Reply> {
    const subject = schedulerSubject(this.name);
    const { data } = await this.#bus.request(subject, request as JsonObject, timeout, {
      isReply: ({ status, code, error }) =>
        status === "ok" ||
        status === "error" && typeof code === "string" && typeof error === "string",
    });
    if (data.status === "error") throw new RefusedError(data as unknown as ErrorReply);
    return data as Reply;
  }

  /**
   * Asks each of its replicas in turn, or a scheduler that has none. One that does not answer, such
   * as one that has just died and is still named by the others, is reported on stderr and delays
   * the others by no more than a time-out.
   *
   * @param ask asks the replica of this name
   * @returns the answers of those that gave one: at least one
   * @throws {RefusedError} when one answers with an error; those after it are not asked then
   * @throws {NoReplyError} when none answers
   */
  async askEach<Reply>(ask: (replica: string | undefined) => Promise<Reply>): Promise<Reply[]> {
    const { replica, other_replicas = [] } = await this.ask<HealthReply>({ action: "health" });
    if (replica === undefined) return [await ask(undefined)];
    const names = [replica, ...other_replicas].sort();
    const absent = await Promise.all(names.map((name) => this.#absence(name)));
    const replies: Reply[] = [];
    let silence: unknown;
    for (const [at, name] of names.entries()) {
      try {
        if (absent[at] !== null) throw absent[at];
        replies.push(await ask(name));
      } catch (error) {
        if (!(error instanceof NoReplyError)) throw error;
        silence = error;
        printError(`replica ${name} does not answer`);
      }
    }
    if (replies.length === 0) throw silence;
    return replies;
  }

  /** Returns null where the replica answers, else the {@link NoReplyError}. */
  async #absence(replica: string): Promise<unknown> {
    const timeout = Math.min(this.#timeout, PRESENCE_TIMEOUT_MS);
    try {
      await this.ask({ action: "health", replica }, timeout);
      return null;
    } catch (error) {
      return error;
    }
  }
}

/** The time in which running schedulers tell their files. */
const LOOKUP_MS = 500;
/** The number of names in one message. */
const MAX_NAMES = 3;

/**
 * Returns advice that names the schedulers which run with the file at `path` and are not called
 * `name`; empty where there are none, or where nobody may ask for them.
 */
async function othersWith(path: string, name: string, bus: MessageBus): Promise<string> {
  const wanted = absolutePath(path);
  const others = new Set<string>();
  const isReply = ({ metadata }: JsonObject) => {
    const { scheduler, config_path } = Object(metadata);
    if (typeof scheduler === "string" && scheduler !== name && config_path === wanted) {
      others.add(shown(scheduler));
    }
    return false; // more may come
  };
  await bus.request("$SRV.INFO.heddle-scheduler", {}, LOOKUP_MS, { isReply }).catch(() => {});
  const [first, ...more] = others;
  if (first === undefined) return "";
  const named = [first, ...more.slice(0, MAX_NAMES - 1)].join(", ");
  const left = others.size > MAX_NAMES ? ` and ${others.size - MAX_NAMES} more` : "";
  return `; with ${path} runs ${named}${left}, and a scheduler keeps its name until a restart: ` +
    `ask it by --name ${first}`;
}

/** A scheduler answered with an error. */
export class RefusedError extends Error {
  override name = "RefusedError";

  constructor(readonly reply: ErrorReply) {
    super(reply.error);
  }
}

/**
 * Asks the scheduler that the options name. A failure is one line on stderr, which distinguishes a
 * server that cannot be reached from a scheduler that does not answer.
 *
 * @param hint advice that is added where there is no scheduler
 * @returns the exit code
 */
export async function askScheduler(
  options: AskOptions,
  ask: (scheduler: RemoteScheduler) => Promise<number>,
  hint = "",
): Promise<number> {
  const name = options.name ?? await schedulerName(options.config);
  if (typeof name !== "string") {
    printError(formatProblem(options.config, name));
    throw new UsageError("Cannot tell the scheduler's name from this file: give it by --name");
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
        const instead = await othersWith(options.config, name, bus) ||
          (error.reason === "no_responders" ? hint : "");
        printError(`No scheduler named "${name}" answers: ${error.message}${instead}`);
        return EXIT.failure;
      }
      if (!(error instanceof RefusedError)) throw error;
      printError(error.message);
      for (const { line, column, severity, message } of error.reply.problems ?? []) {
        printError(`${line ?? 1}:${column ?? 1}: ${severity}: ${message}`);
      }
      return error.reply.code === "invalid_config" || error.reply.code === "unknown_entry"
        ? EXIT.usage
        : EXIT.failure;
    }
  }, Math.min(timeout, CONNECT_TIMEOUT_MS));
}
