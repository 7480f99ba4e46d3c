/**
 * One firing's way to the bus: expansion, identity, publishing.
 *
 * @module
 */
import type { Delivery } from "../durable/delivery.ts";
import type { CheckpointStore } from "../durable/checkpoint_store.ts";
import type { Tenure } from "../durable/tenure.ts";
import type { Clock } from "../time/clock.ts";
import type { Span } from "../trace/tracing.ts";
import {
  type Dispatch,
  dispatchOf,
  identityOf,
  type Occurrence,
  occurrenceOf,
} from "./dispatch.ts";
import type { Expander } from "../expansion/expansion.ts";
import { type Firing, isFinal, isWithdrawn } from "./firing.ts";
import type { FiringLog } from "./firing_log.ts";
import type { Identity } from "../wire/identity.ts";
import { InstantText } from "../time/instant_text.ts";
import { publishAll } from "./publish_all.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { graceMs } from "../schedule/misfire.ts";
import type { Due } from "../schedule/timeline.ts";

export interface SenderOptions {
  /** The scheduler's name, part of every dispatch's identity. */
  scheduler: string;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  delivery: Pick<Delivery, "publish" | "isAcknowledged">;
  tenure: Tenure;
  log: FiringLog;
  memory?: () => Pick<CheckpointStore, "done"> | null;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #text = new InstantText();
  readonly #now = new InstantText();

  constructor(options: SenderOptions) {
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
   * Sends what the firing dispatches. Never rejects: what goes wrong is logged.
   *
   * @param onDone called when it is over
   */
  send(firing: Firing, onDone: () => void): Promise<void> {
    if (firing.due.entry.expandFrom === null) return this.#sendOne(firing, onDone);
    return this.#sendExpansion(firing).then(onDone);
  }

  /**
   * Sends what a person asked for, under random identities.
   *
   * @returns how many messages were published
   * @throws {ExpansionError} when the expansion fails
   * @throws {AggregateError} when messages could not be published
   */
  async sendByHand(firing: Firing): Promise<number> {
    const { log, delivery } = this.#options;
    const { due: { entry, scheduledFor }, withdraw: { signal } } = firing;
    try {
      const objects = entry.expandFrom === null ? [{}] : await this.#expand(firing);
      const occurrence = this.#occurrenceOf(entry, scheduledFor, { byHand: true });
      const span = publishSpan(firing, objects.length);
      const published = await publishAll(entry, occurrence, objects, {
        delivery,
        signal,
        isRefusalFinal: true, // a person waits for the answer, and decides
        trace: span?.context,
        onDispatch: (dispatch) => log.dispatched(firing, dispatch),
      });
      span?.end({}, published.errors[0]);
      const { sent, failed, errors } = published;
      if (failed > 0) {
        log.failed(firing, published);
        const reason = errors[0] instanceof Error ? errors[0].message : String(errors[0]);
        throw new AggregateError(errors, `Cannot publish ${failed} messages: ${reason}`);
      }
      log.sent(firing, sent);
      return sent;
    } catch (error) {
      if (!(error instanceof AggregateError)) log.expansionFailed(firing, error);
      throw error;
    }
  }

  /** The occurrence has been dealt with: nobody is to fire it again. */
  remember({ entry, scheduledFor }: Due): void {
    this.#options.memory?.()?.done(entry.name, scheduledFor.getTime());
  }

  /**
   * For an entry without an expansion. The message is with the bus when this returns: a burst
   * would be late by all the turns that its firings would wait for each other.
   */
  #sendOne(firing: Firing, onDone: () => void): Promise<void> {
    const { log, clock, delivery } = this.#options;
    const { due: { entry, scheduledFor, identity } } = firing;
    const span = publishSpan(firing, 1);
    let dispatch: Dispatch;
    let published: Promise<void>;
    try {
      const isKnown = identity?.scheduledFor === this.#text.of(scheduledFor.getTime());
      const createdAt = this.#now.of(clock.now());
      const named = isKnown ? identity : identityOf(this.#occurrenceOf(entry, scheduledFor));
      dispatch = dispatchOf(entry, named, createdAt, { term: firing.term, trace: span?.context });
      const { subject, message, headers } = dispatch;
      firing.isAwaitingAck = delivery.isAcknowledged(subject);
      const options = this.#deliverOptions(firing, headers);
      published = delivery.publish(subject, message, options);
    } catch (error) {
      published = Promise.reject(error);
    }
    return published.then(() => {
      log.dispatched(firing, dispatch);
      log.sent(firing, 1);
      span?.end();
      this.remember(firing.due);
      onDone();
    }, (error) => {
      if (!isWithdrawn(error)) log.failed(firing, { sent: 0, failed: 1, errors: [error] });
      span?.end({}, error);
      if (isFinal(error)) this.remember(firing.due);
      onDone();
    });
  }

  async #sendExpansion(firing: Firing): Promise<void> {
    const { log, delivery } = this.#options;
    const { due, due: { entry, scheduledFor }, withdraw: { signal } } = firing;
    try {
      const objects = await this.#expand(firing);
      if (objects.length === 0) {
        log.sent(firing, 0);
        return this.remember(due);
      }
      const span = publishSpan(firing, objects.length);
      const occurrence = this.#occurrenceOf(entry, scheduledFor);
      const published = await publishAll(entry, occurrence, objects, {
        ...this.#deliverOptions(firing),
        delivery,
        term: firing.term,
        trace: span?.context,
        onSent: () => firing.begun = true,
      });
      const { sent, failed, errors } = published;
      span?.end({}, errors[0]);
      if (failed > 0 && !errors.every(isWithdrawn)) log.failed(firing, published);
      else if (failed === 0) log.sent(firing, sent);
      if (errors.every(isFinal)) this.remember(due);
    } catch (error) {
      if (!isWithdrawn(error)) log.expansionFailed(firing, error);
      if (isFinal(error) && !signal.aborted) this.remember(due);
    }
  }

  async #expand(firing: Firing): Promise<Record<string, unknown>[]> {
    const { clock, expander } = this.#options;
    const { due: { entry, scheduledFor }, id, withdraw: { signal } } = firing;
    const began = clock.monotonic();
    const span = firing.span?.child("expansion", "internal", {
      "heddle.expand_from": entry.expandFrom!,
    });
    try {
      const objects = await expander.expand(entry.expandFrom!, {
        schedule: entry.name,
        firingId: id,
        scheduledFor,
        timeoutSeconds: entry.expandTimeoutSeconds,
        signal,
      });
      span?.end({ "heddle.expansion.objects": objects.length });
      return objects;
    } catch (error) {
      span?.end({}, error);
      throw error;
    } finally {
      firing.expansion = clock.monotonic() - began;
    }
  }

  #deliverOptions({ due: { entry, fireAt }, withdraw }: Firing, headers?: Record<string, string>) {
    const until = fireAt + graceMs(entry);
    const permit = this.#options.tenure.permit(entry.name);
    return { headers, signal: withdraw.signal, permit, until };
  }

  #occurrenceOf(entry: ScheduleEntry, scheduledFor: Date, { byHand = false } = {}): Occurrence {
    const { scheduler, clock } = this.#options;
    return occurrenceOf(scheduler, entry, {
      scheduledFor: this.#text.of(scheduledFor.getTime()),
      createdAt: this.#now.of(clock.now()),
      byHand,
    });
  }
}

/** One for all messages of a firing, however many its expansion made. */
function publishSpan({ span, due: { entry } }: Firing, count: number): Span | undefined {
  return span?.child(`publish ${entry.dispatchType}`, "producer", {
    "messaging.system": "nats",
    "messaging.operation.type": "send",
    "messaging.batch.message_count": count,
  });
}
