/** The size of a block of lines; a longer line gets a block of its own. */
const BLOCK_BYTES = 64 * 1024;
/** The number of bytes that may wait for a reader that is slow, or gone. */
const MAX_WAITING_BYTES = 4 * 2 ** 20;

const LINE_END = 0x0a;

/** Where lines are written to; `Deno.stderr` is one. */
export interface LineOutput {
  /** Writes some of the bytes, and resolves with how many. A later write may succeed after one that failed. */
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Writes lines without waiting for whoever reads them. Lines that come together, or while the output
 * is busy, are written together: in a burst, a write for each line would cost more than the dispatch
 * that it reports. They wait as bytes, since many short texts would keep the garbage collector busy.
 *
 * What waits is bounded: the lines that find no room, and those that cannot be written, are dropped
 * and counted. A line reports them when writing works again.
 */
export class LineWriter {
  readonly #output: LineOutput;
  readonly #report: (dropped: number) => string;
  readonly #encoder = new TextEncoder();
  #full: Uint8Array[] = [];
  #block = new Uint8Array(BLOCK_BYTES);
  #used = 0;
  #waitingBytes = 0;
  #dropped = 0;
  /** Whether the output ends within a line, after a write that failed. */
  #isWithinLine = false;
  #writing: Promise<void> | null = null;

  /** @param report returns the line, with its end, that reports dropped lines */
  constructor(output: LineOutput, report: (dropped: number) => string) {
    this.#output = output;
    this.#report = report;
  }

  /** @param line the text with its line end */
  write(line: string): void {
    const hasRoom = this.#waitingBytes === 0 ||
      this.#waitingBytes + line.length <= MAX_WAITING_BYTES;
    if (hasRoom) this.#add(line);
    else this.#dropped++;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when everything has been written, or dropped. */
  async end(): Promise<void> {
    await this.#writing;
  }

  #add(line: string): void {
    const { read, written } = this.#encoder.encodeInto(line, this.#block.subarray(this.#used));
    if (read === line.length) {
      this.#used += written;
      this.#waitingBytes += written;
      return;
    }
    const bytes = this.#encoder.encode(line);
    this.#full.push(this.#block.subarray(0, this.#used));
    this.#block = new Uint8Array(Math.max(BLOCK_BYTES, bytes.length));
    this.#block.set(bytes);
    this.#used = bytes.length;
    this.#waitingBytes += bytes.length;
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve();
    while (this.#used > 0) {
      const blocks = [...this.#full, this.#block.slice(0, this.#used)];
      this.#full = [];
      this.#used = 0;
      let unwritten = 0;
      for (const block of blocks) {
        unwritten = await this.#put(block);
        this.#dropped += unwritten;
        this.#waitingBytes -= block.length;
      }
      const dropped = this.#dropped;
      if (dropped === 0 || unwritten > 0) continue;
      if (await this.#put(this.#encoder.encode(this.#report(dropped))) === 0) {
        this.#dropped -= dropped;
      }
    }
    this.#writing = null;
  }

  /** @returns how many of the lines could not be written */
  async #put(lines: Uint8Array): Promise<number> {
    let rest = lines;
    try {
      if (this.#isWithinLine) await this.#output.write(new Uint8Array([LINE_END]));
      this.#isWithinLine = false;
      while (rest.length > 0) rest = rest.subarray(await this.#output.write(rest));
      return 0;
    } catch {
      // The disk is full, or the reader has gone; the program goes on without it.
      if (rest.length < lines.length) {
        this.#isWithinLine = lines[lines.length - rest.length - 1] !== LINE_END;
      }
      return rest.reduce((count, byte) => byte === LINE_END ? count + 1 : count, 0);
    }
  }
}
