import { errorText } from "../internal/error_text.ts";
import { printable } from "../internal/printable.ts";

/** Lines are collected up to this number of UTF-16 code units. */
const BATCH_CODE_UNITS = 65_536;

/** Writes lines that may come from outside to stdout in batches, and waits for a slow reader. */
export class StdoutLines {
  #text = "";
  #isClosed = false;

  /** True once the reader has closed stdout, as `head` does once it has enough. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(line: string): void {
    this.#text += printable(line) + "\n";
    if (this.#text.length >= BATCH_CODE_UNITS) this.flush();
  }

  /**
   * Writes the rest. To be called after the last line.
   *
   * @throws {Error} when the lines cannot be written, though there is a reader, as on a full disk
   */
  flush(): void {
    let bytes = new TextEncoder().encode(this.#text);
    this.#text = "";
    try {
      while (bytes.length > 0 && !this.#isClosed) {
        bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) {
        const reason = errorText(error);
        throw new Error(`Cannot write to stdout: ${reason}`, { cause: error });
      }
      this.#isClosed = true;
    }
  }
}
