/** A span in which something happened so many times. */
export interface BusySpan {
  /** When it begins. */
  readonly start: Date;
  /** How many firings lie in it. */
  readonly firings: number;
}

/** Finds the span with the most events, of those that a clock divides time into. */
export class Busiest {
  readonly #length: number;
  #current = -Infinity;
  #count = 0;
  #busiest = -Infinity;
  #most = 0;

  /** @param length of a span, in milliseconds */
  constructor(length: number) {
    this.#length = length;
  }

  /** Counts an event; `at`, in milliseconds since the epoch, never goes back. */
  add(at: number): void {
    const span = Math.floor(at / this.#length);
    if (span !== this.#current) {
      this.#current = span;
      this.#count = 0;
    }
    this.#count++;
    if (this.#count > this.#most) {
      this.#most = this.#count;
      this.#busiest = span;
    }
  }

  /** The busiest span so far, the first of several; null without an event. */
  get most(): BusySpan | null {
    if (this.#most === 0) return null;
    return { start: new Date(this.#busiest * this.#length), firings: this.#most };
  }
}
