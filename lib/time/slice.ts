import type { Clock } from "./clock.ts";

/** The length of a slice. */
const MAX_SLICE_MS = 5;

/** The least time that a timer takes: Deno rounds up to a whole millisecond, twice. */
const MIN_TIMER_MS = 2.5;

/**
 * A slice of long work, so short that nothing else waits for it noticeably.
 *
 * Only a timer lets Deno poll sockets and signals between two slices: after `setImmediate` it does
 * so once in 61 times. Since a timer takes two milliseconds, it is started that long before the
 * slice ends, and has expired when the pause begins.
 */
export class Slice {
  readonly #clock: Clock;
  #end = 0;
  #timer: Promise<void> | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.begin();
  }

  /** Begins a slice. Must be called before work that follows a wait. */
  begin(): void {
    this.#end = this.#clock.monotonic() + MAX_SLICE_MS;
    this.#timer = null;
  }

  /** Reports whether the slice is over. Must be called before each small step of the work. */
  isOver(): boolean {
    const left = this.#end - this.#clock.monotonic();
    if (left <= MIN_TIMER_MS) this.#timer ??= this.#clock.sleep(0);
    return left <= 0;
  }

  /** Lets everything else run, then begins the next slice. */
  async pause(): Promise<void> {
    await (this.#timer ?? this.#clock.sleep(0));
    this.begin();
  }
}
