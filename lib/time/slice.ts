import type { Clock } from "./clock.ts";

/** Work on many entries pauses this often, in milliseconds, so that nothing else waits for it. */
const LENGTH = 5;

/** What a timer takes at least, in milliseconds; Deno rounds up to a whole one, twice. */
const TIMER = 2.5;

/**
 * A piece of a long work, short enough that nothing else waits for it noticeably.
 *
 * Only a timer lets Deno look at sockets and signals between two pieces: after `setImmediate` it
 * does so once in 61 times. A timer idles for two milliseconds, though, so it is set that long
 * before the piece ends, and has run out when the pause begins.
 */
export class Slice {
  readonly #clock: Clock;
  #end = 0;
  #timer: Promise<void> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.begin();
  }

  /** To be called before work that follows on a wait. */
  begin(): void {
    this.#end = this.#clock.monotonic() + LENGTH;
    this.#timer = null;
  }

  /** To be asked before each small step of the work. */
  isOver(): boolean {
    const left = this.#end - this.#clock.monotonic();
    if (left <= TIMER) this.#timer ??= this.#clock.sleep(0);
    return left <= 0;
  }

  /** Lets everything else run, then begins the next slice. */
  async pause(): Promise<void> {
    await (this.#timer ?? this.#clock.sleep(0));
    this.begin();
  }
}
