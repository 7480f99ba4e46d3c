import type { JsonObject } from "../bus/message_bus.ts";
import type { KeyValue, Revised } from "../bus/stream_bus.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import { Checkpoint, type CheckpointOwner, type CheckpointRecord } from "./checkpoint.ts";
import { eachOf } from "../internal/each_of.ts";
import { isFromWrongClock, isInstant, MAX_INSTANT_MS, shown } from "./instant.ts";
import { pageKey } from "./keys.ts";
import type { WrittenDocument } from "./server_clock.ts";
import { pageOf } from "./shards.ts";

/** The checkpoint of an entry that is absent is removed after 30 days. */
const FORGET_AFTER_MS = 30 * 24 * 3600 * 1000;

/** A document that does not fit into one message has up to this many pages; a power of two. */
export const MAX_PAGES = 256;
/** For the fields of a page besides its entries. */
const PAGE_BYTES = 64;
/** For the numbers of an entry. */
const ENTRY_BYTES = 80;
/** One UTF-16 code unit in JSON takes at most so many bytes. */
const MAX_BYTES_PER_CHAR = 6;

/** A document as far as it can be believed. */
export interface Reading {
  /** The revision of each page; 0 for one that is not there. */
  readonly revisions: readonly number[];
  /** The number of pages that the document says it has. */
  readonly pages: number;
  /** The term of the lease under which it was written last. */
  readonly term: number | null;
  readonly records: ReadonlyMap<string, CheckpointRecord>;
  /**
   * The parts that cannot be read, of one entry or (null) of the document; they count as not there.
   */
  readonly faults: readonly { readonly entry: string | null; readonly error: string }[];
  /** The entries whose instants were taken from a wrong clock, each with the latest of them. */
  readonly wrongInstants: readonly { readonly entry: string; readonly instant: number }[];
  /** The server's time stamp. */
  readonly created: number;
}

/**
 * Reads a document with all of its pages. Where an entry is in two of them, since a writer ended in
 * the middle, the one that saw more of it counts.
 *
 * @param least the number of pages that are read at least
 * @throws {Error} when the bucket cannot be read
 */
export async function readPages(store: KeyValue, key: string, least = 1): Promise<Reading> {
  const first = readDocument(await store.get(key));
  const count = Math.max(first.pages, least);
  if (count === 1) return first;
  const numbers = Array.from({ length: count - 1 }, (_, at) => at + 1);
  const others = await eachOf(
    numbers,
    async (page) => readDocument(await store.get(pageKey(key, page))),
  );
  const all = [first, ...others];
  const records = new Map<string, CheckpointRecord>();
  for (const [name, record] of all.flatMap((each) => [...each.records])) {
    if ((records.get(name)?.last ?? -1) <= (record.last ?? -1)) records.set(name, record);
  }
  const terms = all.flatMap(({ term }) => term ?? []);
  return {
    ...first,
    revisions: all.flatMap(({ revisions }) => revisions),
    term: terms.length === 0 ? null : Math.max(...terms),
    records,
    faults: all.flatMap(({ faults }) => faults),
    wrongInstants: all.flatMap(({ wrongInstants }) => wrongInstants),
  };
}

/**
 * Reads `{ "term": 7, "entries": { "nightly": [timing, since, last, absentSince] } }`; the last one
 * may be left out. No instant is believed that is out of range, or later than the server's time
 * stamp by more than `MAX_CLOCK_SKEW_MS`. `pages` says of how many pages this one is the first.
 */
export function readDocument(found: Revised | null): Reading {
  const records = new Map<string, CheckpointRecord>();
  const faults: { entry: string | null; error: string }[] = [];
  const wrongInstants: { entry: string; instant: number }[] = [];
  const { value = {}, revision = 0, created = 0, isMalformed = false } = found ?? {};
  const { term = null, entries = {}, pages: stated = 1 } = value;
  const pages = readPageCount(stated);
  const reading = {
    revisions: [revision],
    pages: pages ?? 1,
    created,
    records,
    faults,
    wrongInstants,
  };
  if (isMalformed) {
    faults.push({ entry: null, error: "it is no JSON object" });
    return { ...reading, term: null };
  }
  if (pages === null) {
    const error = `"pages" is ${shown(stated)}, expected a power of two up to ${MAX_PAGES}`;
    faults.push({ entry: null, error });
  }
  const isTerm = term === null || (Number.isSafeInteger(term) && (term as number) >= 0);
  if (!isTerm) {
    faults.push({ entry: null, error: `"term" is ${shown(term)}, expected a whole number` });
  }
  if (!isPlainObject(entries)) {
    faults.push({ entry: null, error: `"entries" is ${shown(entries)}, expected an object` });
  } else {
    for (const [entry, list] of Object.entries(entries)) {
      const record = readRecord(list);
      if (typeof record === "string") {
        faults.push({ entry, error: record });
        continue;
      }
      const latest = Math.max(record.since, record.last ?? 0);
      if (!isFromWrongClock(latest, created)) records.set(entry, record);
      else wrongInstants.push({ entry, instant: latest });
    }
  }
  return { ...reading, term: isTerm ? term as number | null : null };
}

/** @returns null where it is none */
function readPageCount(value: unknown): number | null {
  const isCount = typeof value === "number" && value >= 1 && value <= MAX_PAGES &&
    Number.isInteger(Math.log2(value));
  return isCount ? value : null;
}

/** @returns the error as text where it cannot be read */
function readRecord(list: unknown): CheckpointRecord | string {
  const [timing, since, last = null, absentSince = null] = Array.isArray(list) ? list : [];
  if (typeof timing !== "string") {
    return `it is ${shown(list)}, expected [timing, since, last]`;
  }
  const instants = { since, last: last ?? 0, absentSince: absentSince ?? 0 };
  for (const [name, instant] of Object.entries(instants)) {
    if (isInstant(instant)) continue;
    return `"${name}" is ${shown(instant)}, expected milliseconds from 0 to ${MAX_INSTANT_MS}`;
  }
  return { timing, since, last, absentSince };
}

/** A document that is open, since this replica holds its lease. */
export class CheckpointDocument implements CheckpointOwner, WrittenDocument {
  readonly checkpoints = new Map<string, Checkpoint>();
  readonly key: string;
  /** The term of the lease under which it is written; null without leases. */
  readonly term: number | null;
  /** The server's revision of each page, as far as it is known; 0 for one that is not there. */
  revisions: number[];
  /** The number of pages that the stored document says it has. */
  pages: number;
  /** The number of pages that it had when it was written last, or that was tried. */
  wanted = 1;
  /** The number of checkpoints that did not fit into it when it was written last. */
  leftOut = 0;
  isOpen = true;
  isDirty = false;
  /** The number of changes, so that a change during a write is not forgotten. */
  changes = 0;
  writtenRevision = 0;
  writtenAt = -Infinity;
  readonly #storedTerm: number | null;
  readonly #onChange: () => void;

  /** @param onChange called when it is to be written soon */
  constructor(
    { key, term, reading, onChange }: {
      key: string;
      term: number | null;
      reading: Reading;
      onChange(): void;
    },
  ) {
    this.key = key;
    this.term = term;
    this.revisions = [...reading.revisions];
    this.pages = reading.pages;
    this.#storedTerm = reading.term;
    this.#onChange = onChange;
    for (const [name, record] of reading.records) this.#add(name, record, { isNew: false });
    // Written again without them, so that the next reader does not report them too.
    if (reading.faults.length + reading.wrongInstants.length > 0) this.touch();
  }

  touch(): void {
    this.isDirty = true;
    this.changes++;
  }

  changed(): void {
    this.touch();
    this.#onChange();
  }

  /** The server's revision of the first page. */
  get revision(): number {
    return this.revisions[0]!;
  }

  /**
   * Notes that a page has been written.
   *
   * @param monotonic the time of the server's answer
   */
  written(page: number, revision: number, monotonic: number): void {
    this.revisions[page] = revision;
    if (page > 0) return;
    this.writtenRevision = revision;
    this.writtenAt = monotonic;
  }

  /** Notes that it has been written as the server had it. */
  rewritten({ before, after }: { before: number; after: number }, monotonic: number): void {
    if (this.revision !== before) return;
    this.written(0, after, monotonic);
  }

  /**
   * Returns the checkpoint of an entry of the configuration, which is new where the entry begins.
   */
  note(
    name: string,
    timing: string,
    { now, sameTiming }: { now: number; sameTiming(stored: string, timing: string): boolean },
  ): Checkpoint {
    const known = this.checkpoints.get(name);
    if (known === undefined) {
      this.touch();
      const record = { timing, since: now, last: null, absentSince: null };
      return this.#add(name, record, { isNew: true });
    }
    const isSame = known.timing === timing || sameTiming(known.timing, timing);
    if (isSame && known.absentSince === null) known.goOn(timing);
    else known.begin(timing, now);
    return known;
  }

  /** Takes over what another has written meanwhile. */
  merge(reading: Reading): void {
    for (const [name, record] of reading.records) {
      const known = this.checkpoints.get(name);
      if (known !== undefined) known.merge(record);
      else this.#add(name, record, { isNew: false });
    }
  }

  /**
   * Sets a checkpoint back with a clock that was ahead.
   *
   * @param options.lastOf the last occurrence of an entry's job, by the clock as it is now;
   * undefined where there is no such job
   * @param options.by how far it was set back, in milliseconds
   * @param options.serverTime the server's time of now
   */
  follow(
    name: string,
    { lastOf, by, serverTime }: {
      lastOf(entryName: string): number | null | undefined;
      by: number;
      serverTime: number;
    },
  ): void {
    const checkpoint = this.checkpoints.get(name);
    if (checkpoint === undefined) return;
    const { since, last: before } = checkpoint;
    const isSinceWrong = isFromWrongClock(since, serverTime);
    const last = lastOf(name);
    if (last !== undefined) {
      checkpoint.reset(last, isSinceWrong ? Math.max(0, since - by) : since);
    } else if (isSinceWrong || isFromWrongClock(before ?? 0, serverTime)) {
      this.checkpoints.delete(name);
      this.changed();
    }
  }

  /**
   * Returns the pages to write, without the checkpoints that are to be removed by `now`: one where
   * they fit, else twice as many until they do. An entry then stays in its page or moves to one of
   * the new ones.
   */
  toPages(now: number, maxBytes: number): JsonObject[] {
    const lists: [string, unknown[]][] = [];
    let estimate = PAGE_BYTES;
    for (const [name, checkpoint] of this.checkpoints) {
      if (checkpoint.isForgotten(now - FORGET_AFTER_MS)) {
        this.checkpoints.delete(name);
        continue;
      }
      lists.push([name, checkpoint.toList()]);
      estimate += ENTRY_BYTES + MAX_BYTES_PER_CHAR * (name.length + checkpoint.timing.length);
    }
    this.leftOut = 0;
    const isSmall = this.pages === 1 && estimate <= maxBytes;
    const pages = isSmall ? [lists] : this.#split(lists, maxBytes - PAGE_BYTES);
    this.wanted = pages.length;
    const term = this.term ?? this.#storedTerm;
    return pages.map((each, page) => ({
      term,
      entries: Object.fromEntries(each),
      ...(page === 0 && pages.length > 1 && { pages: pages.length }),
    }));
  }

  #split(lists: readonly [string, unknown[]][], maxBytes: number): [string, unknown[]][][] {
    const sizes = lists.map((each) => bytesOf(JSON.stringify(each)));
    for (let count = this.pages;; count *= 2) {
      const pages = Array.from({ length: count }, (): [string, unknown[]][] => []);
      const room = pages.map(() => maxBytes);
      let leftOut = 0;
      lists.forEach((each, at) => {
        const page = pageOf(each[0], count);
        if (room[page]! < sizes[at]!) leftOut++;
        else pages[page]!.push(each);
        room[page]! -= sizes[at]!;
      });
      if (leftOut > 0 && count < MAX_PAGES) continue;
      this.leftOut = leftOut;
      return pages;
    }
  }

  #add(name: string, record: CheckpointRecord, { isNew }: { isNew: boolean }): Checkpoint {
    const checkpoint = new Checkpoint(this, record, { isNew });
    this.checkpoints.set(name, checkpoint);
    return checkpoint;
  }
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
