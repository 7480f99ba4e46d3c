/**
 * The only place that reads the time or sets a timer. Everything else is given a {@link Clock}, so
 * a test can drive a manual one and let a year pass in milliseconds.
 *
 * @module
 */

/** Wall-clock time, monotonic time, and waiting. */
export interface Clock {
  /** The wall clock, in milliseconds since the Unix epoch. May jump, forwards or backwards. */
  now(): number;

  /**
   * How long it is until the wall clock shows `instant` (milliseconds since the Unix epoch), in
   * milliseconds with fractions; 0 or less when it has. Where it says 0, so does `now`.
   */
  until(instant: number): number;

  /** Milliseconds since an arbitrary start. Never goes back, whatever is done to the wall clock. */
  monotonic(): number;

  /**
   * Resolves after `milliseconds`, or as soon as `signal` aborts, whichever comes first; it never
   * rejects. Waits of any length are exact: they are not capped at 2³¹ ms.
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** `setTimeout` overflows above this and fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `Date.now()` leaves out less than a millisecond, so that `until` never says 0 before `now` does. */
const LEFT_OUT = 0.999;

/** What the wall clock is ahead of the monotonic one, in milliseconds with fractions. */
let offset = 0;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),

  until(instant) {
    const monotonic = performance.now();
    // It leaves out another part each time: each answer narrows down what the true offset can be,
    // and a clock that was set moves it at once.
    const least = Date.now() - monotonic;
    offset = Math.min(Math.max(offset, least), least + LEFT_OUT);
    return instant - monotonic - offset;
  },

  monotonic: () => performance.now(),

  async sleep(milliseconds, signal) {
    const end = performance.now() + milliseconds;
    let left = milliseconds;
    do {
      await timer(Math.min(left, MAX_TIMER_MS), signal);
      left = end - performance.now();
    } while (left > MAX_TIMER_MS && !signal?.aborted);
  },
};

function timer(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(id);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const id = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done, { once: true });
  });
}
