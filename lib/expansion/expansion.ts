/**
 * Calls the function that `expand_from` names, apart from the scheduler, and returns its objects.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { join, relative, resolve } from "node:path";
import { errorText } from "../internal/error_text.ts";
import { Semaphore } from "../internal/semaphore.ts";
import { nearest } from "../internal/suggestion.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { parseExpandFrom } from "./expand_from.ts";
import { ExpansionError, type ExpansionTarget } from "./expansion_error.ts";
import { DEFAULT_EXPAND_ALLOW, type ExpandAllow } from "./expand_allow.ts";
import { OutputLog } from "./expansion_output.ts";
import { constrainedMemory, type ExpansionMemory, expansionMemory } from "./expansion_memory.ts";
import { COMPILED_IN, resolveExpandFrom } from "./expansion_path.ts";
import { ExpansionPool } from "./expansion_pool.ts";
import { ExpansionProcess } from "./expansion_process.ts";
import { type Failure, MAX_RESULT_BYTES } from "./expansion_protocol.ts";
import { type Expanded, ExpansionResult } from "./expansion_result.ts";
import { CallFailure, ExpansionRunner } from "./expansion_runner.ts";
import { type UserAccess, userPermissions } from "./user_permissions.ts";
import { UserThreads } from "./user_threads.ts";

export { ExpansionError, type ExpansionErrorKind } from "./expansion_error.ts";
export { resolveExpandFrom } from "./expansion_path.ts";
export type { Expanded } from "./expansion_result.ts";

export interface ExpanderOptions {
  /** What `expand_from` is resolved against and never leaves. */
  root: string;
  /** What functions that are called from now on may reach beside it. Default: the network. */
  allow?: () => ExpandAllow;
  /**
   * What the scheduler and the processes of functions may take together, in bytes. Default: what the
   * system allows, where it says so.
   */
  memoryLimit?: number;
  clock: Clock;
  logger: Logger;
  /** Where functions run. Default: a process of their own on Linux, elsewhere a thread. */
  apart?: "process" | "thread";
}

export interface ExpandOptions {
  /** The entry's name. */
  schedule: string;
  /** Stands in what the log says of the call. */
  firingId?: string;
  /** The due instant. */
  scheduledFor: Date;
  /** The entry's `expand_with`. Default: empty. */
  with?: Readonly<Record<string, unknown>>;
  /** How long loading the module and the call may take together, in seconds. */
  timeoutSeconds: number;
  /** Gives the call up. */
  signal?: AbortSignal;
}

/**
 * Calls expansion functions, each schedule's in a process of its own: whatever a function does, it
 * costs no other schedule a millisecond. A process is started when it is first needed and given up
 * after a minute without work.
 *
 * ```ts ignore
 * const expander = new Expander({ root: "/etc/heddle", clock: systemClock, logger });
 * const objects = await expander.expand("./expansions/sessions.ts#getActive", {
 *   schedule: "digest",
 *   scheduledFor: new Date("2026-03-01T08:00:00Z"),
 *   timeoutSeconds: 30,
 * });
 * ```
 */
export class Expander {
  readonly #options: ExpanderOptions;
  readonly #root: string;
  readonly #pool: ExpansionPool;
  readonly #threads: UserThreads;
  readonly #processMemory: ExpansionMemory;
  /** Gives up each call under way. */
  readonly #calls = new Set<AbortController>();
  /** What results take until they are released; who needs more waits. */
  readonly #memory = new Semaphore(MAX_RESULT_BYTES);
  #closed = false;

  constructor(options: ExpanderOptions) {
    this.#options = options;
    this.#root = resolve(options.root);
    this.#threads = new UserThreads(options.clock);
    this.#processMemory = expansionMemory(options.memoryLimit ?? constrainedMemory());
    this.#pool = new ExpansionPool({
      clock: options.clock,
      size: this.#processMemory.processes,
      start: (key) => this.#start(key),
    });
  }

  /**
   * Returns the function's objects as JSON carries them: dates are strings, what is undefined is
   * left out. They must be released.
   *
   * @throws {ExpansionError} when the function cannot be called, fails, or returns something else
   * @throws the reason of `signal`, once that aborts
   */
  async expand(expandFrom: string, options: ExpandOptions): Promise<Expanded> {
    const target = await resolveExpandFrom(expandFrom, this.#root);
    const { signal, schedule } = options;
    const call = new AbortController();
    const giveUp = () => call.abort(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#calls.add(call);
    if (signal?.aborted) giveUp();
    if (this.#closed) call.abort(shutDown());
    try {
      const key = JSON.stringify([schedule, target.path]);
      await this.#threads.ended(key);
      return await this.#pool.use(
        key,
        call.signal,
        (runner) => this.#call(runner, target, options, call),
        spoils,
      );
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
      throw expansionError(error, expandFrom, target);
    } finally {
      this.#calls.delete(call);
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Returns where the modules that `expandFroms` name are, or would be; what names none is left out. */
  pathsOf(expandFroms: Iterable<string>): string[] {
    return [...expandFroms].flatMap((expandFrom) => {
      const named = parseExpandFrom(expandFrom);
      if (typeof named === "string") return [];
      return named.candidates.map((path) => join(this.#root, path));
    });
  }

  /**
   * Makes every call from now on load its module afresh, and reach what is allowed now. Those under
   * way are let finish.
   */
  reload(): void {
    this.#pool.renew();
  }

  /** Ends everything at once, and resolves once no process is left. */
  async close(): Promise<void> {
    this.kill();
    await this.#pool.ended();
  }

  /** {@link Expander.close} for whoever cannot wait. */
  kill(): void {
    this.#closed = true;
    for (const call of this.#calls) call.abort(shutDown());
    this.#pool.kill();
    this.#threads.terminate();
  }

  /** One call, until its time is over or `call` is given up. */
  async #call(
    runner: ExpansionRunner,
    { file, exportName }: ExpansionTarget,
    { schedule, firingId, scheduledFor, with: given = {}, timeoutSeconds }: ExpandOptions,
    { signal }: AbortController,
  ): Promise<Expanded> {
    runner.output.firingId = firingId;
    const argument = { schedule, scheduledFor: scheduledFor.toISOString(), with: given };
    const call = runner.call({ file, exportName, argument });
    const returned = await this.#within(timeoutSeconds, "it did not return", call.returned, signal);
    if (returned.count === 0) return NOTHING;
    await this.#memory.take(returned.bytes, signal);
    const result = new ExpansionResult(returned, this.#memory);
    try {
      const received = call.receive(result);
      await this.#within(timeoutSeconds, "its result did not arrive", received, signal);
      return result;
    } catch (error) {
      result.release();
      throw error;
    }
  }

  async #within<Result>(
    seconds: number,
    problem: string,
    work: Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    const done = new AbortController();
    const over = AbortSignal.any([signal, done.signal]);
    const limit = this.#options.clock.sleep(seconds * 1000, over).then(() => {
      if (signal.aborted) throw signal.reason;
      const reason = `${problem} within ${seconds} s, and was ended`;
      throw new CallFailure({ kind: "call", reason, fatal: true });
    });
    limit.catch(() => {}); // too late to matter
    try {
      return await Promise.race([work, limit]);
    } finally {
      done.abort(); // ends the sleep
    }
  }

  #access(): UserAccess {
    const { read, net } = this.#options.allow?.() ?? DEFAULT_EXPAND_ALLOW;
    const paths = [".", ...read].map((path) => resolve(this.#root, path));
    const own = Deno.build.standalone ? [COMPILED_IN] : [];
    return { read: [...own, ...paths.flatMap(realAndGiven)], net };
  }

  #start(key: string): ExpansionRunner {
    const { clock, logger, apart = Deno.build.os === "linux" ? "process" : "thread" } =
      this.#options;
    const [schedule, module]: [string, string] = JSON.parse(key);
    const fields = { schedule, module };
    const output = new OutputLog(logger, clock, fields);
    const access = this.#access();
    return new ExpansionRunner({
      start: (onReply) => {
        if (apart === "process") {
          const memoryBytes = this.#processMemory.processBytes;
          return new ExpansionProcess({ root: this.#root, access, memoryBytes, output, onReply });
        }
        const onPrinted = (text: string) => {
          for (const line of text.split("\n")) output.line("stdout", line);
        };
        const permissions = userPermissions(access);
        return this.#threads.start(key, { permissions, onReply, onPrinted });
      },
      output,
      onCrash: (error) => logger.warning("scheduler.expansion_crashed", { ...fields, error }),
    });
  }
}

/** `path`, and where it leads: files are read by either, modules are imported by the second. */
function realAndGiven(path: string): string[] {
  try {
    return [...new Set([path, Deno.realPathSync(path)])];
  } catch {
    return [path]; // not there yet
  }
}

const NOTHING: Expanded = { count: 0, lists: [] };

function shutDown(): CallFailure {
  return new CallFailure({ kind: "call", reason: "the scheduler is shutting down", fatal: true });
}

/**
 * Reports whether a runner is of no further use. It is kept after a function threw or returned
 * something else than it should; a module that failed to load fails for as long as its runner lives.
 */
function spoils(error: unknown): boolean {
  if (!(error instanceof CallFailure)) return true;
  const { kind, fatal } = error.failure;
  return fatal === true || kind === "import";
}

function expansionError(
  error: unknown,
  expandFrom: string,
  target: ExpansionTarget,
): ExpansionError {
  if (!(error instanceof CallFailure)) {
    const reason = errorText(error);
    const text = `no process can be started for it: ${reason}`;
    return new ExpansionError("call", text, { expandFrom, target, cause: error });
  }
  const { failure } = error;
  const reason = failure.reason + exportsOf(failure, target.exportName) + placeOf(failure, target);
  return new ExpansionError(failure.kind, reason, { expandFrom, target, cause: error });
}

/** Where an export is missing: the one that was meant, perhaps, and all there are. */
function exportsOf({ functions }: Failure, wanted: string): string {
  if (functions === undefined) return "";
  if (functions.length === 0) return ", and exports no function";
  const meant = nearest(wanted, functions);
  const list = functions.map((name) => `"${name}"`).join(", ");
  return `${
    meant === undefined ? "" : `, did you mean "${meant}"?`
  }; it exports the functions ${list}`;
}

/** ` (expansions/sessions.ts:3:9)` */
function placeOf({ at = "" }: Failure, { file, path }: ExpansionTarget): string {
  const [, url, place] = /^(file:.*?)(:\d+:\d+)$/.exec(at) ?? [];
  if (url === undefined) return "";
  const root = file.slice(0, file.length - path.length) || "/";
  try {
    return ` (${relative(root, fileURLToPath(url))}${place})`;
  } catch {
    return ""; // it is no file's URL
  }
}
