import { errorText } from "../internal/error_text.ts";

/** How much is gathered before it is written, in UTF-16 code units. */
const BATCH = 65_536;

/** Lines for stdout, as many as one likes: written in batches, and waiting for a slow reader. */
export class StdoutLines {
  #text = "";
  #isClosed = false;

  /** Whether the reader has gone, as `head` does once it has seen enough. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(line: string): void {
    this.#text += line + "\n";
    if (this.#text.length >= BATCH) this.flush();
  }

  /**
   * To be called after the last line.
   *
   * @throws {Error} when the lines cannot be written, though there is a reader: a full disk
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
