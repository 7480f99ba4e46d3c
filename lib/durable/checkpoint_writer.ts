import { ConflictError, type KeyValue } from "../bus/stream_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import { type CheckpointDocument, readDocument } from "./checkpoint_document.ts";
import { reportFaults } from "./checkpoint_reports.ts";
import { eachOf } from "./each_of.ts";

/** Firings that end within this time are written together. */
const GATHER_MS = 20;
/** The least time between two writes of a document. */
const WRITE_INTERVAL_MS = 1000;

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
    const { store, clock, logger } = this.#options;
    const { key } = document;
    while (document.isDirty && document.isOpen) {
      const { changes } = document;
      try {
        const revision = await store.put(key, document.toJson(clock.now()), document.revision);
        document.written(revision, { changes, monotonic: clock.monotonic() });
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
      const theirs = readDocument(await store.get(key));
      document.revision = theirs.revision;
      if (document.term !== null && (theirs.term ?? 0) > document.term) {
        document.isDirty = false; // another replica holds the lease, and so the document
        return;
      }
      reportFaults(logger, [{ key, reading: theirs }]);
      document.merge(theirs);
    }
  }
}
