import type { Due } from "../schedule/occurrences.ts";

/** Each occurrence takes three numbers: `scheduledFor`, `fireAt` and `passedOverSince`. */
const FIELDS = 3;

/**
 * The waiting occurrences of a job, oldest first. They are kept as numbers, since ten thousand jobs
 * may have a thousand each while a server is away.
 */
export class WaitingList {
  /**
   * The occurrence up to which everything is done once the running and waiting ones are; -Infinity
   * for none.
   */
  covers = -Infinity;
  readonly #numbers: number[] = [];
  #first = 0;

  get size(): number {
    return (this.#numbers.length - this.#first) / FIELDS;
  }

  /** The oldest one's due instant, in milliseconds since the epoch; Infinity when empty. */
  get oldest(): number {
    return this.#numbers[this.#first] ?? Infinity;
  }

  /** When the oldest one was to be sent, in milliseconds since the epoch; Infinity when empty. */
  get fireAt(): number {
    return this.#numbers[this.#first + 1] ?? Infinity;
  }

  /** The newest one's due instant, in milliseconds since the epoch; -Infinity when empty. */
  get newest(): number {
    return this.size === 0 ? -Infinity : this.#numbers.at(-FIELDS)!;
  }

  push({ scheduledFor, fireAt, passedOverSince }: Due): void {
    this.#numbers.push(scheduledFor, fireAt, passedOverSince ?? NaN);
  }

  /** Puts back an occurrence that is older than all others. */
  unshift({ scheduledFor, fireAt, passedOverSince }: Due): void {
    this.#numbers.splice(this.#first, 0, scheduledFor, fireAt, passedOverSince ?? NaN);
  }

  /** Removes and returns the oldest occurrence; null when empty. */
  shift(): Due | null {
    if (this.size === 0) return null;
    const [scheduledFor, fireAt, since] = this.#numbers.slice(this.#first, this.#first + FIELDS);
    this.#first += FIELDS;
    if (this.#first > this.#numbers.length / 2) {
      this.#numbers.splice(0, this.#first);
      this.#first = 0;
    }
    const passedOverSince = Number.isNaN(since) ? null : since!;
    return { scheduledFor: scheduledFor!, fireAt: fireAt!, passedOverSince, isSpread: false };
  }

  clear(): void {
    this.#numbers.length = this.#first = 0;
    this.covers = -Infinity;
  }
}
