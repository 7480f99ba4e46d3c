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

  /** Milliseconds since an arbitrary start. Never goes back, whatever is done to the wall clock. */
  monotonic(): number;

  /**
   * Resolves after `milliseconds`, or as soon as `signal` aborts, whichever comes first; it never
   * rejects. Waits of any length are exact: they are not capped at 2³¹ ms.
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** `setTimeout` overflows above this and fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),

  monotonic: () => performance.now(),

  async sleep(milliseconds, signal) {
    const end = performance.now() + milliseconds;
    let left = milliseconds;
    do {
      await timer(Math.min(left, LONGEST_TIMER), signal);
      left = end - performance.now();
    } while (left > LONGEST_TIMER && !signal?.aborted);
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
