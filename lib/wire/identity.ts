import { createHash } from "node:crypto";

/** The name of a dispatch, which no other one has. */
export interface DispatchName {
  /** The configuration's `name`. */
  readonly scheduler: string;
  /** The entry's name. */
  readonly entry: string;
  /**
   * The due instant, in RFC 3339, UTC, with milliseconds. It is not the time of sending, so that a
   * retry keeps its identity.
   */
  readonly scheduledFor: string;
  /** The position in the expansion's list; 0 where there is no expansion. */
  readonly index: number;
}

/** The identifiers of a dispatch. */
export interface Identity {
  /** The due instant of the occurrence, in RFC 3339, UTC. */
  readonly scheduledFor: string;
  /** The message's `goal_id` or `task_id`. */
  readonly id: string;
  /** The `Nats-Msg-Id`. */
  readonly messageId: string;
}

/** The UUIDv5 namespace of dispatches. It never changes, since consumers compare the ids. */
export const DISPATCH_NAMESPACE = "b4bc0d5d-1c34-5a0c-9f3e-6d4c1e0a7f52";

const NAMESPACE_BYTES = Uint8Array.fromHex(DISPATCH_NAMESPACE.replaceAll("-", ""));

/**
 * Returns a dispatch's name as text, for the `Nats-Msg-Id` header:
 * `scheduler/entry/2026-01-01T00:00:00.000Z/0`. Both names are percent-encoded, so that two
 * dispatches never share one text and the header is plain ASCII.
 */
export function dispatchId(name: DispatchName): string {
  return `${occurrenceId(name)}/${name.index}`;
}

/**
 * Returns the part that the ids of all dispatches of an occurrence share: all but `/` and the
 * index.
 */
export function occurrenceId(name: Omit<DispatchName, "index">): string {
  return `${encodeName(name.scheduler)}/${encodeName(name.entry)}/${name.scheduledFor}`;
}

/**
 * Returns the UUIDv5 (RFC 9562, section 5.5) of a dispatch's name: the `goal_id` or `task_id`. Made
 * by hand from the platform's SHA-1, since an expansion names 100,000 at once: 1 µs each, where the
 * `uuid` package takes 14.
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
