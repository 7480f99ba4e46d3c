import type { Clock } from "../time/clock.ts";

/** Work on many entries pauses this often, in milliseconds, so that nothing else waits for it. */
const LENGTH = 5;

/** A piece of a long work, short enough that nothing else waits for it noticeably. */
export class Slice {
  readonly #clock: Clock;
  #end: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#end = clock.monotonic() + LENGTH;
  }

  get isOver(): boolean {
    return this.#clock.monotonic() >= this.#end;
  }

  /** Lets everything else run, then begins the next slice. */
  async pause(): Promise<void> {
    await this.#clock.sleep(0);
    this.#end = this.#clock.monotonic() + LENGTH;
  }
}
