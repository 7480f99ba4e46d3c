/**
 * What fired last, kept in a JetStream bucket so that a scheduler that starts, or takes over, knows
 * what was missed and where each interval stands.
 *
 * @module
 */
import { ConflictError, type KeyValue } from "../bus/stream_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import { memoryKey } from "./keys.ts";
import {
  type MemoryDocument,
  mergeDocuments,
  readDocument,
  type Recollection,
  writeDocument,
} from "./memory_document.ts";
import { partitionOf } from "./shards.ts";

/** What the memory has to know of an entry. */
export interface Remembering {
  readonly name: string;
  /** When it is due, as {@link FiringMemoryOptions.sameTiming} compares it. */
  readonly timing: string;
}

export interface Recalled extends Recollection {
  /** Whether nothing was remembered of the entry with this timing. */
  readonly isNew: boolean;
}

export interface FiringMemoryOptions {
  store: KeyValue;
  /** The scheduler's name. */
  scheduler: string;
  clock: Clock;
  logger: Logger;
  /** Reports whether two timings mean the same. Default: where their texts are equal. */
  sameTiming?(stored: string, timing: string): boolean;
}

/** What is done at once is written at once; milliseconds. */
const GATHER = 20;
/** Each document is written at most this often, in milliseconds. */
const INTERVAL = 1000;
/** How many documents are on their way at once. */
const UNDER_WAY = 32;

/** A document that is open: its lease is ours. */
interface Open {
  readonly partition: number;
  /** Of the lease under which it is written; null without leases. */
  readonly term: number | null;
  document: MemoryDocument;
  revision: number;
  isDirty: boolean;
  /** How often it was changed, so that a change during a write is not forgotten. */
  changes: number;
}

/**
 * Written behind the firings: {@link FiringMemory.done} only notes, and once a second the documents
 * that changed are written, each with the revision it is known to have. What a crash leaves
 * unwritten fires again under the same id, which a stream drops.
 */
export class FiringMemory {
  readonly #options: FiringMemoryOptions;
  readonly #open = new Map<number, Open>();
  /** The names of the entries that the configuration has. */
  #known: ReadonlySet<string> = new Set();
  #isWriting = false;
  #lastWritten = -Infinity;
  #complained = false;

  constructor(options: FiringMemoryOptions) {
    this.#options = options;
  }

  /**
   * Reads what is remembered, notes what is new, and writes that before it returns: from then on
   * nobody begins it anew.
   *
   * @param entries all of the configuration
   * @param term of the lease; null without leases
   * @returns by entry name, of the entries of all documents that are open
   * @throws when the bucket cannot be read or written
   */
  async open(
    partitions: readonly number[],
    entries: readonly Remembering[],
    term: number | null,
  ): Promise<Map<string, Recalled>> {
    const read = await eachOf(partitions, async (partition): Promise<Open> => {
      const { store, scheduler } = this.#options;
      const found = await store.get(memoryKey(scheduler, partition));
      const document = readDocument(found?.value);
      const revision = found?.revision ?? 0;
      return { partition, term, document, revision, isDirty: false, changes: 0 };
    });
    for (const open of read) this.#open.set(open.partition, open);
    return await this.learn(entries);
  }

  /**
   * Notes entries that are new, or have another timing, as known from now on, and writes that.
   *
   * @param entries all of the configuration
   */
  async learn(entries: readonly Remembering[]): Promise<Map<string, Recalled>> {
    const { clock, sameTiming = (stored, timing) => stored === timing } = this.#options;
    const known = new Map<string, Recalled>();
    const now = clock.now();
    const slice = new Slice(clock);
    this.#known = new Set(entries.map(({ name }) => name));
    for (const { name, timing } of entries) {
      const open = this.#open.get(partitionOf(name));
      if (open === undefined) continue;
      let recollection = open.document.entries.get(name);
      const isNew = recollection === undefined || !sameTiming(recollection.timing, timing);
      if (recollection === undefined || isNew) {
        recollection = { timing, since: now, last: recollection?.last ?? null };
        open.document.entries.set(name, recollection);
        touch(open);
      } else if (recollection.timing !== timing) {
        recollection.timing = timing; // other words for it: those of the file that is in use
        touch(open);
      }
      known.set(name, { ...recollection, isNew });
      if (slice.isOver()) await slice.pause();
    }
    await this.flush();
    return known;
  }

  /** The documents' lease is not ours any more: nothing of them is written from now on. */
  close(partitions: readonly number[]): void {
    for (const partition of partitions) this.#open.delete(partition);
  }

  /**
   * Everything of the entry up to this occurrence has been dealt with.
   *
   * @param scheduledFor milliseconds since the epoch
   */
  done(entryName: string, scheduledFor: number): void {
    const open = this.#open.get(partitionOf(entryName));
    const recollection = open?.document.entries.get(entryName);
    if (open === undefined || recollection === undefined) return;
    if (recollection.last !== null && recollection.last >= scheduledFor) return;
    recollection.last = scheduledFor;
    touch(open);
    if (!this.#isWriting) void this.#writeBehind();
  }

  /**
   * Writes all that changed.
   *
   * @throws when a document cannot be written; it is tried again with the next change
   */
  async flush(partitions: Iterable<number> = this.#open.keys()): Promise<void> {
    const slice = new Slice(this.#options.clock);
    const dirty = [...partitions].flatMap((partition) => this.#open.get(partition) ?? [])
      .filter(({ isDirty }) => isDirty);
    await eachOf(dirty, async (open) => {
      if (slice.isOver()) await slice.pause();
      await this.#write(open);
    });
  }

  async #writeBehind(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#isWriting = true;
    while ([...this.#open.values()].some(({ isDirty }) => isDirty)) {
      const rest = this.#lastWritten + INTERVAL - clock.monotonic();
      await clock.sleep(Math.max(GATHER, rest));
      this.#lastWritten = clock.monotonic();
      try {
        await this.flush();
        this.#complained = false;
      } catch (error) {
        // While the server is away this fails each second.
        logger[this.#complained ? "debug" : "warning"]("memory.write_failed", {
          error: error instanceof Error ? error.message : String(error),
        });
        this.#complained = true;
      }
    }
    this.#isWriting = false;
  }

  async #write(open: Open): Promise<void> {
    const { store, scheduler, clock } = this.#options;
    const key = memoryKey(scheduler, open.partition);
    while (open.isDirty && this.#open.get(open.partition) === open) {
      const { changes } = open;
      const isKnown = (name: string) => this.#known.has(name);
      const value = writeDocument(open.document, { term: open.term, isKnown, now: clock.now() });
      try {
        open.revision = await store.put(key, value, open.revision);
        open.isDirty = open.changes !== changes;
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
      const found = await store.get(key);
      open.revision = found?.revision ?? 0;
      const theirs = readDocument(found?.value);
      if (open.term !== null && (theirs.term ?? 0) > open.term) {
        open.isDirty = false; // the lease has gone to somebody else: so has the document
        return;
      }
      mergeDocuments(open.document, theirs);
    }
  }
}

function touch(open: Open): void {
  open.isDirty = true;
  open.changes++;
}

/** Like `Promise.all` over `work`, but with a limited number under way. */
async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(UNDER_WAY, items.length) }, worker));
  return results;
}
