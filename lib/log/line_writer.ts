/** The size of a batch of lines, where not much more waits; in UTF-16 code units. */
const MIN_BATCH_UNITS = 64 * 1024;
/** What may wait for a reader that is slow, or gone, in UTF-16 code units. */
const MAX_WAITING_UNITS = 4 * 2 ** 20;

const LINE_END = 0x0a;

/** Where lines are written to; `Deno.stderr` is one. */
export interface LineOutput {
  /** Writes some of the bytes, and resolves with how many. A later write may succeed after one that failed. */
  write(bytes: Uint8Array): Promise<number>;
}

export interface LineWriterOptions<Line> {
  output: LineOutput;
  /** Returns the text of a line, with its end. */
  make(line: Line): string;
  /** Returns the line that reports dropped lines. */
  report(dropped: number): Line;
}

/**
 * Makes and writes lines in batches, without holding up whoever logs them: while the output takes a
 * batch everything else goes on, and what is logged meanwhile waits for the next one. What waits does
 * not wait long, since the garbage collector would take more time for it than it takes to make it.
 *
 * What waits is bounded: the lines that find no room, and those that cannot be written, are dropped
 * and counted. A line reports them, in their place, when writing works again.
 */
export class LineWriter<Line extends { readonly size: number }> {
  readonly #options: LineWriterOptions<Line>;
  readonly #encoder = new TextEncoder();
  /** For one batch: a new buffer each time would cost more than what is done with it. */
  readonly #buffer = new Uint8Array(4 * MIN_BATCH_UNITS);
  #lines: Line[] = [];
  /** How many of `#lines` have been taken out. */
  #taken = 0;
  #waitingUnits = 0;
  #dropped = 0;
  /** How many of the lines that wait stand before those that were dropped. */
  #beforeDropped = 0;
  /** Whether the output ends within a line, after a write that failed. */
  #isWithinLine = false;
  #writing: Promise<void> | null = null;

  constructor(options: LineWriterOptions<Line>) {
    this.#options = options;
  }

  write(line: Line): void {
    if (this.#waitingUnits === 0 || this.#waitingUnits + line.size <= MAX_WAITING_UNITS) {
      this.#lines.push(line);
      this.#waitingUnits += line.size;
    } else {
      if (this.#dropped === 0) this.#beforeDropped = this.#lines.length - this.#taken;
      this.#dropped++;
    }
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when everything has been written, or dropped. */
  async end(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve();
    while (this.#taken < this.#lines.length) {
      const { text, units } = this.#batch();
      const unwritten = await this.#put(text);
      this.#waitingUnits -= units;
      this.#dropped += unwritten;
      const dropped = this.#dropped;
      if (unwritten > 0 || dropped === 0 || this.#beforeDropped > 0) continue;
      const { make, report } = this.#options;
      if (await this.#put(make(report(dropped))) === 0) this.#dropped -= dropped;
    }
    this.#lines = [];
    this.#taken = 0;
    this.#writing = null;
  }

  /** Takes the next lines and makes them: more where more wait, so that a burst does not outrun them. */
  #batch(): { text: string; units: number } {
    const size = Math.max(MIN_BATCH_UNITS, this.#waitingUnits / 4);
    const first = this.#taken;
    const end = this.#beforeDropped > 0 ? first + this.#beforeDropped : this.#lines.length;
    let text = "";
    let units = 0;
    while (this.#taken < end && units < size) {
      const line = this.#lines[this.#taken++]!;
      units += line.size;
      text += this.#options.make(line);
    }
    this.#beforeDropped = Math.max(0, this.#beforeDropped - (this.#taken - first));
    if (this.#taken > this.#lines.length / 2) {
      this.#lines.splice(0, this.#taken);
      this.#taken = 0;
    }
    return { text, units };
  }

  #bytesOf(text: string): Uint8Array {
    const { read, written } = this.#encoder.encodeInto(text, this.#buffer);
    return read === text.length ? this.#buffer.subarray(0, written) : this.#encoder.encode(text);
  }

  /** @returns how many of the lines could not be written */
  async #put(lines: string): Promise<number> {
    const { output } = this.#options;
    const bytes = this.#bytesOf(lines);
    let rest = bytes;
    try {
      if (this.#isWithinLine) await output.write(new Uint8Array([LINE_END]));
      this.#isWithinLine = false;
      while (rest.length > 0) rest = rest.subarray(await output.write(rest));
      return 0;
    } catch {
      // The disk is full, or the reader has gone; the program goes on without it.
      if (rest.length < bytes.length) {
        this.#isWithinLine = bytes[bytes.length - rest.length - 1] !== LINE_END;
      }
      return rest.reduce((count, byte) => byte === LINE_END ? count + 1 : count, 0);
    }
  }
}
