import { createHash } from "node:crypto";

/** What makes a dispatch that dispatch and no other. */
export interface DispatchName {
  /** The configuration's `name`. */
  readonly scheduler: string;
  /** The entry's name. */
  readonly entry: string;
  /**
   * The due instant, not the time of sending: a retry keeps its identity. RFC 3339, UTC,
   * milliseconds.
   */
  readonly scheduledFor: string;
  /** Position in the expansion's list; 0 where there is no expansion. */
  readonly index: number;
}

/** What names one dispatch. */
export interface Identity {
  /** Of the occurrence; RFC 3339, UTC. */
  readonly scheduledFor: string;
  /** The message's `goal_id` or `task_id`. */
  readonly id: string;
  /** The `Nats-Msg-Id`. */
  readonly messageId: string;
}

/** The UUIDv5 namespace of dispatch identities. Fixed for ever: consumers compare the results. */
export const DISPATCH_NAMESPACE = "b4bc0d5d-1c34-5a0c-9f3e-6d4c1e0a7f52";

const NAMESPACE_BYTES = Uint8Array.fromHex(DISPATCH_NAMESPACE.replaceAll("-", ""));

/**
 * A dispatch's name written out, as it stands in the `Nats-Msg-Id` header:
 * `scheduler/entry/2026-01-01T00:00:00.000Z/0`. Both names are percent-encoded, so that two
 * different dispatches never share one text and the header stays plain ASCII.
 */
export function dispatchId(name: DispatchName): string {
  return `${occurrenceId(name)}/${name.index}`;
}

/** What the ids of all dispatches of one occurrence begin with: all but `/` and the index. */
export function occurrenceId(name: Omit<DispatchName, "index">): string {
  return `${encodeName(name.scheduler)}/${encodeName(name.entry)}/${name.scheduledFor}`;
}

/**
 * The UUIDv5 (RFC 9562, section 5.5) of a written-out dispatch name: the `goal_id` or `task_id`.
 * By hand around the platform's SHA-1, since an expansion names 100,000 at once: 1 µs each, where
 * the `uuid` package takes 14.
 */
export function dispatchUuid(id: string): string {
  const hash = createHash("sha1").update(NAMESPACE_BYTES).update(id).digest("hex");
  const variant = (parseInt(hash[16]!, 16) & 0x3 | 0x8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-` +
    `${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}
