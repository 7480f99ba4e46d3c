import type { Semaphore } from "../internal/semaphore.ts";
import type { Returned } from "./expansion_protocol.ts";

/** What a function returned. */
export interface Expanded {
  /** The number of objects. */
  readonly count: number;
  /** The objects in order, in lists of moderate size; each is made when it is reached. */
  readonly lists: Iterable<readonly Record<string, unknown>[]>;
  /** Gives back the memory; must be called once the objects are no longer needed. */
  release?(): void;
}

/**
 * Keeps what a function returned as text: objects can take fifty times as much memory, and only a
 * few of them are needed at a time.
 */
export class ExpansionResult implements Expanded {
  readonly count: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #memory: Semaphore;
  readonly #ends: number[] = [];
  #added = 0;

  /** @param memory of which `bytes` have been taken, to be given back */
  constructor({ count, bytes }: Returned, memory: Semaphore) {
    this.count = count;
    this.#bytes = new Uint8Array(bytes);
    this.#memory = memory;
  }

  /** Whether all objects are there. */
  get isComplete(): boolean {
    return this.#added === this.count && (this.#ends.at(-1) ?? 0) === this.#bytes.length;
  }

  /**
   * Adds a list of `count` objects.
   *
   * @throws where more comes than was announced
   */
  add(list: Uint8Array, count: number): void {
    const start = this.#ends.at(-1) ?? 0;
    this.#added += count;
    if (this.#added > this.count || start + list.length > this.#bytes.length) {
      throw new RangeError("it is more than was announced");
    }
    this.#bytes.set(list, start);
    this.#ends.push(start + list.length);
  }

  get lists(): Iterable<Record<string, unknown>[]> {
    return this.#decode();
  }

  *#decode(): Generator<Record<string, unknown>[]> {
    const decoder = new TextDecoder();
    let start = 0;
    for (const end of this.#ends) {
      yield JSON.parse(decoder.decode(this.#bytes.subarray(start, end)));
      start = end;
    }
  }

  release(): void {
    const { buffer, length } = this.#bytes;
    if (buffer.detached) return;
    buffer.transfer(0); // frees it at once
    this.#memory.give(length);
  }
}
