/**
 * Reads the time and sets timers, which no other module does. The others are given a {@link Clock},
 * so that a test can let a year pass in milliseconds.
 *
 * @module
 */

/** A wall clock, a monotonic clock and a sleep. */
export interface Clock {
  /** Returns the wall-clock time, in milliseconds since the Unix epoch. It may jump either way. */
  now(): number;

  /**
   * Returns the time until the wall clock shows `instant` (milliseconds since the Unix epoch), in
   * milliseconds with fractions; 0 or less only when {@link Clock.now} has reached `instant`.
   */
  until(instant: number): number;

  /** Returns the milliseconds since an arbitrary start. Never decreases. */
  monotonic(): number;

  /**
   * Resolves after `milliseconds` or when `signal` aborts, whichever comes first; never rejects.
   * Sleeps can be longer than the 2³¹ ms of `setTimeout`.
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** `setTimeout` overflows above this and fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `Date.now()` drops less than a millisecond; this is below 1, so that `until` is never early. */
const MAX_DROPPED_MS = 0.999;

/** The wall clock minus the monotonic one, in milliseconds with fractions. */
let offset = 0;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),

  until(instant) {
    const monotonic = performance.now();
    // `Date.now()` drops another part each time, so each call narrows the range of the true offset.
    // A clock that was set moves it at once.
    const least = Date.now() - monotonic;
    offset = Math.min(Math.max(offset, least), least + MAX_DROPPED_MS);
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
