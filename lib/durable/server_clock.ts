/**
 * The server's clock, as its time stamps show it.
 *
 * @module
 */
import { ConflictError, type KeyValue } from "../bus/stream_bus.ts";
import type { Clock } from "../time/clock.ts";

/** A document of ours, and our last write of it. */
export interface WrittenDocument {
  readonly key: string;
  /** That our write got; 0 before the first. */
  readonly writtenRevision: number;
  /** When the server answered, by our monotonic clock. */
  readonly writtenAt: number;
}

export interface ServerTime {
  /** By the server's clock, in milliseconds since the epoch. */
  readonly time: number;
  /** The same instant by our monotonic clock. */
  readonly monotonic: number;
  /** The document that was written for it: its revision before, and since; null where it was not. */
  readonly rewritten: { key: string; before: number; after: number } | null;
}

/**
 * Finds out the server's time: writes one of the documents as it is there, for its time stamp.
 *
 * The server may run on our machine; then its clock was set back with ours, and that time stamp
 * would say that ours had been ahead. So the time stamp of a write from before counts as well, plus
 * what our monotonic clock has counted since: whichever says more. The latter alone would not do,
 * since a monotonic clock stands still while the machine sleeps.
 *
 * @param documents that are ours, with our last writes from before the clock was set back
 * @returns null where none of the documents is there
 * @throws when the bucket cannot be read or written
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

/** Writes a document as it is there. */
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
  return stored === null ? null : { time: stored.created, monotonic, rewritten };
}
