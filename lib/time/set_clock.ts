import type { Clock } from "./clock.ts";

/** The time between two checks of a clock that is not set. */
const CHECK_INTERVAL_MS = 1000;

/**
 * Resolves when the wall clock shows `earliest` or later, or when `signal` aborts. A machine without
 * a battery for its clock starts in 1970, and is set by NTP some seconds later.
 *
 * @param earliest the first instant that a set clock can show
 */
export async function whenClockIsSet(
  clock: Clock,
  earliest: Date,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && clock.now() < earliest.getTime()) {
    await clock.sleep(CHECK_INTERVAL_MS, signal);
  }
}
