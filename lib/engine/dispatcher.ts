/**
 * Carries out the decisions of the policy: starts, delays, skips and withdraws firings. No other
 * place ends a firing.
 *
 * @module
 */
import { errorText } from "../internal/error_text.ts";
import type { MessageBus } from "../bus/message_bus.ts";
import { DEFAULTS } from "../config/config_schema.ts";
import type { Wire } from "../wire/vocabulary.ts";
import { Delivery } from "../durable/delivery.ts";
import type { Owner } from "../durable/owner.ts";
import type { Expander } from "../expansion/expansion.ts";
import type { Logger } from "../log/logger.ts";
import { graceMs } from "../schedule/misfire.ts";
import { CATCH_UP_LIMIT, type Due, type Missed } from "../schedule/occurrences.ts";
import type { Clock } from "../time/clock.ts";
import type { Span, TraceContext, Tracing } from "../trace/tracing.ts";
import { abortAt, DeadlineError } from "./deadline.ts";
import type { CatchUp } from "../wire/vocabulary.ts";
import { decide, type Effect, type JobEvent, type Situation } from "./decide.ts";
import {
  type Ending,
  Firing,
  isFinal,
  type OnFire,
  ShutdownError,
  WithdrawnError,
} from "./firing.ts";
import { FiringLog } from "./firing_log.ts";
import { History, type Outcome, type SkipReason } from "./history.ts";
import { type Activity, firesEach, type Job } from "./job.ts";
import { NamesAhead } from "./names_ahead.ts";
import { Sender } from "./sender.ts";
import { WaitingList } from "./waiting_list.ts";

export interface DispatcherOptions {
  /** The scheduler's name, part of every dispatch's identity. */
  scheduler: string;
  /** Returns the wire in use. Default: `v1`. */
  wire?(): Wire;
  bus: MessageBus;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  logger: Logger;
  /** Default: over core NATS. */
  delivery?: Pick<Delivery, "publish" | "isAcknowledged">;
  /** Default: a history without listeners. */
  history?: History;
  /** Default: dispatches are not named ahead. */
  names?: NamesAhead;
  /** Called for each firing in place of publishing. Default: its dispatches are published. */
  onFire?: OnFire;
  /** Default: nothing is paused. */
  isPaused?(entryName: string): boolean;
  /** Default: null, no traces. */
  tracing?: Tracing | null;
}

/** A skip for one of these settles the occurrence; after others, a newer one or a start does. */
const SETTLING_REASONS: readonly SkipReason[] = ["misfire", "overlap", "paused"];

/** The time that a withdrawn firing has to end. */
const GIVE_UP_TIMEOUT_MS = 100;

export interface ManualFiringOptions {
  /** The trace that the firing belongs to. Default: null, no trace. */
  trace?: TraceContext | null;
  /**
   * The instant at which the requester stops waiting, in milliseconds since the epoch: no message
   * is sent after it. Default: no limit.
   */
  until?: number;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #log: FiringLog;
  readonly #sender: Sender;
  /** The jobs that are not idle: an index, so that an event for all need not visit every job. */
  readonly #active = new Set<Job>();
  readonly #manual = new Set<Firing>();
  #stopped = new AbortController();
  #isWatching = false;

  constructor(options: DispatcherOptions) {
    const { scheduler, bus, expander, clock, logger } = options;
    this.#options = options;
    this.#log = new FiringLog({ logger, clock, history: options.history ?? new History() });
    this.#sender = new Sender({
      scheduler,
      wire: options.wire ?? (() => DEFAULTS.wire),
      expander,
      clock,
      delivery: options.delivery ?? new Delivery({ bus, mode: "core", clock, logger }),
      names: options.names ?? new NamesAhead(),
      onFire: options.onFire,
      onDispatched: (firing, dispatch) => this.#log.dispatched(firing, dispatch),
      onEnd: (firing, ending) => this.#conclude(firing, ending),
    });
  }

  /** The number of entries that are due and wait for the connection or their lease. */
  get heldBack(): number {
    const isConnected = this.#options.onFire !== undefined || this.#options.bus.connected;
    let count = 0;
    for (const { waits, running, owner } of this.#active) {
      if (waits > 0 && running === null && !(isConnected && owner.state === "held")) count++;
    }
    return count;
  }

  /** See {@link Sender.nameAhead}. */
  nameAhead(job: Job, scheduledFor: number): void {
    this.#sender.nameAhead(job, scheduledFor);
  }

  /** Handles a due occurrence. Returns at once and never throws. */
  due(job: Job, due: Due): void {
    this.#decide(job, due.isSpread ? "spread_due" : "due", due);
  }

  /** Handles a restored connection, or a lapsed lease that is renewed. */
  opened(): void {
    for (const job of [...this.#active]) this.#decide(job, "opened");
  }

  /** Handles entries that were paused or resumed. */
  pauseChanged(): void {
    for (const job of [...this.#active]) this.#decide(job, "pause_changed");
  }

  /** Handles jobs whose entries a reload removed or disabled. */
  removed(jobs: Iterable<Job>): void {
    for (const job of jobs) this.#decide(job, "removed");
  }

  /** Handles the loss of an owner's jobs to another replica. */
  lost(owner: Owner): void {
    for (const job of this.#activeOf(owner)) this.#decide(job, "lost");
  }

  /**
   * Drops the waiting occurrences of an owner's jobs before a handover; running firings may end.
   *
   * @returns the oldest occurrence that was dropped; Infinity for none
   */
  releasing(owner: Owner): number {
    return Math.min(...this.#activeOf(owner).map((job) => this.giveUpWaiting(job)));
  }

  /** Drops a job's waiting occurrences without a log line. Returns the oldest, or Infinity. */
  giveUpWaiting(job: Job): number {
    const oldest = job.activity?.waiting?.oldest ?? Infinity;
    this.#decide(job, "releasing");
    return oldest;
  }

  /** Logs the missed occurrences of a job that do not fire. */
  missed(job: Job, missed: Missed, catchUp: CatchUp): void {
    this.#log.missed(job, missed, catchUp);
  }

  /**
   * Fires a job now at a person's request: its dispatches get random identities. A message that a
   * stream refuses is not retried.
   *
   * @returns the number of published messages
   * @throws {ShutdownError} when the dispatcher has stopped
   * @throws {DeadlineError} when `until` has passed, also during the expansion
   * @throws {ExpansionError} when the expansion fails
   * @throws {unknown} the error that `onFire` throws
   * @throws {AggregateError} when messages could not be published
   */
  async fireManually(job: Job, { trace, until }: ManualFiringOptions = {}): Promise<number> {
    this.#stopped.signal.throwIfAborted();
    const { clock } = this.#options;
    const now = clock.now();
    if (until !== undefined && until <= now) throw new DeadlineError();
    const due: Due = { scheduledFor: now, fireAt: now, passedOverSince: null, isSpread: false };
    const id = `${this.#log.idOf(job.name, due)}/by-hand/${crypto.randomUUID()}`;
    const span = this.#startSpan(job, due, id, trace);
    const firing = new Firing(job, due, { id, lateness: 0, span, isManual: true });
    this.#manual.add(firing);
    this.#log.firing(firing);
    const forgetDeadline = abortAt(firing.withdraw, until, clock);
    firing.done = this.#sender.send(firing).finally(forgetDeadline);
    await firing.done;
    const { outcome, dispatches, failed, errors, isExpansion } = firing.ending!;
    if (outcome !== "failed") return dispatches;
    if (isExpansion || this.#options.onFire !== undefined) throw errors[0];
    const messages = failed === 1 ? "1 message" : `${failed} messages`;
    throw new AggregateError(errors, `Cannot publish ${messages}: ${errorText(errors[0])}`);
  }

  /**
   * Waits at most `timeout` milliseconds for running firings to end, and withdraws the rest.
   *
   * @param isMeant selects the firings
   * @returns the oldest occurrence that was withdrawn; Infinity for none
   */
  async drain(timeout: number, isMeant: (firing: Firing) => boolean): Promise<number> {
    const { clock } = this.#options;
    const running = [...this.#active].flatMap((job) => job.running ?? []).filter(isMeant);
    const finished = new AbortController();
    const all = Promise.all(running.map(({ done }) => done)).then(() => finished.abort());
    await clock.sleep(timeout, finished.signal);
    let oldest = Infinity;
    for (const { job, state, due } of running) {
      if (state === "over") continue;
      oldest = Math.min(oldest, due.scheduledFor);
      this.#decide(job, "timed_out", null, timeout);
    }
    if (oldest !== Infinity) await Promise.race([all, clock.sleep(GIVE_UP_TIMEOUT_MS)]);
    return oldest;
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    for (;;) {
      const running = [...this.#manual, ...[...this.#active].flatMap((job) => job.running ?? [])];
      if (running.length === 0) return;
      await Promise.all(running.map(({ done }) => done));
    }
  }

  /** Ends: waits for what runs, at most `timeout` milliseconds. Nothing is fired afterwards. */
  async stop(timeout: number): Promise<void> {
    const { clock } = this.#options;
    for (const job of [...this.#active]) this.#decide(job, "stopping");
    const manual = [...this.#manual];
    const finished = new AbortController();
    const all = Promise.all(manual.map(({ done }) => done)).then(() => finished.abort());
    await Promise.all([this.drain(timeout, () => true), clock.sleep(timeout, finished.signal)]);
    const reason = new ShutdownError("the scheduler is shutting down");
    this.#stopped.abort(reason);
    if (finished.signal.aborted) return;
    for (const { withdraw } of manual) withdraw.abort(reason);
    await Promise.race([all, clock.sleep(GIVE_UP_TIMEOUT_MS)]);
  }

  /** Returns the jobs that are not idle and fire under `owner`, also those of removed entries. */
  #activeOf(owner: Owner): Job[] {
    return [...this.#active].filter((job) => (job.running?.owner ?? job.owner) === owner);
  }

  #decide(job: Job, event: JobEvent, due: Due | null = null, waitedMs = 0): void {
    const effects = decide(event, this.#situation(job, due));
    for (const effect of effects) this.#carryOut(job, effect, due, waitedMs);
    if (job.activity !== null) this.#tidy(job, job.activity);
  }

  #situation(job: Job, due: Due | null): Situation {
    const { bus, isPaused, onFire } = this.#options;
    const { owner, activity, entry } = job;
    const running = activity?.running ?? null;
    const size = activity?.waiting?.size ?? 0;
    const inOldTerm = running !== null && running.term !== owner.term;
    const fireAt = due?.fireAt ?? (running?.due ?? activity?.waiting)?.fireAt ?? Infinity;
    return {
      owner: owner.state,
      connected: onFire !== undefined || bus.connected,
      paused: isPaused?.(entry.name) ?? false,
      each: firesEach(job),
      running: running === null || running.state === "over" ? "none" : running.state,
      inOldTerm,
      waiting: size === 0 ? "none" : size === 1 ? "one" : size < CATCH_UP_LIMIT ? "some" : "full",
      late: entry.misfireGraceSeconds !== null &&
        this.#options.clock.now() - fireAt > graceMs(entry),
    };
  }

  #carryOut(job: Job, effect: Effect, due: Due | null, waitedMs: number): void {
    switch (effect.do) {
      case "start":
        return this.#start(job, effect.what === "due" ? due! : job.activity!.waiting!.shift()!);
      case "wait":
        return this.#wait(job, due!);
      case "skip":
        return this.#skip(job, effect.what, effect.as, due, waitedMs);
      case "forget":
        job.activity!.waiting!.clear();
        return;
      case "withdraw":
        return this.#withdraw(job, null);
      case "hold": {
        const held = job.running!.due;
        this.#withdraw(job, null);
        return this.#waitingOf(job).unshift(held);
      }
      case "restart": {
        const again = job.running!.due;
        this.#withdraw(job, null);
        return this.#start(job, again);
      }
      case "watch":
        return this.#watch();
      case "turn":
        return this.#decide(job, "turn");
    }
  }

  #wait(job: Job, due: Due): void {
    const now = this.#options.clock.now();
    // The grace of a spread occurrence was checked before its delay: it counts again from now on.
    this.#waitingOf(job).push(due.isSpread ? { ...due, fireAt: Math.max(due.fireAt, now) } : due);
  }

  #skip(job: Job, what: string, as: SkipReason, due: Due | null, waitedMs: number): void {
    const waiting = job.activity?.waiting;
    switch (what) {
      case "due": {
        const { running } = job;
        const since = as === "overlap" && running !== null
          ? { running_since: new Date(running.due.scheduledFor).toISOString() }
          : {};
        return this.#skipped(job, due!, as, since);
      }
      case "first": {
        const limit = as === "catch_up_limit" ? { limit: CATCH_UP_LIMIT } : {};
        return this.#skipped(job, waiting!.shift()!, as, limit);
      }
      case "older":
        while (waiting!.size > 1) this.#skipWaiting(job, as, due);
        return;
      case "waiting":
        while (waiting!.size > 0) this.#skipWaiting(job, as, due);
        return;
      case "running":
        return this.#skipRunning(job, as, due, waitedMs);
    }
  }

  #skipWaiting(job: Job, as: SkipReason, newer: Due | null): void {
    const { waiting } = job.activity!;
    const skipped = waiting!.shift()!;
    this.#skipped(job, skipped, as, this.#supersededBy(job, as, newer));
  }

  #supersededBy(job: Job, as: SkipReason, newer: Due | null): Record<string, unknown> {
    if (as !== "superseded") return {};
    const by = newer?.scheduledFor ?? job.activity!.waiting!.newest;
    return { superseded_by: new Date(by).toISOString() };
  }

  #skipRunning(job: Job, as: SkipReason, newer: Due | null, waitedMs: number): void {
    const firing = job.running!;
    const fields = this.#supersededBy(job, as, newer);
    // The message may have arrived nevertheless.
    if (as === "superseded" && firing.state === "unacknowledged") fields.unacknowledged = true;
    if (as === "shutdown") fields.waited_ms = waitedMs;
    this.#withdraw(job, as);
    this.#skipped(job, firing.due, as, fields);
  }

  #skipped(job: Job, due: Due, as: SkipReason, fields: Record<string, unknown>): void {
    this.#log.skipped(job, due, as, fields);
    if (SETTLING_REASONS.includes(as)) this.#settled(job, due.scheduledFor);
  }

  #start(job: Job, due: Due): void {
    const id = this.#log.idOf(job.name, due);
    const lateness = this.#options.clock.now() - due.fireAt;
    const firing = new Firing(job, due, { id, lateness, span: this.#startSpan(job, due, id) });
    this.#activityOf(job).running = firing;
    this.#log.firing(firing);
    firing.done = this.#sender.send(firing);
  }

  /** Withdraws the running firing: nothing more of it is sent, and another one may start. */
  #withdraw(job: Job, outcome: Outcome | null): void {
    const firing = job.running!;
    firing.end(outcome);
    job.activity!.running = null;
    endSpan(firing);
    firing.withdraw.abort(
      outcome === "shutdown"
        ? new ShutdownError("the scheduler is shutting down")
        : new WithdrawnError("a newer occurrence or another replica took its place"),
    );
  }

  /** Ends a firing whose sending is over: logs it, counts it and updates the checkpoint. */
  #conclude(firing: Firing, ending: Ending): void {
    const { job, due, isManual } = firing;
    const { outcome, errors } = ending;
    const isDealtWith = outcome !== "failed" || errors.every(isFinal);
    if (!firing.end(outcome)) {
      // It was withdrawn, and arrived nevertheless.
      if (outcome !== "failed") this.#settled(job, due.scheduledFor);
      return;
    }
    firing.ending = ending;
    this.#log.ended(firing, ending);
    if (isManual) this.#manual.delete(firing);
    else this.#free(job, firing, isDealtWith);
    endSpan(firing, outcome === "failed" ? errors[0] : undefined);
  }

  /** Lets the job's next firing start. */
  #free(job: Job, firing: Firing, isDealtWith: boolean): void {
    const { activity } = job;
    if (activity?.running !== firing) return;
    activity.running = null;
    if (isDealtWith) this.#settled(job, firing.due.scheduledFor);
    // The next start fires it again, and with it the occurrences that were skipped while it ran.
    else if (activity.waiting !== null) activity.waiting.covers = -Infinity;
    if (activity.waiting === null) this.#tidy(job, activity);
    else this.#decide(job, "turn");
  }

  /**
   * Records in the checkpoint that everything up to this occurrence is done: at once, or when the
   * older occurrences that run or wait are done too.
   */
  #settled(job: Job, scheduledFor: number): void {
    const { checkpoint, activity } = job;
    if (checkpoint === null) return;
    const { running = null, waiting = null } = activity ?? {};
    const oldest = Math.min(running?.due.scheduledFor ?? Infinity, waiting?.oldest ?? Infinity);
    if (oldest === Infinity) {
      checkpoint.done(Math.max(scheduledFor, waiting?.covers ?? -Infinity), job.shift);
      if (waiting !== null) waiting.covers = -Infinity;
    } else if (scheduledFor < oldest) {
      checkpoint.done(scheduledFor, job.shift);
    } else {
      const list = this.#waitingOf(job);
      list.covers = Math.max(list.covers, scheduledFor);
    }
  }

  #activityOf(job: Job): Activity {
    if (job.activity !== null) return job.activity;
    this.#active.add(job);
    return job.activity = { running: null, waiting: null };
  }

  #waitingOf(job: Job): WaitingList {
    return this.#activityOf(job).waiting ??= new WaitingList();
  }

  /** Drops the activity of an idle job. */
  #tidy(job: Job, { running, waiting }: Activity): void {
    if (running !== null || (waiting !== null && waiting.size > 0)) return;
    job.activity = null;
    this.#active.delete(job);
  }

  #watch(): void {
    if (this.#isWatching || this.#stopped.signal.aborted) return;
    this.#isWatching = true;
    void this.#options.bus.whenConnected(this.#stopped.signal).then(() => {
      this.#isWatching = false;
      if (!this.#stopped.signal.aborted) this.opened();
    });
  }

  #startSpan(job: Job, due: Due, id: string, parent?: TraceContext | null): Span | null {
    const { tracing } = this.#options;
    if (!tracing) return null;
    const attributes = {
      "heddle.schedule": job.name,
      "heddle.firing_id": id,
      "heddle.scheduled_for": new Date(due.scheduledFor).toISOString(),
      "heddle.dispatch_type": job.entry.dispatchType,
    };
    return tracing.start(`firing ${job.name}`, { attributes, parent });
  }
}

function endSpan({ span, outcome }: Firing, error?: unknown): void {
  span?.end({ attributes: { "heddle.outcome": outcome ?? "withdrawn" }, error });
}
