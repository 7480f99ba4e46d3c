/**
 * Carries replies on a stream that user code prints to as well. The process that hosts user code
 * writes them, the scheduler reads them. Each reply is cut into lines that begin with a secret word;
 * every other line was printed by user code. A line is short enough for the kernel to write it in one
 * piece (PIPE_BUF, 4096 bytes) and begins with a line break of its own, so that nothing that another
 * thread prints at the same time gets into it.
 *
 * @module
 */

const MAX_FRAME_BYTES = 4096;
const MORE = "+";
const LAST = ".";

/** Longer lines are cut, in characters: the rest of the line is dropped. Above {@link MAX_FRAME_BYTES}. */
const MAX_LINE_CHARACTERS = 8192;

/** The lines that carry `reply`, to be written one by one. */
export function* writeFrames(reply: string, secret: string): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(reply);
  const room = MAX_FRAME_BYTES - secret.length - 3;
  for (let start = 0; start < bytes.length;) {
    let end = Math.min(start + room, bytes.length);
    // Back to where a character begins.
    while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--;
    const head = encoder.encode(`\n${secret}${end < bytes.length ? MORE : LAST}`);
    const line = new Uint8Array(head.length + end - start + 1);
    line.set(head);
    line.set(bytes.subarray(start, end), head.length);
    line[line.length - 1] = 0x0a;
    yield line;
    start = end;
  }
}

export interface FrameListeners {
  onReply(reply: string): void;
  /** One line that user code printed, without its line break; never an empty one. */
  onPrinted(line: string): void;
}

/** Tells replies and printed lines apart. Text may be fed in pieces of any length. */
export class FrameReader {
  readonly #secret: string;
  readonly #listeners: FrameListeners;
  readonly #parts: string[] = [];
  #rest = "";
  /** Whether the line under way was too long, so that what follows up to its end is dropped. */
  #cut = false;

  /** @param secret an empty one takes every line for printed */
  constructor(secret: string, listeners: FrameListeners) {
    this.#secret = secret;
    this.#listeners = listeners;
  }

  feed(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (!this.#cut) this.#line(line);
      this.#cut = false;
    }
    if (this.#rest.length > MAX_LINE_CHARACTERS) {
      if (!this.#cut) this.#line(this.#rest);
      this.#rest = "";
      this.#cut = true;
    }
  }

  /** The end of the stream: what is left counts as a line. */
  end(): void {
    this.feed("\n");
  }

  #line(line: string): void {
    if (this.#secret === "" || !line.startsWith(this.#secret)) {
      if (line !== "") this.#listeners.onPrinted(line);
      return;
    }
    this.#parts.push(line.slice(this.#secret.length + 1));
    if (line[this.#secret.length] !== LAST) return;
    this.#listeners.onReply(this.#parts.splice(0).join(""));
  }
}
