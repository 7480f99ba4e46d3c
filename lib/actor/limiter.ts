/** Runs at most `limit` pieces of work at once, in the order in which they come. */
export class Limiter {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();

  /** @throws {RangeError} when `limit` is no positive whole number */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(
        `Cannot handle ${limit} messages at once: expected a whole number from 1`,
      );
    }
    this.#limit = limit;
  }

  /** Starts `work`, which must not reject, and resolves when there is room for more. */
  async start(work: () => Promise<void>): Promise<void> {
    const running = work().finally(() => this.#running.delete(running));
    this.#running.add(running);
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
