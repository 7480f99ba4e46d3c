import type { Cadence } from "../time/cadence.ts";
import { latestUpTo } from "./entry_cadence.ts";

/** A stretch of time, both ends included, in milliseconds since the epoch. */
export interface Stretch {
  from: number;
  to: number;
}

/**
 * What fired while the wall clock was wrong, once it has been set right.
 *
 * @param leap what the clock was set forward over: its occurrences did not fire, but for the latest
 * @param last the occurrence that fired last
 */
export function firedAhead(cadence: Cadence, leap: Stretch, last: number): Stretch {
  const skipped = cadence.next(new Date(leap.from));
  const end = new Date(leap.to);
  const late = skipped === null || skipped > end ? end : latestUpTo(cadence, skipped, end);
  return { from: late.getTime(), to: last };
}

/** `cadence`, but for its occurrences in the stretch. */
export function without(cadence: Cadence, { from, to }: Stretch): Cadence {
  return {
    next(after) {
      const due = cadence.next(after);
      const isFired = due !== null && due.getTime() >= from && due.getTime() <= to;
      return isFired ? cadence.next(new Date(to)) : due;
    },
  };
}
