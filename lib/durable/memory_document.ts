import type { JsonObject } from "../bus/message_bus.ts";

/** What is remembered of one entry. Instants in milliseconds since the epoch. */
export interface Recollection {
  timing: string;
  /** When the entry was first seen with this timing: an interval counts from here. */
  since: number;
  /** The occurrence that was dealt with last, of this timing or the one before. */
  last: number | null;
}

export interface MemoryDocument {
  /** Of the lease under which it was written last. */
  term: number | null;
  readonly entries: Map<string, Recollection>;
}

/** How long an entry that is in no file any more is remembered, in milliseconds: 30 days. */
const FORGET_AFTER = 30 * 24 * 3600 * 1000;

/**
 * Reads `{ "term": 7, "entries": { "nightly": [timing, since, last] } }`. What is not of that form is
 * as if it were not there. Lists, since ten thousand entries may be written each second.
 */
export function readDocument(value: JsonObject | undefined): MemoryDocument {
  const entries = new Map<string, Recollection>();
  const { term, entries: written } = value ?? {};
  if (typeof written === "object" && written !== null) {
    for (const [name, each] of Object.entries(written)) {
      const [timing, since, last] = Array.isArray(each) ? each : [];
      if (typeof timing !== "string" || typeof since !== "number") continue;
      entries.set(name, { timing, since, last: typeof last === "number" ? last : null });
    }
  }
  return { term: typeof term === "number" ? term : null, entries };
}

/**
 * The document to write.
 *
 * @param isKnown whether the configuration has an entry of the name
 * @param now milliseconds since the epoch
 */
export function writeDocument(
  document: MemoryDocument,
  { term, isKnown, now }: { term: number | null; isKnown(name: string): boolean; now: number },
): JsonObject {
  const kept: [string, unknown][] = [];
  for (const [name, { timing, since, last }] of document.entries) {
    const isOld = Math.max(since, last ?? 0) < now - FORGET_AFTER;
    if (isOld && !isKnown(name)) document.entries.delete(name);
    else kept.push([name, [timing, since, last]]);
  }
  document.term = term ?? document.term;
  return { term: document.term, entries: Object.fromEntries(kept) };
}

/** Takes over what another has written meanwhile: whoever saw more of an entry is right. */
export function mergeDocuments(ours: MemoryDocument, theirs: MemoryDocument): void {
  for (const [name, their] of theirs.entries) {
    const our = ours.entries.get(name);
    if (our === undefined) {
      ours.entries.set(name, their);
      continue;
    }
    if (their.last !== null && their.last > (our.last ?? -Infinity)) our.last = their.last;
    if (their.timing === our.timing) our.since = Math.min(our.since, their.since);
  }
}
