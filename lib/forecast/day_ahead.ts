import { QUARTER_HOUR_MS } from "../engine/history.ts";
import { alike, occurrencesOf, type Recurrence } from "./recurrence.ts";

/** The number of quarters of an hour in a day. */
export const QUARTERS = 96;
/** The occurrences of a day for two entries that fire every second. */
const MAX_LOOKUPS = 200_000;

export interface DayAhead {
  /** The number of the first quarter since the epoch. */
  readonly from: number;
  /** The number of firings that are due in each quarter. */
  readonly counts: readonly number[];
  /** Whether there were too many occurrences to count them all. */
  readonly isCut: boolean;
}

/**
 * Counts the firings that are due in each quarter of an hour of the next day.
 *
 * @param now milliseconds since the epoch
 * @param options.lookups the maximum number of occurrences that are looked up
 */
export function dayAhead(
  recurrences: Iterable<Recurrence>,
  now: number,
  { lookups: most = MAX_LOOKUPS }: { lookups?: number } = {},
): DayAhead {
  const from = Math.floor(now / QUARTER_HOUR_MS);
  const counts = new Array<number>(QUARTERS).fill(0);
  const end = (from + QUARTERS) * QUARTER_HOUR_MS;
  const uneven: Recurrence[] = [];
  for (const recurrence of recurrences) {
    if (recurrence.timing.periodMs === null) uneven.push(recurrence);
    else if (recurrence.next < end) addEven(counts, from, recurrence, recurrence.timing.periodMs);
  }
  let lookups = most;
  for (const group of alike(uneven, end - 1)) {
    for (const at of occurrencesOf(group)) {
      if (lookups-- <= 0) break;
      const quarter = Math.floor(at / QUARTER_HOUR_MS) - from;
      if (quarter >= 0) counts[quarter]! += group.members.length;
    }
  }
  return { from, counts, isCut: lookups <= 0 };
}

/** Counts evenly spaced occurrences without looking each one up. */
function addEven(
  counts: number[],
  from: number,
  { next, endAt }: Recurrence,
  period: number,
): void {
  const end = Math.min((endAt ?? Infinity) + 1, (from + counts.length) * QUARTER_HOUR_MS);
  const before = (instant: number) => Math.max(0, Math.ceil((instant - next) / period));
  for (let quarter = 0; quarter < counts.length; quarter++) {
    const start = (from + quarter) * QUARTER_HOUR_MS;
    counts[quarter]! += before(Math.min(start + QUARTER_HOUR_MS, end)) -
      before(Math.min(start, end));
  }
}
