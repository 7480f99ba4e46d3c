/** A number of units that several users share. Who waits for some gets them in turn. */
export class Semaphore {
  #free: number;
  readonly #waiting: { units: number; resolve(): void }[] = [];

  constructor(units: number) {
    this.#free = units;
  }

  /**
   * Takes `units`, at most all there are, once they are free and everyone before has had a turn.
   *
   * @param signal ends the waiting, and rejects with its reason
   */
  async take(units: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { units, resolve };
    const giveUp = () => {
      const place = this.#waiting.indexOf(waiter);
      if (place < 0) return; // its turn has come in the same moment
      this.#waiting.splice(place, 1);
      this.#serve(); // it may have been the one that the others waited for
      reject(signal.reason);
    };
    this.#waiting.push(waiter);
    signal.addEventListener("abort", giveUp, { once: true });
    this.#serve();
    await promise;
    signal.removeEventListener("abort", giveUp);
    if (!signal.aborted) return;
    this.give(units);
    throw signal.reason;
  }

  /** Gives back what was taken. */
  give(units: number): void {
    this.#free += units;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.units <= this.#free) {
      const { units, resolve } = this.#waiting.shift()!;
      this.#free -= units;
      resolve();
    }
  }
}
