import { v5 } from "uuid";

/** What makes a dispatch that dispatch and no other. */
export interface DispatchName {
  /** The configuration's `name`. */
  readonly scheduler: string;
  /** The entry's name. */
  readonly entry: string;
  /** The due instant, not the time of sending: a retry keeps its identity. */
  readonly scheduledFor: Date;
  /** Position in the expansion's list; 0 where there is no expansion. */
  readonly index: number;
}

/** The UUIDv5 namespace of dispatch identities. Fixed for ever: consumers compare the results. */
export const DISPATCH_NAMESPACE = "b4bc0d5d-1c34-5a0c-9f3e-6d4c1e0a7f52";

/**
 * A dispatch's name written out, as it stands in the `Nats-Msg-Id` header:
 * `scheduler/entry/2026-01-01T00:00:00.000Z/0`. Both names are percent-encoded, so that two
 * different dispatches never share one text and the header stays plain ASCII.
 */
export function dispatchId({ scheduler, entry, scheduledFor, index }: DispatchName): string {
  return `${encodeName(scheduler)}/${encodeName(entry)}/${scheduledFor.toISOString()}/${index}`;
}

/** The UUIDv5 (RFC 9562) of a written-out dispatch name: the `goal_id` or `task_id`. */
export function dispatchUuid(id: string): string {
  return v5(id, DISPATCH_NAMESPACE);
}

function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}
