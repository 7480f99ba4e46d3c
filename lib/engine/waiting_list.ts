import type { Due } from "../schedule/occurrences.ts";

/** Numbers for each occurrence: its due instant, when it was to be sent, what it stands for. */
const FIELDS = 3;

/**
 * The occurrences of one job that wait, oldest first. As numbers: while a server is away, there may
 * be a thousand for each of ten thousand jobs.
 */
export class WaitingList {
  /**
   * Up to which occurrence everything has been dealt with once those that wait or run have been;
   * -Infinity for none.
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

  /** Puts an occurrence back that is older than all others. */
  unshift({ scheduledFor, fireAt, passedOverSince }: Due): void {
    this.#numbers.splice(this.#first, 0, scheduledFor, fireAt, passedOverSince ?? NaN);
  }

  /** Takes the oldest one. */
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
