import type { DeliverOptions, Delivery } from "../durable/delivery.ts";
import type { TraceContext } from "../trace/tracing.ts";
import { type Dispatch, dispatchOf, identityOf, type Occurrence } from "./dispatch.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";

/** The number of lists in flight: several, so that the connection never waits for the next. */
const MAX_LISTS_IN_FLIGHT = 4;

export interface PublishAllOptions extends Omit<DeliverOptions, "headers"> {
  delivery: Pick<Delivery, "publish">;
  /** The term of the lease under which they are sent; null without leases. */
  term?: number | null;
  /** The context of the span that publishes them. */
  trace?: TraceContext;
  /** Called for each published message. */
  onDispatched?(dispatch: Dispatch): void;
  /** Called each time that messages have been published. */
  onSent?(): void;
}

/** The numbers of messages that were published and that failed. */
export interface Published {
  sent: number;
  failed: number;
  /** The causes: at most one for each failed message, and at least one where any failed. */
  errors: unknown[];
}

/** Publishes one dispatch per object, in order, list by list. A failure does not affect the others. */
export async function publishAll(
  entry: ScheduleEntry,
  occurrence: Occurrence,
  lists: Iterable<readonly Record<string, unknown>[]>,
  options: PublishAllOptions,
): Promise<Published> {
  const published: Published = { sent: 0, failed: 0, errors: [] };
  const underWay: Promise<void>[] = [];
  let from = 0;
  for (const objects of lists) {
    const promises = publishList(entry, occurrence, objects, from, options);
    from += objects.length;
    underWay.push(settle(promises, published, options));
    if (underWay.length >= MAX_LISTS_IN_FLIGHT) await underWay.shift();
  }
  await Promise.all(underWay);
  return published;
}

/**
 * Publishes a list, the first of which is object number `from`; returns the messages of each promise,
 * since many may share one.
 */
function publishList(
  entry: ScheduleEntry,
  occurrence: Occurrence,
  objects: readonly Record<string, unknown>[],
  from: number,
  { delivery, term, trace, signal, permit, until, isRefusalFinal }: PublishAllOptions,
): Map<Promise<void>, Dispatch[]> {
  const promises = new Map<Promise<void>, Dispatch[]>();
  for (const [place, expansion] of objects.entries()) {
    const identity = identityOf(occurrence, from + place);
    const dispatch = dispatchOf(entry, identity, occurrence, { expansion, term, trace });
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
