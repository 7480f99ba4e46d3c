/**
 * Answers what a running scheduler is asked, over the bus or by the page.
 *
 * @module
 */
import type { JsonObject } from "../bus/message_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { TraceContext } from "../trace/tracing.ts";
import { ConfigError } from "./config_error.ts";
import { type ConfigProblem, suggestion } from "./config_problem.ts";
import {
  type ControlProblem,
  type ControlReply,
  type ControlRequest,
  type EntryStatus,
  type FireReply,
  type FiringStatus,
  type HealthReply,
  MOST_ENTRIES,
  type NextReply,
  type PauseReply,
  type PauseRequest,
  type ReloadReply,
  type ReloadSummary,
  SOME_ENTRIES,
  type StatusReply,
} from "./control_api.ts";
import { ControlError, readControlRequest } from "./control_request.ts";
import type { FiringEngine } from "./firing_engine.ts";
import type { FiringRecord, Ledger } from "./ledger.ts";
import type { SchedulerConfig } from "./load_config.ts";
import type { Pauses } from "./pauses.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

export interface ControlOptions {
  /** As `--version` says it. */
  version: string;
  /** This replica's name; null without replicas. */
  replica: string | null;
  clock: Clock;
  logger: Logger;
  ledger: Ledger;
  pauses: Pauses;
  /** Null before the configuration is read. */
  config(): SchedulerConfig | null;
  /** Null before the start. */
  engine(): FiringEngine | null;
  isConnected(): boolean;
  /** Re-reads the configuration; resolves with what went wrong, or null. */
  reload(reason: string): Promise<unknown>;
}

/** How many requests may take long at once: all that change something. */
const MOST_SLOW = 16;
/** Of problems in one answer. */
const MOST_PROBLEMS = 20;
/** Of an error's text, in characters. */
const LONGEST_ERROR = 500;

export class Control {
  readonly #options: ControlOptions;
  readonly #slow = new Set<Promise<unknown>>();
  #runningSince: number | null = null;
  #lastReload: ReloadSummary | null = null;
  readonly #reloads = { ok: 0, failed: 0 };
  #byName = { config: null as SchedulerConfig | null, entries: new Map<string, ScheduleEntry>() };
  #counts = { requests: 0, errors: 0, lastError: "", milliseconds: 0 };

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** How many requests were served, how many with an error, and how long that took in all. */
  get counts(): { requests: number; errors: number; lastError: string; milliseconds: number } {
    return this.#counts;
  }

  /** The last, and how many there were. */
  get reloads(): { last: ReloadSummary | null; ok: number; failed: number } {
    return { last: this.#lastReload, ...this.#reloads };
  }

  /** Milliseconds since the epoch; null before the start. */
  get runningSince(): number | null {
    return this.#runningSince;
  }

  /** The scheduler runs from now on. */
  started(): void {
    this.#runningSince = this.#options.clock.now();
  }

  /** @param error why the configuration was refused; null where it was taken */
  reloaded(error: unknown, warnings: readonly ConfigProblem[] = []): void {
    const problems = error instanceof ConfigError ? error.problems : warnings;
    this.#reloads[error === null ? "ok" : "failed"]++;
    this.#lastReload = {
      at: new Date(this.#options.clock.now()).toISOString(),
      outcome: error === null ? "ok" : "failed",
      problems: error !== null && !(error instanceof ConfigError)
        ? [{ severity: "error", message: textOf(error), path: "", line: null, column: null }]
        : problems.slice(0, MOST_PROBLEMS).map(asControlProblem),
    };
  }

  /**
   * Answers one request. Never rejects: what cannot be served gets an error.
   *
   * @param trace what the request belongs to
   * @returns null where another replica is to answer
   */
  async answer(data: JsonObject, trace: TraceContext | null = null): Promise<ControlReply | null> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    try {
      const request = readControlRequest(data);
      if (!this.#isMeant(request)) return null;
      return await this.#serve(request, trace);
    } catch (error) {
      this.#counts.errors++;
      this.#counts.lastError = textOf(error);
      if (!(error instanceof ControlError)) {
        return { status: "error", code: "failed", error: textOf(error) };
      }
      const { code, message, problems } = error;
      return { status: "error", code, error: message, ...(problems && { problems }) };
    } finally {
      this.#counts.requests++;
      this.#counts.milliseconds += clock.monotonic() - began;
    }
  }

  /** Whether serving it may take longer than others should wait. */
  isSlow({ action }: JsonObject): boolean {
    return typeof action === "string" && ["fire", "pause", "resume", "reload"].includes(action);
  }

  /** Waits for the requests that take long. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#slow]);
  }

  #isMeant(request: ControlRequest): boolean {
    const { replica } = this.#options;
    if (request.replica !== undefined && request.replica !== replica) return false;
    // Whoever holds its lease fires it; that there is no such entry all may say.
    if (request.action !== "fire" || replica === null) return true;
    return this.#options.engine()?.leaseOf(this.#find(request.entry)) !== "free";
  }

  async #serve(request: ControlRequest, trace: TraceContext | null): Promise<ControlReply> {
    switch (request.action) {
      case "status": {
        const { entry, limit = SOME_ENTRIES, after } = request;
        return this.#status({ entry, limit, after });
      }
      case "next":
        return this.#next(request);
      case "fire":
        return await this.#bounded(() => this.#fire(this.#find(request.entry), trace));
      case "pause":
      case "resume":
        return await this.#bounded(() => this.#pause(request));
      case "reload":
        return await this.#bounded(() => this.#reload());
      default:
        return this.health();
    }
  }

  health(): HealthReply {
    const config = this.#options.config();
    const engine = this.#options.engine();
    return {
      status: "ok",
      name: config?.name ?? "",
      running_since: instantText(this.#runningSince),
      schedule_count: config?.entries.length ?? 0,
      next_fire: engine?.nextFire?.toISOString() ?? null,
      ...engine?.health,
    };
  }

  #status(
    { entry, limit, after }: { entry?: string; limit: number; after?: string },
  ): StatusReply {
    const entries = this.#options.config()?.entries ?? [];
    let names: string[];
    let isLast = true;
    if (entry !== undefined) {
      names = [this.#find(entry)];
    } else {
      const from = after === undefined ? 0 : entries.findIndex(({ name }) => name === after) + 1;
      if (after !== undefined && from === 0) this.#find(after);
      names = entries.slice(from, from + Math.min(limit, MOST_ENTRIES)).map(({ name }) => name);
      isLast = from + names.length >= entries.length;
    }
    const { pauses, version, isConnected } = this.#options;
    return {
      ...this.health(),
      version,
      bus_connected: isConnected(),
      paused: { all: pauses.all, entries: pauses.entries.size },
      last_reload: this.#lastReload,
      entries: names.map((name) => this.#entryStatus(name)),
      next_after: isLast ? null : names.at(-1) ?? null,
    };
  }

  #entryStatus(name: string): EntryStatus {
    const { ledger, pauses, replica } = this.#options;
    const engine = this.#options.engine();
    const history = ledger.of(name);
    const isSame = history?.last === history?.lastDispatched;
    const entry = this.#entry(name)!;
    return {
      name,
      enabled: entry.enabled,
      paused: pauses.has(name),
      ...(replica !== null && engine && { lease: engine.leaseOf(name) }),
      next_fire: engine?.nextFireOf(name)?.toISOString() ?? null,
      last: history && firingStatus(history.last),
      last_dispatched: history?.lastDispatched && !isSame
        ? firingStatus(history.lastDispatched)
        : null,
      counts: { ...history?.counts },
      dispatches: history?.dispatches ?? 0,
    };
  }

  #next({ entry, count = 10, until }: { entry?: string; count?: number; until?: string }) {
    const only = entry === undefined ? undefined : this.#find(entry);
    const firings = this.#engine.comingFirings({
      entry: only,
      count,
      until: until === undefined ? undefined : Date.parse(until),
    });
    const reply: NextReply = {
      status: "ok",
      firings: firings.map(({ entry, scheduledFor, fireAt }) => ({
        entry,
        scheduled_for: new Date(scheduledFor).toISOString(),
        fires_at: new Date(fireAt).toISOString(),
      })),
    };
    return reply;
  }

  async #fire(name: string, trace: TraceContext | null): Promise<FireReply> {
    const dispatches = await this.#engine.fireByHand(this.#entry(name)!, trace);
    return { status: "ok", entry: name, dispatches };
  }

  async #pause({ action, entry }: PauseRequest): Promise<PauseReply> {
    const { pauses, logger } = this.#options;
    const name = entry === undefined ? null : this.#find(entry);
    const paused = action === "pause";
    if (!paused && name !== null && pauses.all) {
      throw new ControlError(
        "failed",
        `Cannot resume "${name}" alone: all entries are paused, and can only be resumed together`,
      );
    }
    let kept = false;
    let warning: string | undefined;
    try {
      kept = await pauses.change({ paused, entry: name });
    } catch (error) {
      warning = `It holds until this process ends, and could not be written: ${textOf(error)}`;
    }
    this.#options.engine()?.pausesChanged();
    logger.info(paused ? "scheduler.paused" : "scheduler.resumed", { schedule: name, kept });
    const entries = [...pauses.entries].slice(0, MOST_ENTRIES);
    return {
      status: "ok",
      paused: { all: pauses.all, entries },
      kept,
      ...(warning !== undefined && { warning }),
    };
  }

  async #reload(): Promise<ReloadReply> {
    const error = await this.#options.reload("control");
    const problems = this.#lastReload?.problems ?? [];
    if (error instanceof ConfigError) {
      throw new ControlError("invalid_config", firstLine(error.message), problems);
    }
    if (error !== null) throw error;
    const { entries } = this.#options.config()!;
    return { status: "ok", schedule_count: entries.length, problems };
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#slow.size >= MOST_SLOW) {
      throw new ControlError("busy", `${MOST_SLOW} such requests are under way: ask again later`);
    }
    const done = work();
    this.#slow.add(done);
    try {
      return await done;
    } finally {
      this.#slow.delete(done);
    }
  }

  get #engine(): FiringEngine {
    const engine = this.#options.engine();
    if (engine === null) throw new ControlError("starting", "The scheduler is only starting");
    return engine;
  }

  #entry(name: string): ScheduleEntry | undefined {
    const config = this.#options.config();
    if (this.#byName.config !== config) {
      const entries = new Map(config?.entries.map((entry) => [entry.name, entry]));
      this.#byName = { config, entries };
    }
    return this.#byName.entries.get(name);
  }

  /** @throws {ControlError} when there is no such entry */
  #find(name: string): string {
    if (this.#entry(name) !== undefined) return name;
    const entries = this.#options.config()?.entries ?? [];
    const hint = suggestion(name, entries.slice(0, 10_000).map((each) => each.name));
    const shown = JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
    const message =
      `There is no entry ${shown}${hint} among the ${entries.length} of this scheduler`;
    throw new ControlError("unknown_entry", message);
  }
}

function firingStatus(record: FiringRecord): FiringStatus {
  const { scheduledFor, at, outcome, lateness, dispatches, error } = record;
  return {
    scheduled_for: new Date(scheduledFor).toISOString(),
    ended_at: new Date(at).toISOString(),
    outcome,
    lateness_ms: Math.round(lateness),
    dispatches,
    ...(error !== null && { error: error.slice(0, LONGEST_ERROR) }),
  };
}

function asControlProblem(problem: ConfigProblem): ControlProblem {
  const { severity, message, path, line, column } = problem;
  return {
    severity,
    message: message.slice(0, LONGEST_ERROR),
    path,
    line: line ?? null,
    column: column ?? null,
  };
}

function instantText(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}

function firstLine(text: string): string {
  return text.split("\n")[0]!;
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, LONGEST_ERROR);
}
