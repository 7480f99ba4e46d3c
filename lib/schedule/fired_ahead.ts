import type { Cadence } from "../time/cadence.ts";
import { latestUpTo } from "./entry_cadence.ts";

/** A stretch of time, both ends inclusive, in milliseconds since the epoch. */
export interface Stretch {
  from: number;
  to: number;
}

/**
 * Returns the stretch whose occurrences fired while the wall clock was ahead.
 *
 * @param setForward the stretch that the clock was set forward over, of which only the latest fired
 * @param last the occurrence that fired last
 */
export function firedAhead(cadence: Cadence, setForward: Stretch, last: number): Stretch {
  const skipped = cadence.next(new Date(setForward.from));
  const end = new Date(setForward.to);
  const late = skipped === null || skipped > end ? end : latestUpTo(cadence, skipped, end);
  return { from: late.getTime(), to: last };
}

/** Returns `cadence` without its occurrences in the stretch. */
export function without(cadence: Cadence, { from, to }: Stretch): Cadence {
  return {
    next(after) {
      const due = cadence.next(after);
      const isFired = due !== null && due.getTime() >= from && due.getTime() <= to;
      return isFired ? cadence.next(new Date(to)) : due;
    },
  };
}
