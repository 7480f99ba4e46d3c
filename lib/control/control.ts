/**
 * Answers the requests to a running scheduler, which come over the bus or from the page.
 *
 * @module
 */
import type { JsonObject } from "../bus/message_bus.ts";
import type { Logger } from "../log/logger.ts";
import { expansionText } from "../schedule/expansion_text.ts";
import type { Clock } from "../time/clock.ts";
import { readTraceContext, type TraceContext } from "../trace/tracing.ts";
import { ConfigError } from "../config/config_error.ts";
import { type ConfigProblem, shown } from "../config/config_problem.ts";
import { suggestion } from "../internal/suggestion.ts";
import {
  type ControlReply,
  type ControlRequest,
  DEFAULT_ENTRIES,
  type EntryStatus,
  type FireReply,
  type FireRequest,
  type HealthReply,
  MAX_ENTRIES,
  type NextReply,
  type NextRequest,
  type PauseReply,
  type PauseRequest,
  type ReloadReply,
  type ReloadSummary,
  type StatusReply,
  type StatusRequest,
} from "./control_api.ts";
import { ControlError, readControlRequest } from "./control_request.ts";
import { deadlineOf } from "./request_age.ts";
import {
  asControlProblem,
  deliveryStatus,
  historyStatus,
  instantText,
  notesStatus,
  textOf,
  zoneDataStatus,
} from "./control_status.ts";
import type { Witness } from "../durable/lease_witness.ts";
import type { FiringEngine } from "../engine/firing_engine.ts";
import type { SchedulerConfig } from "../config/load_config.ts";
import type { Pauses } from "../engine/pauses.ts";
import { DEFAULTS } from "../config/config_schema.ts";
import { catchUpInEffect } from "../schedule/catch_up.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";

export interface ControlOptions {
  /** The version as `--version` prints it. */
  version: string;
  /** This replica's name; null without replicas. */
  replica: string | null;
  clock: Clock;
  logger: Logger;
  pauses: Pauses;
  /** Null before the configuration is read. */
  config(): SchedulerConfig | null;
  /** Null before the start. */
  engine(): FiringEngine | null;
  isConnected(): boolean;
  /** Returns what the start waits for, in a sentence; null where it waits for nothing. */
  waitingFor(): string | null;
  /** Reads the configuration again; resolves with the error, or null. */
  reload(reason: string): Promise<unknown>;
}

/**
 * The actions that change something. They may take long, so that no other request waits for them.
 */
const MUTATIONS: readonly unknown[] = ["fire", "pause", "resume", "reload"];
/** The number of mutations that run at once. */
const MAX_MUTATIONS = 16;
/** The number of requests to fire for which it is found out at once which replica is to do it. */
const MAX_LOOKUPS = 256;
/** A replica whose start waits leaves it to another for so long to fire an entry. */
const STARTING_DELAY_MS = 2000;
/** The number of problems in one answer. */
const MAX_PROBLEMS = 20;

export class Control {
  readonly #options: ControlOptions;
  readonly #mutations = new Set<Promise<unknown>>();
  #lookups = 0;
  #runningSince: number | null = null;
  #lastReload: ReloadSummary | null = null;
  readonly #reloads = { ok: 0, failed: 0 };
  #counts = { requests: 0, errors: 0, lastError: "", milliseconds: 0 };

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** The requests that were served, those with an error among them, and the time of all. */
  get counts(): { requests: number; errors: number; lastError: string; milliseconds: number } {
    return this.#counts;
  }

  /** The last reload, and how many there were of each outcome. */
  get reloads(): { last: ReloadSummary | null; ok: number; failed: number } {
    return { last: this.#lastReload, ...this.#reloads };
  }

  /** The instant of the start, in milliseconds since the epoch; null before it. */
  get runningSince(): number | null {
    return this.#runningSince;
  }

  /** Notes that the scheduler runs from now on. */
  started(): void {
    this.#runningSince = this.#options.clock.now();
  }

  /**
   * Notes a reload.
   *
   * @param error why the configuration was refused; null where it was accepted
   */
  reloaded(error: unknown, warnings: readonly ConfigProblem[] = []): void {
    const problems = error instanceof ConfigError ? error.problems : warnings;
    this.#reloads[error === null ? "ok" : "failed"]++;
    this.#lastReload = {
      at: instantText(this.#options.clock.now()),
      outcome: error === null ? "ok" : "failed",
      problems: error !== null && !(error instanceof ConfigError)
        ? [{ severity: "error", message: textOf(error), path: "", line: null, column: null }]
        : problems.slice(0, MAX_PROBLEMS).map(asControlProblem),
    };
  }

  /**
   * Answers one request. Never rejects: a request that cannot be served is answered with an error.
   *
   * @param headers those of its message
   * @returns null where another replica is to answer
   */
  async answer(
    data: JsonObject,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ControlReply | null> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    try {
      const request = readControlRequest(data);
      if (!await this.#isAddressed(request)) return null;
      const serve = async () => await this.#serve(request, readTraceContext({ headers, data }));
      return await (this.isMutation(data) ? this.#bounded(serve) : serve());
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

  /** Reports whether a request changes something, so that it may take long. */
  isMutation({ action }: JsonObject): boolean {
    return MUTATIONS.includes(action);
  }

  /** Waits for the mutations that run. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#mutations]);
  }

  /**
   * Reports whether this replica is to answer.
   *
   * @throws {ControlError} `no_holder`, where no replica is
   */
  async #isAddressed(request: ControlRequest): Promise<boolean> {
    const { replica } = this.#options;
    if (request.replica !== undefined && request.replica !== replica) return false;
    // The holder of its lease fires an entry. That there is no such entry, any replica answers.
    if (request.action !== "fire" || replica === null) return true;
    const { name } = this.#find(request.entry);
    // Where it is not known who holds the lease, nobody may say that nothing is fired.
    if (this.#lookups >= MAX_LOOKUPS) return false;
    this.#lookups++;
    const found = await this.#whoFires(name).finally(() => this.#lookups--);
    const { clock, waitingFor } = this.#options;
    if (found.holder === "another" && waitingFor() !== null) {
      await clock.sleep(STARTING_DELAY_MS); // another replica, which does not wait, answers before
      throw new ControlError("starting", waitingFor() ?? "The scheduler is only starting");
    }
    if (found.holder !== "nobody") return found.holder === "us";
    const { silent, until } = found;
    const unless = silent === null
      ? ""
      : `, unless ${silent}, which does not answer, comes back: then it may still fire`;
    throw new ControlError(
      "no_holder",
      `No replica holds the lease of "${name}" until about ${instantText(until)}${unless}; ` +
        "try again then",
    );
  }

  async #whoFires(name: string): Promise<Witness> {
    return await this.#options.engine()?.whoFires(name) ?? { holder: "us" };
  }

  #serve(
    request: ControlRequest,
    trace: TraceContext | null,
  ): ControlReply | Promise<ControlReply> {
    switch (request.action) {
      case "status":
        return this.#status(request);
      case "next":
        return this.#next(request);
      case "fire":
        return this.#fire(request, trace);
      case "pause":
      case "resume":
        return this.#pause(request);
      case "reload":
        return this.#reload();
      default:
        return this.health();
    }
  }

  health(): HealthReply {
    const config = this.#options.config();
    const engine = this.#options.engine();
    const waitingFor = this.#options.waitingFor();
    return {
      status: "ok",
      name: config?.name ?? "",
      running_since: this.#runningSince === null ? null : instantText(this.#runningSince),
      ...(waitingFor !== null && { waiting_for: waitingFor }),
      schedule_count: config?.entries.length ?? 0,
      next_fire: engine?.nextFire?.toISOString() ?? null,
      ...engine?.health,
    };
  }

  #status({ entry, limit = DEFAULT_ENTRIES, after }: StatusRequest): StatusReply {
    const all = this.#options.config()?.entries ?? [];
    const from = after === undefined ? 0 : all.indexOf(this.#find(after)) + 1;
    const entries = entry === undefined ? all.slice(from, from + limit) : [this.#find(entry)];
    const isLast = entry !== undefined || from + entries.length >= all.length;
    const { pauses, version, isConnected, engine } = this.#options;
    const rivals = engine()?.rivals ?? [];
    return {
      ...this.health(),
      version,
      zone_data: zoneDataStatus(),
      wire: this.#options.config()?.wire ?? DEFAULTS.wire,
      bus_connected: isConnected(),
      ...this.#delivery(),
      paused: { all: pauses.all, entries: pauses.entries.size },
      ...(rivals.length > 0 && { name_shared_with: [...rivals] }),
      last_reload: this.#lastReload,
      ...this.#clockSetBack(),
      entries: entries.map((each) => ({
        ...this.#entryStatus(each),
        ...(entry !== undefined && notesStatus(each)),
      })),
      next_after: isLast ? null : entries.at(-1)!.name,
    };
  }

  #delivery(): Pick<StatusReply, "delivery"> {
    const engine = this.#options.engine();
    return engine === null ? {} : { delivery: deliveryStatus(engine.delivery) };
  }

  #clockSetBack(): Pick<StatusReply, "clock_set_back"> {
    const verdict = this.#options.engine()?.clockVerdict ?? null;
    if (verdict === null) return {};
    const { at, wasAhead, aheadMs } = verdict;
    return {
      clock_set_back: { at: instantText(at), was_ahead: wasAhead, ahead_ms: aheadMs },
    };
  }

  #entryStatus(entry: ScheduleEntry): EntryStatus {
    const { name, enabled } = entry;
    const { pauses, replica } = this.#options;
    const engine = this.#options.engine();
    const expansion = expansionText(entry);
    const { nextDue = Infinity, history = null } = engine?.job(name) ?? {};
    return {
      name,
      enabled,
      paused: pauses.has(name),
      ...(expansion !== null && { for_each_of: expansion }),
      catch_up: catchUpInEffect(entry, replica !== null),
      ...(replica !== null && engine && { lease: engine.leaseOf(name) }),
      next_fire: nextDue === Infinity ? null : instantText(nextDue),
      ...historyStatus(history),
    };
  }

  #next({ entry, count = 10, until }: NextRequest): NextReply {
    const firings = this.#engine.comingFirings({
      entry: entry === undefined ? undefined : this.#find(entry).name,
      count,
      until: until === undefined ? undefined : Date.parse(until),
    });
    return {
      status: "ok",
      firings: firings.map(({ entry, scheduledFor, fireAt }) => ({
        entry,
        scheduled_for: instantText(scheduledFor),
        fires_at: instantText(fireAt),
      })),
    };
  }

  async #fire(request: FireRequest, trace: TraceContext | null): Promise<FireReply> {
    const entry = this.#find(request.entry);
    const until = deadlineOf(request, this.#options.clock.now());
    const dispatches = await this.#engine.fireManually(entry, { trace, until });
    return { status: "ok", entry: entry.name, dispatches };
  }

  async #pause({ action, entry }: PauseRequest): Promise<PauseReply> {
    const { pauses, logger } = this.#options;
    const name = entry === undefined ? null : this.#find(entry).name;
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
      warning = `Not persisted yet (${textOf(error)}): it holds in this process, which tries again`;
    }
    this.#options.engine()?.pausesChanged();
    logger.info(paused ? "scheduler.paused" : "scheduler.resumed", { schedule: name, kept });
    const entries = [...pauses.entries].slice(0, MAX_ENTRIES);
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
      throw new ControlError("invalid_config", error.message, problems);
    }
    if (error !== null) throw error;
    const { entries } = this.#options.config()!;
    return { status: "ok", schedule_count: entries.length, problems };
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#mutations.size >= MAX_MUTATIONS) {
      throw new ControlError("busy", `${MAX_MUTATIONS} changes are in progress: ask again later`);
    }
    const done = work();
    this.#mutations.add(done);
    try {
      return await done;
    } finally {
      this.#mutations.delete(done);
    }
  }

  get #engine(): FiringEngine {
    const engine = this.#options.engine();
    if (engine !== null) return engine;
    const { waitingFor } = this.#options;
    throw new ControlError("starting", waitingFor() ?? "The scheduler is only starting");
  }

  /** @throws {ControlError} when there is no such entry */
  #find(name: string): ScheduleEntry {
    const { entries = [] } = this.#options.config() ?? {};
    const entry = this.#options.engine()?.job(name)?.entry ??
      entries.find((each) => each.name === name);
    if (entry !== undefined) return entry;
    const hint = suggestion(name, entries.slice(0, 10_000).map((each) => each.name));
    throw new ControlError(
      "unknown_entry",
      `There is no entry ${shown(name)}${hint} among the ${entries.length} of this scheduler`,
    );
  }
}
