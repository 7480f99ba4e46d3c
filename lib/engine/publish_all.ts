import type { DeliverOptions, Delivery } from "../durable/delivery.ts";
import type { TraceContext } from "../trace/tracing.ts";
import { type Dispatch, dispatchOf, identityOf, type Occurrence } from "./dispatch.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";

/** How many messages are made before something else gets its turn. */
const SLICE = 500;
/** How many slices may be on their way at once: so the connection never waits for the next. */
const SLICES_UNDER_WAY = 4;

export interface PublishAllOptions extends Omit<DeliverOptions, "headers"> {
  delivery: Pick<Delivery, "publish">;
  /** Of the lease under which they are sent; null without leases. */
  term?: number | null;
  /** Of the span that they are published in. */
  trace?: TraceContext;
  /** Called for each message that has left. */
  onDispatched?(dispatch: Dispatch): void;
  /** Called each time that messages have left. */
  onSent?(): void;
}

/** What became of the messages. */
export interface Published {
  sent: number;
  failed: number;
  /** Why: at most one for each message that failed, and at least one when any did. */
  errors: unknown[];
}

/** Publishes one dispatch per object, in order. One that fails costs the others nothing. */
export async function publishAll(
  entry: ScheduleEntry,
  occurrence: Occurrence,
  objects: readonly Record<string, unknown>[],
  options: PublishAllOptions,
): Promise<Published> {
  const published: Published = { sent: 0, failed: 0, errors: [] };
  const underWay: Promise<void>[] = [];
  for (let from = 0; from < objects.length; from += SLICE) {
    const to = Math.min(from + SLICE, objects.length);
    const promises = publishSlice(entry, occurrence, objects, { from, to }, options);
    underWay.push(settle(promises, published, options));
    if (underWay.length >= SLICES_UNDER_WAY) await underWay.shift();
  }
  await Promise.all(underWay);
  return published;
}

/** @returns which messages each promise stands for: a bus may answer for many with one */
function publishSlice(
  entry: ScheduleEntry,
  occurrence: Occurrence,
  objects: readonly Record<string, unknown>[],
  { from, to }: { from: number; to: number },
  { delivery, term, trace, signal, permit, until, isRefusalFinal }: PublishAllOptions,
): Map<Promise<void>, Dispatch[]> {
  const promises = new Map<Promise<void>, Dispatch[]>();
  for (let index = from; index < to; index++) {
    const identity = identityOf(occurrence, index);
    const dispatch = dispatchOf(entry, identity, occurrence.createdAt, {
      expansion: objects[index],
      term,
      trace,
    });
    const { subject, message, headers } = dispatch;
    const options = { headers, signal, permit, until, isRefusalFinal };
    const promise = delivery.publish(subject, message, options);
    const others = promises.get(promise);
    if (others === undefined) promises.set(promise, [dispatch]);
    else others.push(dispatch);
  }
  return promises;
}

async function settle(
  promises: Map<Promise<void>, Dispatch[]>,
  published: Published,
  { onSent, onDispatched }: PublishAllOptions,
): Promise<void> {
  const results = await Promise.allSettled(promises.keys());
  let place = 0;
  for (const dispatches of promises.values()) {
    const result = results[place++]!;
    if (result.status === "fulfilled") {
      published.sent += dispatches.length;
      onSent?.();
      if (onDispatched !== undefined) dispatches.forEach(onDispatched);
    } else {
      published.failed += dispatches.length;
      published.errors.push(result.reason);
    }
  }
}
