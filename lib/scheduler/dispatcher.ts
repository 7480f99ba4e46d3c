/**
 * From a due occurrence to messages on the bus: misfires, overlap, waiting for the connection,
 * expansion, publishing.
 *
 * @module
 */
import type { MessageBus } from "../bus/message_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import {
  type Dispatch,
  dispatchOf,
  type Identity,
  identityOf,
  type Occurrence,
  occurrenceOf,
} from "./dispatch.ts";
import { type Expander, ExpansionError, type ExpansionErrorKind } from "./expansion.ts";
import { InstantText } from "./instant_text.ts";
import { publishAll, type Published } from "./publish_all.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import type { Due } from "./timeline.ts";

export interface DispatcherOptions {
  /** The scheduler's name, part of every dispatch's identity. */
  scheduler: string;
  bus: MessageBus;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  logger: Logger;
}

/** What is under way, and what waits, for one entry. */
interface Slot {
  running: Firing | null;
  /** Due while the connection was down: the newest such occurrence. */
  waiting: Due | null;
}

/** One firing under way. */
interface Firing {
  due: Due;
  /** Takes back what has not been written to the connection yet. */
  withdraw: AbortController;
  /** Whether a message has left, so that the firing must be completed. */
  begun: boolean;
  done: Promise<void>;
}

const EXPANSION_EVENTS: Record<ExpansionErrorKind, string> = {
  invalid: "scheduler.invalid_expand_from",
  import: "scheduler.expand_from_import_failed",
  call: "scheduler.expand_from_call_failed",
  bad_return: "scheduler.expand_from_bad_return",
};

export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** By entry name, and only while there is something to keep; it outlives a reload. */
  readonly #slots = new Map<string, Slot>();
  readonly #text = new InstantText();
  readonly #now = new InstantText();
  #stopped = new AbortController();
  #watching = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
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
   * Starts the firing of a due occurrence, holds it back while the connection is down, or skips it.
   * Returns at once and never throws: what goes wrong is logged.
   */
  fire(due: Due): void {
    const { bus } = this.#options;
    const slot = this.#slots.get(due.entry.name);
    if (!bus.connected) {
      this.#hold(due);
    } else if (slot?.running) {
      this.#logSkipped(due, "overlap", {
        running_since: slot.running.due.scheduledFor.toISOString(),
      });
    } else {
      this.#start(due, slot);
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
    const { bus, clock } = this.#options;
    const scheduledFor = new Date(clock.now());
    const objects = entry.expandFrom === null
      ? [{}]
      : await this.#expand(entry, scheduledFor, this.#stopped.signal);
    const occurrence = this.#occurrenceOf(entry, scheduledFor, { byHand: true });
    const onDispatch = (dispatch: Dispatch) => this.#logDispatched(entry, dispatch);
    const { sent, failed, errors } = await publishAll(entry, occurrence, objects, {
      bus,
      onDispatch,
    });
    if (failed > 0) throw new AggregateError(errors, `Cannot publish ${failed} messages`);
    return sent;
  }

  /**
   * Waits until the firings under way have finished, at most `timeout` milliseconds, and gives up
   * the rest. What only waits for a connection is given up at once.
   */
  async drain(timeout: number): Promise<void> {
    for (const slot of this.#slots.values()) {
      if (slot.waiting !== null) this.#logSkipped(slot.waiting, "shutdown");
      slot.waiting = null;
    }
    const running = [...this.#slots.values()].flatMap(({ running }) => running ?? []);
    const finished = new AbortController();
    const all = Promise.all(running.map(({ done }) => done)).then(() => finished.abort());
    await this.#options.clock.sleep(timeout, finished.signal);
    this.#stopped.abort(new Error("the scheduler is shutting down"));
    if (finished.signal.aborted) return;
    for (const { running } of this.#slots.values()) {
      if (running !== null) this.#logSkipped(running.due, "shutdown", { waited_ms: timeout });
      running?.withdraw.abort(this.#stopped.signal.reason);
    }
    await Promise.race([all, this.#options.clock.sleep(100)]);
  }

  /** Keeps the newest occurrence of the entry until the connection is back. */
  #hold(due: Due): void {
    const slot = this.#slots.get(due.entry.name) ?? this.#newSlot(due.entry.name);
    const older = slot.waiting ?? (slot.running?.begun === false ? slot.running.due : null);
    if (older !== null) {
      this.#logSkipped(older, "superseded", { superseded_by: due.scheduledFor.toISOString() });
    }
    if (slot.waiting === null && slot.running?.begun === false) {
      slot.running.withdraw.abort(new SupersededError());
    }
    slot.waiting = due;
    if (!this.#watching) {
      this.#watching = true;
      void this.#releaseWhenConnected();
    }
  }

  async #releaseWhenConnected(): Promise<void> {
    await this.#options.bus.whenConnected(this.#stopped.signal);
    this.#watching = false;
    for (const [name, slot] of [...this.#slots]) this.#release(name, slot);
  }

  /** Starts what waited for the connection, once nothing else of the entry is under way. */
  #release(name: string, slot: Slot): void {
    if (slot.running !== null) return;
    const due = slot.waiting;
    if (due === null) {
      this.#slots.delete(name);
    } else if (this.#options.bus.connected) {
      slot.waiting = null;
      this.#start(due, slot);
    } else if (!this.#watching && !this.#stopped.signal.aborted) {
      this.#watching = true;
      void this.#releaseWhenConnected();
    }
  }

  #start(due: Due, known?: Slot): void {
    const { entry, fireAt } = due;
    const lateness = this.#options.clock.now() - fireAt;
    const { misfireGraceSeconds } = entry;
    if (misfireGraceSeconds !== null && lateness > misfireGraceSeconds * 1000) {
      this.#logSkipped(due, "misfire", { lateness_ms: lateness });
      this.#slots.delete(entry.name);
      return;
    }
    const slot = known ?? this.#newSlot(entry.name);
    const firing: Firing = {
      due,
      withdraw: new AbortController(),
      begun: false,
      done: Promise.resolve(),
    };
    slot.running = firing;
    const { logger } = this.#options;
    logger.info("scheduler.firing", {
      schedule: entry.name,
      dispatch_type: entry.dispatchType,
      scheduled_for: this.#text.of(due.scheduledFor.getTime()),
      lateness_ms: lateness,
      ...(due.passedOverSince &&
        { passed_over_since: this.#text.of(due.passedOverSince.getTime()) }),
    });
    const onDone = () => {
      slot.running = null;
      this.#release(entry.name, slot);
    };
    firing.done = entry.expandFrom === null
      ? this.#sendOne(firing, onDone)
      : this.#sendExpansion(firing).then(onDone);
  }

  /**
   * For an entry without an expansion. The message is with the bus when this returns: a burst
   * would be late by all the turns that its firings would wait for each other. Never rejects.
   */
  #sendOne(firing: Firing, onDone: () => void): Promise<void> {
    const { due: { entry, scheduledFor, identity }, withdraw: { signal } } = firing;
    let dispatch: Dispatch;
    let published: Promise<void>;
    try {
      const isKnown = identity?.scheduledFor === this.#text.of(scheduledFor.getTime());
      const createdAt = this.#now.of(this.#options.clock.now());
      const named = isKnown ? identity : identityOf(this.#occurrenceOf(entry, scheduledFor));
      dispatch = dispatchOf(entry, named, createdAt);
      const { subject, message, headers } = dispatch;
      published = this.#options.bus.publish(subject, message, { headers, signal });
    } catch (error) {
      published = Promise.reject(error);
    }
    return published.then(() => {
      this.#logDispatched(entry, dispatch);
      onDone();
    }, (error) => {
      this.#logFailures(firing.due, { sent: 0, failed: 1, errors: [error] });
      onDone();
    });
  }

  /** Never rejects. */
  async #sendExpansion(firing: Firing): Promise<void> {
    const { due: { entry, scheduledFor }, withdraw: { signal } } = firing;
    const { bus, logger } = this.#options;
    const fields = { schedule: entry.name, expand_from: entry.expandFrom };
    try {
      const objects = await this.#expand(entry, scheduledFor, signal);
      if (objects.length === 0) {
        logger.info("scheduler.expansion_empty", fields);
        return;
      }
      const occurrence = this.#occurrenceOf(entry, scheduledFor);
      const published = await publishAll(entry, occurrence, objects, {
        bus,
        signal,
        onSent: () => firing.begun = true,
      });
      if (published.failed > 0) this.#logFailures(firing.due, published);
      if (published.sent > 0) {
        logger.info("scheduler.expansion_dispatched", { ...fields, count: published.sent });
      }
    } catch (error) {
      this.#logExpansionError(entry, scheduledFor, error);
    }
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
    const slot: Slot = { running: null, waiting: null };
    this.#slots.set(name, slot);
    return slot;
  }

  #logDispatched(entry: ScheduleEntry, { id, subject, message }: Dispatch): void {
    const { logger } = this.#options;
    const fields = { schedule: entry.name, subject, priority: message.priority };
    if (entry.dispatchType === "goal") {
      logger.info("scheduler.goal_dispatched", { ...fields, goal_id: id });
    } else {
      logger.info("scheduler.task_dispatched", {
        ...fields,
        task_id: id,
        worker_type: entry.taskConfig.workerType,
      });
    }
  }

  #logSkipped(due: Due, reason: string, fields: Record<string, unknown> = {}): void {
    this.#options.logger.warning("scheduler.fire_skipped", {
      schedule: due.entry.name,
      scheduled_for: due.scheduledFor.toISOString(),
      reason,
      ...fields,
    });
  }

  #logFailures(due: Due, { failed, errors }: Published): void {
    if (errors.every((error) => error instanceof SupersededError)) return;
    this.#options.logger.error("scheduler.dispatch_error", {
      schedule: due.entry.name,
      scheduled_for: due.scheduledFor.toISOString(),
      failed,
      error: describe(errors[0]),
    });
  }

  #logExpansionError(entry: ScheduleEntry, scheduledFor: Date, error: unknown): void {
    if (error instanceof SupersededError) return;
    const event = error instanceof ExpansionError
      ? EXPANSION_EVENTS[error.kind]
      : "scheduler.dispatch_error";
    this.#options.logger.error(event, {
      schedule: entry.name,
      scheduled_for: scheduledFor.toISOString(),
      expand_from: entry.expandFrom,
      error: describe(error),
      ...(error instanceof ExpansionError && stackOf(error.cause)),
    });
  }
}

/** Why a firing was withdrawn: a newer occurrence took its place while the connection was down. */
class SupersededError extends Error {
  override name = "SupersededError";
}

/** Where in the user's module it went wrong, as a field of the log line. */
function stackOf(cause: unknown): { stack?: string } {
  return cause instanceof Error && cause.stack !== undefined ? { stack: cause.stack } : {};
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
