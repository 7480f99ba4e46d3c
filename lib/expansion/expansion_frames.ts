/**
 * Carries replies on a stream that user code prints to as well. The process that hosts user code
 * writes them, the scheduler reads them. Each reply is cut into lines that begin with a secret word;
 * every other line was printed by user code. A line is short enough for the kernel to write it in one
 * piece (PIPE_BUF, 4096 bytes) and begins with a line break of its own, so that nothing that another
 * thread prints at the same time gets into it.
 *
 * @module
 */
import { MAX_REPLY_BYTES } from "./expansion_protocol.ts";

const MAX_FRAME_BYTES = 4096;
const LINE_BREAK = 0x0a;
const MORE = "+".charCodeAt(0);
const LAST = ".".charCodeAt(0);

/** The rest of a longer line is dropped. Above {@link MAX_FRAME_BYTES}. */
const MAX_LINE_BYTES = 8192;

/** What a line costs beside its bytes, in bytes: as much time as reading so many takes. */
const LINE_COST = 64;

/** The lines that carry `reply`, which has no line break in it, to be written one by one. */
export function* writeFrames(reply: Uint8Array, secret: string): Generator<Uint8Array> {
  const head = new TextEncoder().encode(`\n${secret}`);
  const room = MAX_FRAME_BYTES - head.length - 2;
  for (let start = 0; start < reply.length; start += room) {
    const part = reply.subarray(start, start + room);
    const line = new Uint8Array(head.length + part.length + 2);
    line.set(head);
    line[head.length] = start + room < reply.length ? MORE : LAST;
    line.set(part, head.length + 1);
    line[line.length - 1] = LINE_BREAK;
    yield line;
  }
}

export interface FrameListeners {
  /** Told of a reply, or of the beginning of one that is too long. Must not keep `reply`. */
  onReply(reply: Uint8Array): void;
  /** One line that user code printed, without its line break; never an empty one. */
  onPrinted(line: Uint8Array): void;
}

/** Tells replies and printed lines apart. Bytes may be fed in pieces of any length. */
export class FrameReader {
  readonly #secret: Uint8Array;
  readonly #listeners: FrameListeners;
  readonly #reply = new Bytes();
  readonly #rest = new Bytes();
  /** Whether the line under way was too long, so that what follows up to its end is dropped. */
  #isCut = false;

  /** @param secret an empty one takes every line for printed */
  constructor(secret: string, listeners: FrameListeners) {
    this.#secret = new TextEncoder().encode(secret);
    this.#listeners = listeners;
  }

  /** @returns what it cost to read what user code printed, in bytes; replies have limits of their own */
  feed(bytes: Uint8Array): number {
    let cost = 0;
    let start = 0;
    for (let end; (end = bytes.indexOf(LINE_BREAK, start)) >= 0; start = end + 1) {
      cost += this.#end(bytes.subarray(start, end));
    }
    const rest = bytes.subarray(start);
    if (this.#isCut) return cost + rest.length;
    this.#rest.add(rest.subarray(0, MAX_LINE_BYTES + 1));
    if (this.#rest.length <= MAX_LINE_BYTES) return cost;
    this.#line(this.#rest.take());
    this.#isCut = true;
    return cost + rest.length;
  }

  /** The end of the stream: what is left counts as a line. */
  end(): void {
    this.#end(new Uint8Array());
  }

  /** Takes what ends the line under way. */
  #end(bytes: Uint8Array): number {
    if (this.#isCut) {
      this.#isCut = false;
      return bytes.length;
    }
    if (this.#rest.length === 0) return this.#line(bytes);
    this.#rest.add(bytes.subarray(0, MAX_LINE_BYTES));
    return this.#line(this.#rest.take());
  }

  #line(line: Uint8Array): number {
    const { length } = this.#secret;
    if (length === 0 || !this.#secret.every((byte, index) => line[index] === byte)) {
      if (line.length > 0) this.#listeners.onPrinted(line.subarray(0, MAX_LINE_BYTES));
      return line.length + LINE_COST;
    }
    this.#reply.add(line.subarray(length + 1));
    if (line[length] === LAST || this.#reply.length > MAX_REPLY_BYTES) {
      this.#listeners.onReply(this.#reply.take());
    }
    return 0;
  }
}

/** Bytes that come in pieces. */
class Bytes {
  #bytes = new Uint8Array(MAX_LINE_BYTES);
  length = 0;

  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.length);
    this.length = length;
  }

  /** All of them, until the next one is added. */
  take(): Uint8Array {
    const all = this.#bytes.subarray(0, this.length);
    this.length = 0;
    return all;
  }
}
