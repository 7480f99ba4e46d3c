import { ConflictError, type KeyValue, WriteInProcessError } from "../bus/stream_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import { type CheckpointDocument, MAX_PAGES, readPages } from "./checkpoint_document.ts";
import { reportFaults } from "./checkpoint_reports.ts";
import { eachOf } from "../internal/each_of.ts";
import { pageKey } from "./keys.ts";

/** Firings that end within this time are written together. */
const GATHER_MS = 20;
/** The least time between two writes of a document. */
const WRITE_INTERVAL_MS = 1000;
/** A write is tried so often while others write the same document. */
const MAX_ATTEMPTS = 4;

export interface CheckpointWriterOptions {
  store: KeyValue;
  clock: Clock;
  logger: Logger;
  /** Returns those that are open. */
  documents(): Iterable<CheckpointDocument>;
}

/** Writes documents in the background, each under the revision that it is known to have. */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  readonly #stop = new AbortController();
  #isWriting = false;
  #lastWritten = -Infinity;
  #hasReported = false;
  /** Nothing is written in the background until it has resolved. */
  #held: Promise<unknown> = Promise.resolve();

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
  }

  /** Aborts when nothing is to be written in the background any more. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Stops writing in the background. */
  stop(): void {
    this.#stop.abort();
  }

  /** Writes nothing in the background until `work` has ended. */
  holdUntil(work: Promise<unknown>): void {
    this.#held = Promise.allSettled([this.#held, work]);
  }

  /** Begins to write in the background. Cheap, since it is called for each firing. */
  wake(): void {
    if (!this.#isWriting && !this.stopped.aborted) void this.#writeBehind();
  }

  /**
   * Writes the documents that changed.
   *
   * @throws {Error} when a document cannot be written
   */
  async flush(documents: Iterable<CheckpointDocument> = this.#options.documents()): Promise<void> {
    const slice = new Slice(this.#options.clock);
    const dirty = [...documents].filter(({ isDirty }) => isDirty);
    await eachOf(dirty, async (document) => {
      if (slice.isOver()) await slice.pause();
      await this.#write(document);
    });
  }

  async #writeBehind(): Promise<void> {
    const { clock, logger, documents } = this.#options;
    this.#isWriting = true;
    while (!this.stopped.aborted && [...documents()].some(({ isDirty }) => isDirty)) {
      const rest = this.#lastWritten + WRITE_INTERVAL_MS - clock.monotonic();
      await clock.sleep(Math.max(GATHER_MS, rest), this.stopped);
      await this.#held;
      if (this.stopped.aborted) break;
      this.#lastWritten = clock.monotonic();
      try {
        await this.flush();
        this.#hasReported = false;
      } catch (error) {
        // While the server is away this fails each second.
        logger[this.#hasReported ? "debug" : "warning"]("memory.write_failed", {
          error: errorText(error),
        });
        this.#hasReported = true;
      }
    }
    this.#isWriting = false;
  }

  async #write(document: CheckpointDocument): Promise<void> {
    const { store, logger } = this.#options;
    const { key } = document;
    for (let attempt = 1; document.isDirty && document.isOpen; attempt++) {
      const sent = [...document.revisions]; // another write of this process may change them
      try {
        return await this.#put(document);
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === MAX_ATTEMPTS) throw error;
      }
      const { term, wanted } = document;
      const theirs = await readPages(store, key, Math.max(sent.length, wanted));
      if (theirs.revisions.every((revision, page) => revision === (sent[page] ?? 0))) {
        throw new WriteInProcessError(key);
      }
      document.revisions = [...theirs.revisions];
      document.pages = theirs.pages;
      if (term !== null && (theirs.term ?? 0) > term) {
        document.isDirty = false; // another replica holds the lease, and so the document
        return;
      }
      reportFaults(logger, [{ key, reading: theirs }]);
      document.merge(theirs);
    }
  }

  /**
   * Writes all pages. New ones come before the first, which says how many there are, and those from
   * before come after it: whoever reads in between misses no entry.
   */
  async #put(document: CheckpointDocument): Promise<void> {
    const { store, clock, logger } = this.#options;
    const { key, changes, revisions } = document;
    const wasComplete = document.leftOut === 0;
    const values = document.toPages(clock.now(), store.maxValueBytes);
    const numbers = values.map((_, page) => page);
    const isNew = (page: number) => page >= document.pages;
    const order = [
      ...numbers.filter(isNew),
      ...numbers.filter((page) => !isNew(page)),
    ];
    for (const page of order) {
      const revision = await store.put(pageKey(key, page), values[page]!, revisions[page] ?? 0);
      document.written(page, revision, clock.monotonic());
    }
    document.pages = values.length;
    document.isDirty = document.changes !== changes;
    if (document.leftOut > 0 && wasComplete) {
      logger.warning("memory.too_large", {
        key,
        left_out: document.leftOut,
        error: `Cannot store ${document.leftOut} checkpoints of "${key}": they do not fit into ` +
          `${MAX_PAGES} messages of ${store.maxValueBytes} bytes; their entries begin as new at ` +
          "the next start. Raise max_payload of the server",
      });
    }
  }
}
