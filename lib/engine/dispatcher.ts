/**
 * Whether a due occurrence is fired, held back or skipped: misfires, overlap, pauses, waiting for the
 * connection.
 *
 * @module
 */
import type { MessageBus } from "../bus/message_bus.ts";
import { Delivery } from "../durable/delivery.ts";
import type { CheckpointStore } from "../durable/checkpoint_store.ts";
import { SOLE_TENURE, type Tenure } from "../durable/tenure.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { Span, TraceContext, Tracing } from "../trace/tracing.ts";
import { Backlog } from "./backlog.ts";
import { abortAt, DeadlineError } from "./deadline.ts";
import type { Identity } from "../wire/identity.ts";
import type { Expander } from "../expansion/expansion.ts";
import { type Firing, newFiring, ShutdownError, type Slot, WithdrawnError } from "./firing.ts";
import { firingId, FiringLog } from "./firing_log.ts";
import type { Ledger } from "./ledger.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { Sender } from "./sender.ts";
import { graceMs } from "../schedule/misfire.ts";
import { CATCH_UP_LIMIT, type Due } from "../schedule/timeline.ts";

export interface DispatcherOptions {
  /** The scheduler's name, part of every dispatch's identity. */
  scheduler: string;
  bus: MessageBus;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  logger: Logger;
  /** Default: over core NATS. */
  delivery?: Pick<Delivery, "publish" | "isAcknowledged">;
  /** Default: everything is ours. */
  tenure?: Tenure;
  /** What is told of each occurrence that was dealt with. Default: nothing is remembered. */
  memory?: () => Pick<CheckpointStore, "done"> | null;
  /** Default: nothing is kept. */
  ledger?: Ledger;
  /** Default: nothing is paused. */
  isPaused?(entryName: string): boolean;
  /** Default: null, none. */
  tracing?: Tracing | null;
}

export interface FireByHandOptions {
  /** That it belongs to. Default: null, none. */
  trace?: TraceContext | null;
  /**
   * When whoever asked for it stops waiting, in milliseconds since the epoch: nothing of it is sent
   * after that. Default: it takes as long as it takes.
   */
  until?: number;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #tenure: Tenure;
  readonly #log: FiringLog;
  readonly #sender: Sender;
  /** By entry name, and only while there is something to keep; it outlives a reload. */
  readonly #slots = new Map<string, Slot>();
  /** What people fired, and is under way. */
  readonly #byHand = new Set<Firing>();
  #stopped = new AbortController();
  #watching = false;

  constructor(options: DispatcherOptions) {
    const { scheduler, bus, expander, clock, logger, ledger, memory } = options;
    this.#options = options;
    this.#tenure = options.tenure ?? SOLE_TENURE;
    this.#log = new FiringLog({ logger, clock, ledger });
    this.#sender = new Sender({
      scheduler,
      expander,
      clock,
      delivery: options.delivery ?? new Delivery({ bus, mode: "core", clock, logger }),
      tenure: this.#tenure,
      log: this.#log,
      memory,
    });
  }

  /** {@link Sender.identify} */
  identify(entry: ScheduleEntry, scheduledFor: Date): Identity | null {
    return this.#sender.identify(entry, scheduledFor);
  }

  /**
   * Starts the firing of a due occurrence, holds it back while nothing may leave, or skips it.
   * Returns at once and never throws: what goes wrong is logged.
   */
  fire(due: Due): void {
    const { entry } = due;
    const state = this.#tenure.state(entry.name);
    if (state === "free") return; // whoever holds its lease fires it
    if (this.#options.isPaused?.(entry.name)) return this.#skipPaused(due);
    const slot = this.#slots.get(entry.name);
    if (state === "lapsed" || !this.#options.bus.connected) {
      this.#hold(due);
    } else if (slot !== undefined && this.#firesEach(entry)) {
      this.#queue(due, slot);
      this.#release(entry.name, slot);
    } else if (!slot?.running) {
      this.#start(due, slot);
    } else if (slot.running.isAwaitingAck) {
      this.#supersede(slot.running, due);
      this.#start(due, slot);
    } else {
      const since = slot.running.due.scheduledFor.toISOString();
      this.#log.skipped(due, "overlap", { running_since: since });
    }
  }

  /**
   * Starts what was held back, after what held it back is over. What is under way in a term that has
   * ended is made anew: nothing of that term may leave any more.
   */
  resume(): void {
    for (const [name, slot] of [...this.#slots]) {
      const { running } = slot;
      if (running !== null && running.term !== this.#tenure.term(name)) {
        this.#withdraw(running, slot);
        this.#start(running.due, slot);
      } else {
        this.#release(name, slot);
      }
    }
  }

  /** Gives up the firings of entries that are somebody else's now. */
  abandon(isTheirs: (entryName: string) => boolean): void {
    for (const [name, slot] of [...this.#slots]) {
      if (!isTheirs(name)) continue;
      slot.waiting = null;
      slot.backlog = null;
      if (slot.running !== null) this.#withdraw(slot.running, slot);
    }
  }

  /** Gives up what waits of entries that are paused; what is under way is let finish. */
  pause(): void {
    for (const [name, slot] of this.#slots) {
      if (!this.#options.isPaused?.(name)) continue;
      for (let due; (due = slot.backlog?.shift() ?? slot.waiting) !== null;) {
        if (due === slot.waiting) slot.waiting = null;
        this.#skipPaused(due);
      }
      if (slot.running === null) this.#slots.delete(name);
    }
  }

  /**
   * Fires `entry` now because a person asked for it: its dispatches get random identities. What a
   * stream refuses is not tried again.
   *
   * @returns how many messages were published
   * @throws {DeadlineError} when `until` has passed, also during the expansion
   * @throws {ExpansionError} when the expansion fails
   * @throws {AggregateError} when messages could not be published
   */
  async fireByHand(
    entry: ScheduleEntry,
    { trace, until }: FireByHandOptions = {},
  ): Promise<number> {
    this.#stopped.signal.throwIfAborted();
    const { clock } = this.#options;
    const now = clock.now();
    if (until !== undefined && until <= now) throw new DeadlineError();
    const due: Due = { entry, scheduledFor: new Date(now), fireAt: now };
    const id = `${firingId(due)}/by-hand/${crypto.randomUUID()}`;
    const firing = newFiring(due, { id, lateness: 0, span: this.#startSpan(due, id, trace) });
    const forgetDeadline = abortAt(firing.withdraw, until, clock);
    this.#byHand.add(firing);
    this.#log.firing(firing);
    const sent = this.#sender.sendByHand(firing).finally(() => {
      forgetDeadline();
      this.#byHand.delete(firing);
      endSpan(firing);
    });
    firing.done = sent.then(() => {}, () => {});
    return await sent;
  }

  /**
   * Waits until the firings under way have finished, at most `timeout` milliseconds, and gives up
   * the rest. What only waits for a connection is given up at once.
   *
   * @param isMeant which entries; by default all, and nothing is fired afterwards
   */
  async drain(timeout: number, isMeant?: (entryName: string) => boolean): Promise<void> {
    const slots = [...this.#slots].flatMap(([name, slot]) => isMeant?.(name) ?? true ? slot : []);
    for (const slot of slots) {
      if (slot.waiting !== null) this.#log.skipped(slot.waiting, "shutdown");
      slot.waiting = null;
      slot.backlog = null;
    }
    const running = slots.flatMap(({ running }) => running ?? []);
    const byHand = isMeant === undefined ? [...this.#byHand] : [];
    const finished = new AbortController();
    const all = Promise.all([...running, ...byHand].map(({ done }) => done))
      .then(() => finished.abort());
    await this.#options.clock.sleep(timeout, finished.signal);
    const reason = new ShutdownError("the scheduler is shutting down");
    if (isMeant === undefined) this.#stopped.abort(reason);
    if (finished.signal.aborted) return;
    for (const { running } of slots) {
      if (running !== null) this.#log.skipped(running.due, "shutdown", { waited_ms: timeout });
      running?.withdraw.abort(reason);
    }
    for (const { withdraw } of byHand) withdraw.abort(reason);
    await Promise.race([all, this.#options.clock.sleep(100)]);
  }

  /** Whether occurrences wait for each other instead of giving way to the newest. */
  #firesEach(entry: ScheduleEntry): boolean {
    return entry.catchUp === "all" && Boolean(this.#options.memory?.());
  }

  /** Keeps what is due until something may leave again: the newest, or each. */
  #hold(due: Due): void {
    const { entry } = due;
    const slot = this.#slots.get(entry.name) ?? this.#newSlot(entry.name);
    if (this.#firesEach(entry)) {
      this.#queue(due, slot);
    } else {
      const isRunning = slot.running?.begun === false;
      if (slot.waiting !== null) this.#logSuperseded(slot.waiting, due);
      else if (isRunning) this.#supersede(slot.running!, due);
      slot.waiting = due;
    }
    this.#watch();
  }

  #queue(due: Due, slot: Slot): void {
    slot.backlog ??= new Backlog();
    slot.backlog.push(due);
    if (slot.backlog.size <= CATCH_UP_LIMIT) return;
    this.#log.skipped(slot.backlog.shift()!, "catch_up_limit", { limit: CATCH_UP_LIMIT });
  }

  #skipPaused(due: Due): void {
    this.#log.skipped(due, "paused");
    this.#sender.remember(due);
  }

  #supersede(firing: Firing, newer: Due): void {
    this.#logSuperseded(firing.due, newer, firing.isAwaitingAck);
    this.#withdraw(firing, this.#slots.get(firing.due.entry.name));
  }

  #logSuperseded(older: Due, newer: Due, isUnacknowledged = false): void {
    this.#log.skipped(older, "superseded", {
      superseded_by: newer.scheduledFor.toISOString(),
      // It may have arrived all the same.
      ...(isUnacknowledged && { unacknowledged: true }),
    });
  }

  #watch(): void {
    if (this.#watching || this.#stopped.signal.aborted) return;
    this.#watching = true;
    void this.#options.bus.whenConnected(this.#stopped.signal).then(() => {
      this.#watching = false;
      this.resume();
    });
  }

  /** Starts what waited, once nothing else of the entry is under way. */
  #release(name: string, slot: Slot): void {
    while (slot.running === null) {
      const isEmpty = slot.waiting === null && !slot.backlog?.size;
      if (isEmpty) {
        this.#slots.delete(name);
        return;
      }
      if (!this.#options.bus.connected) return this.#watch();
      if (this.#tenure.state(name) !== "held") return; // `resume` or `abandon` follows
      const due = slot.backlog?.shift() ?? slot.waiting!;
      if (due === slot.waiting) slot.waiting = null;
      this.#start(due, slot);
    }
  }

  #withdraw(firing: Firing, slot: Slot | undefined): void {
    firing.withdraw.abort(new WithdrawnError());
    this.#end(firing, slot);
  }

  /** The firing, which may still be under way, holds nothing up any more. */
  #end(firing: Firing, slot: Slot | undefined): void {
    if (firing.isOver) return;
    firing.isOver = true;
    if (slot === undefined || slot.running !== firing) return;
    slot.running = null;
  }

  #start(due: Due, known?: Slot): void {
    const { entry, fireAt } = due;
    const lateness = this.#options.clock.now() - fireAt;
    if (lateness > graceMs(entry)) {
      this.#log.skipped(due, "misfire", { lateness_ms: lateness });
      this.#sender.remember(due);
      if (known !== undefined && !known.backlog?.size) this.#slots.delete(entry.name);
      return;
    }
    const slot = known ?? this.#newSlot(entry.name);
    const id = firingId(due);
    const span = this.#startSpan(due, id);
    const firing = newFiring(due, { id, lateness, term: this.#tenure.term(entry.name), span });
    slot.running = firing;
    this.#log.firing(firing);
    firing.done = this.#sender.send(firing, () => {
      endSpan(firing);
      if (firing.isOver) return;
      this.#end(firing, slot);
      this.#release(entry.name, slot);
    });
  }

  #startSpan({ entry, scheduledFor }: Due, id: string, parent?: TraceContext | null): Span | null {
    const { tracing } = this.#options;
    if (!tracing) return null;
    return tracing.start(`firing ${entry.name}`, {
      "heddle.schedule": entry.name,
      "heddle.firing_id": id,
      "heddle.scheduled_for": scheduledFor.toISOString(),
      "heddle.dispatch_type": entry.dispatchType,
    }, parent);
  }

  #newSlot(name: string): Slot {
    const slot: Slot = { running: null, waiting: null, backlog: null };
    this.#slots.set(name, slot);
    return slot;
  }
}

function endSpan({ span, outcome, error }: Firing): void {
  span?.end({ "heddle.outcome": outcome ?? "withdrawn" }, error ?? undefined);
}
