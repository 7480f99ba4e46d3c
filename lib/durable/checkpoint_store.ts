/**
 * Keeps checkpoints in a JetStream bucket, so that a scheduler that starts, or takes over, knows
 * what was missed and where each interval stands.
 *
 * @module
 */
import type { KeyValue } from "../bus/stream_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointDocument, readPages } from "./checkpoint_document.ts";
import { reportFaults, reportLag } from "./checkpoint_reports.ts";
import { CheckpointWriter } from "./checkpoint_writer.ts";
import { ClockCheck, type ClockSetBack, type ClockVerdict } from "./clock_check.ts";
import { eachOf } from "../internal/each_of.ts";
import { checkpointKey } from "./keys.ts";
import { partitionOf } from "./shards.ts";

/** An entry as the store needs it. */
export interface Remembering {
  readonly name: string;
  /**
   * The text that says when it is due, as {@link CheckpointStoreOptions.sameTiming} compares it.
   */
  readonly timing: string;
}

export interface CheckpointStoreOptions {
  store: KeyValue;
  /** The scheduler's name. */
  scheduler: string;
  clock: Clock;
  logger: Logger;
  /** Reports whether two timings mean the same. Default: where their texts are equal. */
  sameTiming?(stored: string, timing: string): boolean;
}

export interface LearnOptions {
  /**
   * Marks entries that are not in the configuration as absent, so that they begin as new if they
   * come back. False while replicas have different schedules. Default: true.
   */
  mayMark?: boolean;
}

export interface OpenOptions extends LearnOptions {
  /** Called once the documents are read: where the lease is lost by then, nothing is opened. */
  isWanted?(): boolean;
}

/**
 * Stores checkpoints behind the firings: {@link Checkpoint.done} only notes, and once a second the
 * documents that changed are written. An occurrence that a crash leaves unwritten fires again under
 * the same id, which a stream drops.
 */
export class CheckpointStore {
  readonly #options: CheckpointStoreOptions;
  /** The open documents by partition. */
  readonly #documents = new Map<number, CheckpointDocument>();
  readonly #writer: CheckpointWriter;
  /** Settles when the comparisons with the configuration that were begun are done, one by one. */
  #turns: Promise<unknown> = Promise.resolve();
  readonly #clockCheck: ClockCheck;
  /** The number of documents that {@link CheckpointStore.check} has looked at. */
  #checked = 0;

  constructor(options: CheckpointStoreOptions) {
    this.#options = options;
    const { store, clock, logger } = options;
    const documents = () => this.#documents.values();
    this.#writer = new CheckpointWriter({ store, clock, logger, documents });
    this.#clockCheck = new ClockCheck({ store, clock, logger, documents, writer: this.#writer });
  }

  /** The verdict on the clock when it was set back last; null where it was not, or not yet. */
  get clockVerdict(): ClockVerdict | null {
    return this.#clockCheck.verdict;
  }

  /**
   * Opens documents: reads them, notes entries that are new, and writes that before it returns, so
   * that no other scheduler begins them as new.
   *
   * @param entries all of the configuration that are enabled; iterated once the documents are read
   * @param term the lease's; null without leases
   * @throws {Error} when the bucket cannot be read or written; what was read by then stays open
   */
  async open(
    partitions: readonly number[],
    entries: Iterable<Remembering>,
    term: number | null,
    { mayMark = true, isWanted = () => true }: OpenOptions = {},
  ): Promise<void> {
    // A document that is open already could not be written, and knows better what is new.
    const isOpen = (partition: number) => this.#documents.get(partition)?.term === term;
    const read = await eachOf(partitions.filter((each) => !isOpen(each)), async (partition) => {
      const { store, scheduler } = this.#options;
      const key = checkpointKey(scheduler, partition);
      return { partition, key, reading: await readPages(store, key) };
    });
    const { logger, clock } = this.#options;
    reportFaults(logger, read);
    reportLag(logger, read, clock.now());
    if (!isWanted()) return;
    await this.#inTurn(async () => {
      if (!isWanted()) return;
      for (const { partition, key, reading } of read) {
        this.close([partition]);
        const onChange = () => this.#writer.wake();
        const document = new CheckpointDocument({ key, term, reading, onChange });
        this.#documents.set(partition, document);
      }
      await this.#compare(entries, { mayMark, partitions });
    });
    await this.#write(partitions);
  }

  /**
   * Compares the documents with a configuration: notes entries that are new, or have another
   * timing, and marks those that are gone as absent, and writes that. To be called with each change
   * of the configuration, and when `mayMark` changes.
   *
   * @param entries all of the configuration that are enabled
   * @throws {Error} when a document cannot be written; it is written later then
   */
  async learn(
    entries: Iterable<Remembering>,
    { mayMark = true }: LearnOptions = {},
  ): Promise<void> {
    await this.#inTurn(() => this.#compare(entries, { mayMark }));
    await this.#write(this.#documents.keys());
  }

  /** Returns the entry's checkpoint; null where its document is not open. */
  of(entryName: string): Checkpoint | null {
    return this.#documents.get(partitionOf(entryName))?.checkpoints.get(entryName) ?? null;
  }

  /** Closes documents whose lease this replica no longer holds: they are not written any more. */
  close(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const document = this.#documents.get(partition);
      if (document !== undefined) document.isOpen = false;
      this.#documents.delete(partition);
    }
  }

  /**
   * Writes the documents that changed, by default of all partitions.
   *
   * @throws {Error} when a document cannot be written
   */
  async flush(partitions: Iterable<number> = this.#documents.keys()): Promise<void> {
    await this.#writer.flush([...partitions].flatMap((each) => this.#documents.get(each) ?? []));
  }

  /**
   * Looks whether the bucket still has what was written: one document with each call. Where it has
   * not, somebody has purged, deleted or restored the bucket, or the key, and all is written back.
   *
   * @throws {Error} when the bucket cannot be read
   */
  async check(): Promise<void> {
    const { store, logger } = this.#options;
    const filled = [...this.#documents.values()].filter(({ checkpoints }) => checkpoints.size > 0);
    const settled = filled.filter(({ isDirty }) => !isDirty);
    const document = settled[this.#checked++ % settled.length];
    if (document === undefined) return;
    const { key, revision } = document;
    const found = await store.get(key);
    const isSame = document.isOpen && document.revision === revision; // not written meanwhile
    const isThere = found !== null && found.revision >= revision && "entries" in found.value;
    if (!isSame || isThere) return;
    logger.warning("memory.lost", {
      key,
      error: `The bucket has lost what was written to "${key}": it was purged, deleted or ` +
        "restored; all that is known is written back",
    });
    for (const each of filled) if (each.isOpen) each.changed();
  }

  /** Stops writing in the background; {@link CheckpointStore.flush} is to be called before. */
  stop(): void {
    this.#writer.stop();
  }

  /**
   * Finds out, by the server's time stamps, whether the clock was ahead of the server's before it
   * was set back; if so, the checkpoints follow. To be called as soon as it was set back. Tries
   * until the server answers.
   *
   * @returns null where no document is open, or the store was stopped meanwhile
   */
  clockSetBack(jump: ClockSetBack): Promise<ClockVerdict | null> {
    return this.#clockCheck.setBack(jump);
  }

  async #compare(
    entries: Iterable<Remembering>,
    { mayMark, partitions = [...this.#documents.keys()] }: {
      mayMark: boolean;
      partitions?: readonly number[];
    },
  ): Promise<void> {
    const { clock, sameTiming = (stored, timing) => stored === timing } = this.#options;
    const now = clock.now();
    const slice = new Slice(clock);
    const documents = new Map<number, CheckpointDocument>();
    for (const each of partitions) {
      const document = this.#documents.get(each);
      if (document !== undefined) documents.set(each, document);
    }
    const present = new Set<Checkpoint>();
    for (const { name, timing } of entries) {
      const document = documents.get(partitionOf(name));
      if (document !== undefined) present.add(document.note(name, timing, { now, sameTiming }));
      if (slice.isOver()) await slice.pause();
    }
    for (const document of documents.values()) {
      for (const checkpoint of document.checkpoints.values()) {
        if (!present.has(checkpoint)) checkpoint.leave(mayMark ? now : null);
        if (slice.isOver()) await slice.pause();
      }
    }
  }

  async #write(partitions: Iterable<number>): Promise<void> {
    try {
      await this.flush(partitions);
    } catch (error) {
      this.#writer.wake();
      throw error;
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => {});
    return turn;
  }
}
