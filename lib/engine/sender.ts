/**
 * Sends a firing: expansion, identity, publishing. It reports the progress of the firing and the
 * result of its sending, and changes nothing else.
 *
 * @module
 */
import { NotPermittedError } from "../bus/message_bus.ts";
import { isExpanded, type ScheduleEntry } from "../config/schedule_entry.ts";
import type { DeliverOptions, Delivery } from "../durable/delivery.ts";
import type { Expanded, Expander } from "../expansion/expansion.ts";
import { MAX_LIST_OBJECTS } from "../expansion/expansion_protocol.ts";
import { graceMs } from "../schedule/misfire.ts";
import type { Clock } from "../time/clock.ts";
import { InstantText } from "../internal/instant_text.ts";
import type { Span } from "../trace/tracing.ts";
import type { Wire } from "../wire/vocabulary.ts";
import type { Identity } from "../wire/identity.ts";
import {
  type Dispatch,
  dispatchOf,
  identityOf,
  type Occurrence,
  occurrenceOf,
  type Origin,
} from "./dispatch.ts";
import type { Ending, Firing, OnFire } from "./firing.ts";
import type { Job } from "./job.ts";
import type { NamesAhead } from "./names_ahead.ts";
import { publishAll } from "./publish_all.ts";

export interface SenderOptions {
  /** The scheduler's name, part of every dispatch's identity. */
  scheduler: string;
  /** Returns the wire in use, which a reload may change. */
  wire(): Wire;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  delivery: Pick<Delivery, "publish" | "isAcknowledged">;
  names: NamesAhead;
  /** Called for each firing in place of publishing. Default: its dispatches are published. */
  onFire?: OnFire;
  /** Called for each published message that has a log line of its own. */
  onDispatched(firing: Firing, dispatch: Dispatch): void;
  /** Called once for each firing, when its sending has ended. */
  onEnd(firing: Firing, ending: Ending): void;
}

/** The result of most firings; shared, since an object for each would slow down a burst. */
const ONE_DISPATCHED: Ending = {
  outcome: "dispatched",
  dispatches: 1,
  failed: 0,
  errors: [],
  isExpansion: false,
};

/** The one message of an entry without an expansion. */
const NO_EXPANSION: Expanded = { count: 1, lists: [[{}]] };

export class Sender {
  readonly #options: SenderOptions;
  readonly #text = new InstantText();
  readonly #now = new InstantText();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Makes the identity of an occurrence that is due soon, unless its entry has an expansion. */
  nameAhead(job: Job, scheduledFor: number): void {
    if (isExpanded(job.entry) || this.#options.onFire !== undefined) return;
    const identity = identityOf(this.#occurrenceOf(job.entry, scheduledFor));
    // Flattens the concatenated strings, whose pieces would burden the garbage collector.
    JSON.stringify(identity);
    this.#options.names.set(job, identity);
  }

  /** Sends a firing. Never rejects: `onEnd` gets the errors. */
  send(firing: Firing): Promise<void> {
    const isSingle = !isExpanded(firing.entry) && this.#options.onFire === undefined;
    return isSingle && !firing.isManual ? this.#sendOne(firing) : this.#sendAll(firing);
  }

  /**
   * Sends the only message of a firing. The bus has it when this returns, since the firings of a
   * burst would otherwise wait for each other's turns of the event loop.
   */
  #sendOne(firing: Firing): Promise<void> {
    const { delivery, onDispatched, onEnd } = this.#options;
    const { entry, due: { scheduledFor } } = firing;
    const span = publishSpan(firing, 1);
    let dispatch: Dispatch;
    let published: Promise<void>;
    try {
      const named = this.#identityOf(firing.job, entry, scheduledFor);
      const origin = this.#origin();
      dispatch = dispatchOf(entry, named, origin, { term: firing.term, trace: span?.context });
      const { subject, message, headers } = dispatch;
      if (delivery.isAcknowledged(subject)) firing.reached("unacknowledged");
      published = delivery.publish(subject, message, this.#deliverOptions(firing, headers));
    } catch (error) {
      published = Promise.reject(error);
    }
    return published.then(() => {
      span?.end();
      if (firing.state !== "over") onDispatched(firing, dispatch);
      onEnd(firing, ONE_DISPATCHED);
    }, (error) => {
      span?.end({ error });
      onEnd(firing, failed({ failed: 1, errors: [error] }));
    });
  }

  async #sendAll(firing: Firing): Promise<void> {
    const { onEnd, onFire } = this.#options;
    const { forEach } = firing.entry;
    let expanded = forEach === null ? NO_EXPANSION : listsOf(forEach);
    if (firing.entry.expandFrom !== null) {
      try {
        expanded = await this.#expand(firing);
      } catch (error) {
        return onEnd(firing, failed({ errors: [error], isExpansion: true }));
      }
    }
    if (expanded.count === 0) {
      return onEnd(firing, { ...ONE_DISPATCHED, outcome: "empty", dispatches: 0 });
    }
    const ending = onFire === undefined
      ? await this.#publish(firing, expanded)
      : await this.#call(onFire, firing, expanded);
    expanded.release?.();
    onEnd(firing, ending);
  }

  /** Calls the embedding program's function, which cannot be withdrawn once it has begun. */
  async #call(
    onFire: OnFire,
    firing: Firing,
    expanded: Expanded,
  ): Promise<Ending> {
    const { entry, due, id, lateness, isManual, owner, withdraw: { signal } } = firing;
    const span = firing.span?.child("on_fire", { kind: "internal" });
    try {
      signal.throwIfAborted();
      if (!isManual && !owner.permit()()) {
        throw new NotPermittedError(`Cannot fire "${entry.name}": its lease is not held`);
      }
      firing.reached("partly_sent");
      const objects = isExpanded(entry) ? [...expanded.lists].flat() : null;
      expanded.release?.();
      await onFire(entry, {
        id,
        scheduledFor: new Date(due.scheduledFor),
        passedOverSince: due.passedOverSince === null ? null : new Date(due.passedOverSince),
        lateness,
        isManual,
        objects,
        signal,
      });
      span?.end();
      return { ...ONE_DISPATCHED, dispatches: expanded.count };
    } catch (error) {
      span?.end({ error });
      return failed({ failed: expanded.count, errors: [error] });
    }
  }

  async #publish(firing: Firing, { count, lists }: Expanded): Promise<Ending> {
    const { delivery, onDispatched } = this.#options;
    const { entry, due: { scheduledFor }, isManual } = firing;
    const span = publishSpan(firing, count);
    try {
      const occurrence = this.#occurrenceOf(entry, scheduledFor, isManual);
      const { sent, failed: lost, errors } = await publishAll(entry, occurrence, lists, {
        ...this.#deliverOptions(firing),
        delivery,
        term: firing.term,
        trace: span?.context,
        onSent: () => firing.reached("partly_sent"),
        ...(isManual && { onDispatched: (dispatch) => onDispatched(firing, dispatch) }),
      });
      span?.end({ error: errors[0] });
      if (lost > 0) return failed({ dispatches: sent, failed: lost, errors });
      return { ...ONE_DISPATCHED, dispatches: sent };
    } catch (error) {
      span?.end({ error });
      return failed({ failed: count, errors: [error] });
    }
  }

  async #expand(firing: Firing): Promise<Expanded> {
    const { clock, expander } = this.#options;
    const { entry, due: { scheduledFor }, id, span, withdraw: { signal } } = firing;
    const began = clock.monotonic();
    const own = span?.child("expansion", {
      kind: "internal",
      attributes: { "heddle.expand_from": entry.expandFrom! },
    });
    try {
      const expanded = await expander.expand(entry.expandFrom!, {
        schedule: entry.name,
        firingId: id,
        scheduledFor: new Date(scheduledFor),
        with: entry.expandWith,
        timeoutSeconds: entry.expandTimeoutSeconds,
        signal,
      });
      own?.end({ attributes: { "heddle.expansion.objects": expanded.count } });
      return expanded;
    } catch (error) {
      own?.end({ error });
      throw error;
    } finally {
      firing.expansion = clock.monotonic() - began;
    }
  }

  #deliverOptions(firing: Firing, headers?: Record<string, string>): DeliverOptions {
    const { entry, due: { fireAt, isSpread }, withdraw, isManual } = firing;
    // The grace of a spread occurrence was checked before its delay; it begins again at its start.
    const from = isSpread ? fireAt + firing.lateness : fireAt;
    return {
      headers,
      signal: withdraw.signal,
      // A person waits for the answer, and decides whether to retry.
      ...(isManual ? { isRefusalFinal: true } : {
        permit: firing.owner.permit(),
        until: from + graceMs(entry),
      }),
    };
  }

  #identityOf(job: Job, entry: ScheduleEntry, scheduledFor: number): Identity {
    const named = this.#options.names.of(job);
    if (named?.scheduledFor === this.#text.of(scheduledFor)) return named;
    return identityOf(this.#occurrenceOf(entry, scheduledFor));
  }

  #occurrenceOf(entry: ScheduleEntry, scheduledFor: number, isManual = false): Occurrence {
    return occurrenceOf(entry, {
      ...this.#origin(),
      scheduledFor: this.#text.of(scheduledFor),
      byHand: isManual,
    });
  }

  #origin(): Origin {
    const { scheduler, wire, clock } = this.#options;
    return { scheduler, wire: wire(), createdAt: this.#now.of(clock.now()) };
  }
}

/** Returns the objects of an entry's `for_each`, in lists of moderate size. */
function listsOf(objects: readonly Record<string, unknown>[]): Expanded {
  const lists = [];
  for (let from = 0; from < objects.length; from += MAX_LIST_OBJECTS) {
    lists.push(objects.slice(from, from + MAX_LIST_OBJECTS));
  }
  return { count: objects.length, lists };
}

function failed(ending: Partial<Ending> & Pick<Ending, "errors">): Ending {
  return { outcome: "failed", dispatches: 0, failed: 0, isExpansion: false, ...ending };
}

/** Starts one span for all messages of a firing. */
function publishSpan({ span, entry }: Firing, count: number): Span | undefined {
  return span?.child(`publish ${entry.dispatchType}`, {
    kind: "producer",
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.type": "send",
      "messaging.batch.message_count": count,
    },
  });
}
