import type { Cadence } from "../time/cadence.ts";
import type { Timing } from "../config/timing/timing.ts";

/** Of an hour, in milliseconds. */
export const QUARTER = 900_000;

/** Quarters of an hour in a day. */
export const QUARTERS = 96;

/** One entry, as far as its firings are counted. Instants in milliseconds since the epoch. */
export interface Repeating {
  readonly timing: Timing;
  readonly endAt: number | null;
  /** When it is due next; Infinity for never. */
  readonly next: number;
}

/** How many occurrences are looked up at most: all of a day for two entries of every second. */
const MOST_LOOKUPS = 200_000;

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
  entries: Iterable<Repeating>,
  now: number,
  { lookups: most = MOST_LOOKUPS }: { lookups?: number } = {},
): DayAhead {
  const from = Math.floor(now / QUARTER);
  const counts = new Array<number>(QUARTERS).fill(0);
  const end = (from + QUARTERS) * QUARTER;
  const crons = new Map<
    string,
    { cadence: Cadence; first: number; until: number; times: number }
  >();
  for (const { timing, endAt, next } of entries) {
    if (next >= end) continue;
    const until = Math.min(end, (endAt ?? Infinity) + 1);
    if (timing.periodMs !== null) {
      addInterval(counts, from, { next, period: timing.periodMs, until });
      continue;
    }
    // Entries of the same expression are counted together.
    const key = `${timing.text} ${next} ${until}`;
    const known = crons.get(key);
    if (known !== undefined) known.times++;
    else {
      const cadence = timing.cadence(new Date(next));
      crons.set(key, { cadence, first: next, until, times: 1 });
    }
  }
  let lookups = most;
  for (const { cadence, first, until, times } of crons.values()) {
    for (let at: number | undefined = first; at !== undefined && at < until && lookups-- > 0;) {
      const quarter = Math.floor(at / QUARTER) - from;
      if (quarter >= 0) counts[quarter]! += times;
      at = cadence.next(new Date(at))?.getTime();
    }
  }
  return { from, counts, isCut: lookups <= 0 };
}

function addInterval(
  counts: number[],
  from: number,
  { next, period, until }: { next: number; period: number; until: number },
): void {
  // How many are due before an instant.
  const before = (instant: number) => Math.max(0, Math.ceil((instant - next) / period));
  for (let quarter = 0; quarter < counts.length; quarter++) {
    const start = (from + quarter) * QUARTER;
    counts[quarter]! += before(Math.min(start + QUARTER, until)) - before(Math.min(start, until));
  }
}
