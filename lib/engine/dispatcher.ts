/**
 * Carries out what the policy decides: starts, holds back, skips and takes back firings. The only
 * place where a firing ends.
 *
 * @module
 */
import { errorText } from "../internal/error_text.ts";
import type { MessageBus } from "../bus/message_bus.ts";
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
  bus: MessageBus;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  logger: Logger;
  /** Default: over core NATS. */
  delivery?: Pick<Delivery, "publish" | "isAcknowledged">;
  /** Default: one that nobody listens to. */
  history?: History;
  /** Default: no names are made ahead. */
  names?: NamesAhead;
  /** Called for each firing in place of publishing. Default: what the firing dispatches is published. */
  onFire?: OnFire;
  /** Default: nothing is paused. */
  isPaused?(entryName: string): boolean;
  /** Default: null, no traces. */
  tracing?: Tracing | null;
}

/** These say that the occurrence has been dealt with; the others leave it to a newer one or a start. */
const NOTED: readonly SkipReason[] = ["misfire", "overlap", "paused"];

/** What runs is given this long to give up, in milliseconds. */
const GIVE_UP_TIMEOUT_MS = 100;

export interface ManualFiringOptions {
  /** The trace that it belongs to. Default: null, none. */
  trace?: TraceContext | null;
  /**
   * When the person who asked for it stops waiting, in milliseconds since the epoch: nothing of it is
   * sent after that. Default: it takes as long as it takes.
   */
  until?: number;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #log: FiringLog;
  readonly #sender: Sender;
  /** The jobs that are not idle: an index, so that what concerns all need not look at every job. */
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
      expander,
      clock,
      delivery: options.delivery ?? new Delivery({ bus, mode: "core", clock, logger }),
      names: options.names ?? new NamesAhead(),
      onFire: options.onFire,
      onDispatched: (firing, dispatch) => this.#log.dispatched(firing, dispatch),
      onEnd: (firing, ending) => this.#conclude(firing, ending),
    });
  }

  /** How many entries are due and wait for the connection or their lease. */
  get heldBack(): number {
    const isConnected = this.#options.onFire !== undefined || this.#options.bus.connected;
    let count = 0;
    for (const { waits, running, owner } of this.#active) {
      if (waits > 0 && running === null && !(isConnected && owner.state === "held")) count++;
    }
    return count;
  }

  /** {@link Sender.nameAhead} */
  nameAhead(job: Job, scheduledFor: number): void {
    this.#sender.nameAhead(job, scheduledFor);
  }

  /** Deals with an occurrence that is due. Returns at once and never throws. */
  due(job: Job, due: Due): void {
    this.#decide(job, due.isSpread ? "spread_due" : "due", due);
  }

  /** The connection is back, or a lease that had lapsed is ours again. */
  opened(): void {
    for (const job of [...this.#active]) this.#decide(job, "opened");
  }

  /** Entries were paused or resumed. */
  pauseChanged(): void {
    for (const job of [...this.#active]) this.#decide(job, "pause_changed");
  }

  /** A reload removed or disabled the jobs' entries. */
  removed(jobs: Iterable<Job>): void {
    for (const job of jobs) this.#decide(job, "removed");
  }

  /** Another replica fires the owner's jobs from now on. */
  lost(owner: Owner): void {
    for (const job of this.#activeOf(owner)) this.#decide(job, "lost");
  }

  /**
   * Gives up what waits of an owner's jobs, which are handed over; what runs may finish.
   *
   * @returns the oldest occurrence that was given up; Infinity for none
   */
  releasing(owner: Owner): number {
    return Math.min(...this.#activeOf(owner).map((job) => this.giveUpWaiting(job)));
  }

  /** Gives up what waits of a job, in silence. Returns the oldest such occurrence, or Infinity. */
  giveUpWaiting(job: Job): number {
    const oldest = job.activity?.waiting?.oldest ?? Infinity;
    this.#decide(job, "releasing");
    return oldest;
  }

  /** Reports the missed occurrences of a job that are not fired. */
  missed(job: Job, missed: Missed, catchUp: CatchUp): void {
    this.#log.missed(job, missed, catchUp);
  }

  /**
   * Fires a job now because a person asked for it: its dispatches get random identities. What a
   * stream refuses is not tried again.
   *
   * @returns how many messages were published
   * @throws {DeadlineError} when `until` has passed, also during the expansion
   * @throws {ExpansionError} when the expansion fails
   * @throws what `onFire` throws
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
   * Waits until what runs has finished, at most `timeout` milliseconds, and gives up the rest.
   *
   * @param isMeant which firings
   * @returns the oldest occurrence that was given up; Infinity for none
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

  /** The jobs that are not idle and fire under `owner`, also those whose entry is gone. */
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
    // What was spread has been judged by its grace: it is late from now on.
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
    // It may have arrived all the same.
    if (as === "superseded" && firing.state === "unacknowledged") fields.unacknowledged = true;
    if (as === "shutdown") fields.waited_ms = waitedMs;
    this.#withdraw(job, as);
    this.#skipped(job, firing.due, as, fields);
  }

  #skipped(job: Job, due: Due, as: SkipReason, fields: Record<string, unknown>): void {
    this.#log.skipped(job, due, as, fields);
    if (NOTED.includes(as)) this.#settled(job, due.scheduledFor);
  }

  #start(job: Job, due: Due): void {
    const id = this.#log.idOf(job.name, due);
    const lateness = this.#options.clock.now() - due.fireAt;
    const firing = new Firing(job, due, { id, lateness, span: this.#startSpan(job, due, id) });
    this.#activityOf(job).running = firing;
    this.#log.firing(firing);
    firing.done = this.#sender.send(firing);
  }

  /** Takes the running firing back: nothing of it leaves any more, and its occurrence is free. */
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

  /** The sending of a firing is over: the one place where that is logged, counted and noted. */
  #conclude(firing: Firing, ending: Ending): void {
    const { job, due, isManual } = firing;
    const { outcome, errors } = ending;
    const isDealtWith = outcome !== "failed" || errors.every(isFinal);
    if (!firing.end(outcome)) {
      // It was taken back, and was stored all the same.
      if (outcome !== "failed") this.#settled(job, due.scheduledFor);
      return;
    }
    firing.ending = ending;
    this.#log.ended(firing, ending);
    if (isManual) this.#manual.delete(firing);
    else this.#free(job, firing, isDealtWith);
    endSpan(firing, outcome === "failed" ? errors[0] : undefined);
  }

  /** Lets the next one start. */
  #free(job: Job, firing: Firing, isDealtWith: boolean): void {
    const { activity } = job;
    if (activity?.running !== firing) return;
    activity.running = null;
    if (isDealtWith) this.#settled(job, firing.due.scheduledFor);
    // A start fires it again, and with it what was skipped while it ran.
    else if (activity.waiting !== null) activity.waiting.covers = -Infinity;
    if (activity.waiting === null) this.#tidy(job, activity);
    else this.#decide(job, "turn");
  }

  /**
   * Notes in the checkpoint that everything up to this occurrence has been dealt with: at once, or
   * when what is older and runs or waits has been too.
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

  /** Keeps nothing for a job that is idle. */
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
