/** A span of time and the number of firings in it. */
export interface BusySpan {
  /** The instant at which it begins. */
  readonly start: Date;
  /** The number of firings in it. */
  readonly firings: number;
}

/** Finds the span with the most events. Spans begin at multiples of their length. */
export class Busiest {
  readonly #length: number;
  #current = -Infinity;
  #count = 0;
  #busiest = -Infinity;
  #most = 0;

  /** @param length the length of a span, in milliseconds */
  constructor(length: number) {
    this.#length = length;
  }

  /** Counts an event; `at`, in milliseconds since the epoch, must not decrease. */
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

  /** The busiest span so far, the first of equals; null without an event. */
  get most(): BusySpan | null {
    if (this.#most === 0) return null;
    return { start: new Date(this.#busiest * this.#length), firings: this.#most };
  }
}
