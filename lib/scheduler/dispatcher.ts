/**
 * From a due occurrence to messages on the bus: misfires, overlap, waiting for the connection,
 * expansion, publishing.
 *
 * @module
 */
import type { MessageBus } from "../bus/message_bus.ts";
import { Delivery } from "../durable/delivery.ts";
import type { FiringMemory } from "../durable/firing_memory.ts";
import { SOLE_TENURE, type Tenure } from "../durable/tenure.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { Backlog } from "./backlog.ts";
import {
  type Dispatch,
  dispatchOf,
  type Identity,
  identityOf,
  type Occurrence,
  occurrenceOf,
} from "./dispatch.ts";
import type { Expander } from "./expansion.ts";
import {
  type Firing,
  isFinal,
  isWithdrawn,
  newFiring,
  ShutdownError,
  type Slot,
} from "./firing.ts";
import { WithdrawnError } from "./firing.ts";
import { FiringLog } from "./firing_log.ts";
import { InstantText } from "./instant_text.ts";
import { publishAll } from "./publish_all.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import { CATCH_UP_LIMIT, type Due } from "./timeline.ts";

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
  memory?: () => Pick<FiringMemory, "done"> | null;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #delivery: Pick<Delivery, "publish" | "isAcknowledged">;
  readonly #tenure: Tenure;
  readonly #log: FiringLog;
  /** By entry name, and only while there is something to keep; it outlives a reload. */
  readonly #slots = new Map<string, Slot>();
  readonly #text = new InstantText();
  readonly #now = new InstantText();
  #stopped = new AbortController();
  #watching = false;

  constructor(options: DispatcherOptions) {
    const { bus, clock, logger } = options;
    this.#options = options;
    this.#delivery = options.delivery ?? new Delivery({ bus, mode: "core", clock, logger });
    this.#tenure = options.tenure ?? SOLE_TENURE;
    this.#log = new FiringLog(logger);
  }

  /**
   * Names the dispatch of an occurrence that is due soon, which is a quarter of the work of a
   * firing; null where an expansion makes many of it.
   */
  identify(entry: ScheduleEntry, scheduledFor: Date): Identity | null {
    if (entry.expandFrom !== null) return null;
    const identity = identityOf(this.#occurrenceOf(entry, scheduledFor));
    // Joins each text's dozen pieces, which would keep the garbage collector busy until it is due.
    JSON.stringify(identity);
    return identity;
  }

  /**
   * Starts the firing of a due occurrence, holds it back while nothing may leave, or skips it.
   * Returns at once and never throws: what goes wrong is logged.
   */
  fire(due: Due): void {
    const { entry } = due;
    const state = this.#tenure.state(entry.name);
    if (state === "free") return; // whoever holds its lease fires it
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

  /**
   * Fires `entry` now because a person asked for it: its dispatches get random identities.
   *
   * @returns how many messages were published
   * @throws {ExpansionError} when the expansion fails
   * @throws {AggregateError} when messages could not be published
   */
  async fireByHand(entry: ScheduleEntry): Promise<number> {
    const scheduledFor = new Date(this.#options.clock.now());
    const objects = entry.expandFrom === null
      ? [{}]
      : await this.#expand(entry, scheduledFor, this.#stopped.signal);
    const occurrence = this.#occurrenceOf(entry, scheduledFor, { byHand: true });
    const { sent, failed, errors } = await publishAll(entry, occurrence, objects, {
      delivery: this.#delivery,
      onDispatch: (dispatch) => this.#log.dispatched(entry, dispatch),
    });
    if (failed > 0) throw new AggregateError(errors, `Cannot publish ${failed} messages`);
    return sent;
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
    const finished = new AbortController();
    const all = Promise.all(running.map(({ done }) => done)).then(() => finished.abort());
    await this.#options.clock.sleep(timeout, finished.signal);
    const reason = new ShutdownError("the scheduler is shutting down");
    if (isMeant === undefined) this.#stopped.abort(reason);
    if (finished.signal.aborted) return;
    for (const { running } of slots) {
      if (running !== null) this.#log.skipped(running.due, "shutdown", { waited_ms: timeout });
      running?.withdraw.abort(reason);
    }
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
    const { misfireGraceSeconds } = entry;
    if (misfireGraceSeconds !== null && lateness > misfireGraceSeconds * 1000) {
      this.#log.skipped(due, "misfire", { lateness_ms: lateness });
      this.#remember(due);
      if (known !== undefined && !known.backlog?.size) this.#slots.delete(entry.name);
      return;
    }
    const slot = known ?? this.#newSlot(entry.name);
    const isOne = entry.expandFrom === null;
    const firing = newFiring(due, this.#tenure.term(entry.name));
    slot.running = firing;
    this.#log.firing(due, lateness);
    const onDone = () => {
      if (firing.isOver) return;
      this.#end(firing, slot);
      this.#release(entry.name, slot);
    };
    firing.done = isOne ? this.#sendOne(firing, onDone) : this.#sendExpansion(firing).then(onDone);
  }

  /**
   * For an entry without an expansion. The message is with the bus when this returns: a burst
   * would be late by all the turns that its firings would wait for each other. Never rejects.
   */
  #sendOne(firing: Firing, onDone: () => void): Promise<void> {
    const { due: { entry, scheduledFor, identity } } = firing;
    let dispatch: Dispatch;
    let published: Promise<void>;
    try {
      const isKnown = identity?.scheduledFor === this.#text.of(scheduledFor.getTime());
      const createdAt = this.#now.of(this.#options.clock.now());
      const named = isKnown ? identity : identityOf(this.#occurrenceOf(entry, scheduledFor));
      dispatch = dispatchOf(entry, named, createdAt, undefined, firing.term);
      const { subject, message, headers } = dispatch;
      firing.isAwaitingAck = this.#delivery.isAcknowledged(subject);
      const options = this.#deliverOptions(firing, headers);
      published = this.#delivery.publish(subject, message, options);
    } catch (error) {
      published = Promise.reject(error);
    }
    return published.then(() => {
      this.#log.dispatched(entry, dispatch);
      this.#remember(firing.due);
      onDone();
    }, (error) => {
      if (!isWithdrawn(error)) {
        this.#log.failed(firing.due, { sent: 0, failed: 1, errors: [error] });
      }
      if (isFinal(error)) this.#remember(firing.due);
      onDone();
    });
  }

  /** Never rejects. */
  async #sendExpansion(firing: Firing): Promise<void> {
    const { due, due: { entry, scheduledFor }, withdraw: { signal } } = firing;
    try {
      const objects = await this.#expand(entry, scheduledFor, signal);
      if (objects.length === 0) {
        this.#log.expanded(entry, 0);
        return this.#remember(due);
      }
      const occurrence = this.#occurrenceOf(entry, scheduledFor);
      const published = await publishAll(entry, occurrence, objects, {
        ...this.#deliverOptions(firing),
        delivery: this.#delivery,
        term: firing.term,
        onSent: () => firing.begun = true,
      });
      const { failed, errors } = published;
      if (failed > 0 && !errors.every(isWithdrawn)) this.#log.failed(due, published);
      if (published.sent > 0) this.#log.expanded(entry, published.sent);
      if (errors.every(isFinal)) this.#remember(due);
    } catch (error) {
      if (!isWithdrawn(error)) this.#log.expansionFailed(due, error);
      if (isFinal(error) && !signal.aborted) this.#remember(due);
    }
  }

  #deliverOptions({ due: { entry, fireAt }, withdraw }: Firing, headers?: Record<string, string>) {
    const { misfireGraceSeconds } = entry;
    const until = misfireGraceSeconds === null ? undefined : fireAt + misfireGraceSeconds * 1000;
    const permit = this.#tenure.permit(entry.name);
    return { headers, signal: withdraw.signal, permit, until };
  }

  #remember({ entry, scheduledFor }: Due): void {
    this.#options.memory?.()?.done(entry.name, scheduledFor.getTime());
  }

  #expand(
    entry: ScheduleEntry,
    scheduledFor: Date,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>[]> {
    return this.#options.expander.expand(entry.expandFrom!, {
      schedule: entry.name,
      scheduledFor,
      timeoutSeconds: entry.expandTimeoutSeconds,
      signal,
    });
  }

  #occurrenceOf(
    entry: ScheduleEntry,
    scheduledFor: Date,
    { byHand = false } = {},
  ): Occurrence {
    const { scheduler, clock } = this.#options;
    return occurrenceOf(scheduler, entry, {
      scheduledFor: this.#text.of(scheduledFor.getTime()),
      createdAt: this.#now.of(clock.now()),
      byHand,
    });
  }

  #newSlot(name: string): Slot {
    const slot: Slot = { running: null, waiting: null, backlog: null };
    this.#slots.set(name, slot);
    return slot;
  }
}
