import { alike, occurrencesOf, type Recurrence } from "./recurrence.ts";

/** Of an hour, in milliseconds. */
export const QUARTER = 900_000;

/** Quarters of an hour in a day. */
export const QUARTERS = 96;

/** How many occurrences are looked up at most: all of a day for two entries of every second. */
const MAX_LOOKUPS = 200_000;

export interface DayAhead {
  /** The first quarter's number since the epoch. */
  readonly from: number;
  /** How many firings are due in each. */
  readonly counts: readonly number[];
  /** Whether there were too many to count them all. */
  readonly isCut: boolean;
}

/**
 * How many firings are due in each quarter of an hour of the day that follows.
 *
 * @param now milliseconds since the epoch
 * @param options.lookups how many occurrences are looked up at most
 */
export function dayAhead(
  recurrences: Iterable<Recurrence>,
  now: number,
  { lookups: most = MAX_LOOKUPS }: { lookups?: number } = {},
): DayAhead {
  const from = Math.floor(now / QUARTER);
  const counts = new Array<number>(QUARTERS).fill(0);
  const end = (from + QUARTERS) * QUARTER;
  const uneven: Recurrence[] = [];
  for (const recurrence of recurrences) {
    if (recurrence.timing.periodMs === null) uneven.push(recurrence);
    else if (recurrence.next < end) addEven(counts, from, recurrence, recurrence.timing.periodMs);
  }
  let lookups = most;
  for (const group of alike(uneven, end - 1)) {
    for (const at of occurrencesOf(group)) {
      if (lookups-- <= 0) break;
      const quarter = Math.floor(at / QUARTER) - from;
      if (quarter >= 0) counts[quarter]! += group.members.length;
    }
  }
  return { from, counts, isCut: lookups <= 0 };
}

/** Counts what is evenly spaced without looking at each. */
function addEven(
  counts: number[],
  from: number,
  { next, endAt }: Recurrence,
  period: number,
): void {
  const end = Math.min((endAt ?? Infinity) + 1, (from + counts.length) * QUARTER);
  const before = (instant: number) => Math.max(0, Math.ceil((instant - next) / period));
  for (let quarter = 0; quarter < counts.length; quarter++) {
    const start = (from + quarter) * QUARTER;
    counts[quarter]! += before(Math.min(start + QUARTER, end)) - before(Math.min(start, end));
  }
}
