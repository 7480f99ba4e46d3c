/**
 * Reads the server's clock from its time stamps.
 *
 * @module
 */
import { ConflictError, type KeyValue, WriteInProcessError } from "../bus/stream_bus.ts";
import type { Clock } from "../time/clock.ts";

/** A document, and this process's last write of it. */
export interface WrittenDocument {
  readonly key: string;
  /** The revision that the write got; 0 before the first. */
  readonly writtenRevision: number;
  /** The monotonic time of the server's answer. */
  readonly writtenAt: number;
}

export interface ServerTime {
  /** The server's time, in milliseconds since the epoch. */
  readonly time: number;
  /** The monotonic time of the same instant. */
  readonly monotonic: number;
  /** The document that was written for it, with its revisions before and after; null for none. */
  readonly rewritten: { key: string; before: number; after: number } | null;
}

/**
 * Finds out the server's time: writes one of the documents as the server has it, for its time
 * stamp.
 *
 * The server may run on the same machine. Then its clock was set back with ours, and that time
 * stamp would show, wrongly, that ours had been ahead. So an earlier write's time stamp plus the
 * monotonic time since then counts where it is later. That alone would not do, since a monotonic
 * clock stands still while the machine sleeps.
 *
 * @param documents the open ones, with their last writes from before the clock was set back
 * @returns null where the server has none of the documents
 * @throws {Error} when the bucket cannot be read or written
 */
export async function readServerTime(
  { store, clock }: { store: KeyValue; clock: Clock },
  documents: readonly WrittenDocument[],
): Promise<ServerTime | null> {
  let other: string | null = null;
  for (const document of documents.toSorted((a, b) => b.writtenAt - a.writtenAt)) {
    const { key, writtenRevision, writtenAt } = document;
    const found = await store.get(key);
    if (found === null) continue;
    if (found.revision !== writtenRevision) {
      other ??= key;
      continue;
    }
    const fresh = await stampOf(store, clock, key);
    if (fresh === null) continue;
    const counted = found.created + fresh.monotonic - writtenAt;
    return { ...fresh, time: Math.max(fresh.time, counted) };
  }
  return other === null ? null : await stampOf(store, clock, other);
}

/** Writes a document as the server has it, and returns its time stamp. */
async function stampOf(store: KeyValue, clock: Clock, key: string): Promise<ServerTime | null> {
  const found = await store.get(key);
  if (found === null || found.isMalformed) return null;
  const monotonic = clock.monotonic();
  let rewritten: ServerTime["rewritten"] = null;
  try {
    const after = await store.put(key, found.value, found.revision);
    rewritten = { key, before: found.revision, after };
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error; // another write serves as well
  }
  const stored = await store.get(key);
  if (stored?.revision === found.revision) throw new WriteInProcessError(key);
  return stored === null ? null : { time: stored.created, monotonic, rewritten };
}
