/** The size of a block of lines; a longer line gets a block of its own. */
const BLOCK_BYTES = 64 * 1024;

/**
 * Writes lines to a stream without waiting for it. Lines that come together, or while the stream is
 * busy, are written together: in a burst, a write for each line would cost more than the dispatch
 * that it reports. They wait as bytes, since many short texts would keep the garbage collector
 * busy.
 */
export class LineWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #full: Uint8Array[] = [];
  #block = new Uint8Array(BLOCK_BYTES);
  #used = 0;
  #writing: Promise<void> | null = null;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    this.#writer.closed.catch(() => {});
  }

  /** @param line the text with its line end */
  write(line: string): void {
    const { read, written } = this.#encoder.encodeInto(line, this.#block.subarray(this.#used));
    if (read === line.length) this.#used += written;
    else this.#beginBlock(this.#encoder.encode(line));
    this.#writing ??= this.#writeAll();
  }

  /** Waits until everything has been written, and releases the stream, which stays open. */
  async end(): Promise<void> {
    await this.#writing;
    this.#writer.releaseLock();
  }

  #beginBlock(line: Uint8Array): void {
    this.#full.push(this.#block.subarray(0, this.#used));
    this.#block = new Uint8Array(Math.max(BLOCK_BYTES, line.length));
    this.#block.set(line);
    this.#used = line.length;
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve();
    while (this.#used > 0) {
      const blocks = [...this.#full, this.#block.slice(0, this.#used)];
      this.#full = [];
      this.#used = 0;
      try {
        for (const block of blocks) await this.#writer.write(block);
      } catch {
        // The reader of the lines is gone; the program goes on without it.
      }
    }
    this.#writing = null;
  }
}
