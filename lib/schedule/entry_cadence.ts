import type { Cadence } from "../time/cadence.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";

/**
 * Reports whether the entry's instants follow from the entry alone, by a timing on the wall clock
 * or by a `start_at`. Any other entry counts from the start of the scheduler.
 */
export function isOnWallClock({ timing, startAt }: ScheduleEntry): boolean {
  return timing.isOnWallClock || startAt !== null;
}

/**
 * Returns the cadence of `entry` within its `start_at` and `end_at`, both inclusive.
 *
 * @param start the anchor of an interval without a `start_at`
 */
export function entryCadence(entry: ScheduleEntry, start: Date): Cadence {
  const { timing, startAt, endAt } = entry;
  const cadence = timing.cadence(startAt ?? start, { atAnchor: startAt !== null });
  if (startAt === null && endAt === null) return cadence;
  return {
    next(after) {
      const tooEarly = startAt !== null && after < startAt;
      const due = cadence.next(tooEarly ? new Date(startAt.getTime() - 1) : after);
      return due === null || (endAt !== null && due > endAt) ? null : due;
    },
  };
}

/**
 * Yields `first` and the occurrences after it, in order, in milliseconds since the epoch.
 *
 * @param first an occurrence; Infinity for none
 * @param until the last instant. Default: no limit
 */
export function* occurrencesFrom(
  cadence: Cadence,
  first: number,
  until = Number.MAX_SAFE_INTEGER,
): Generator<number, void> {
  for (let at = first; at <= until; at = nextAfter(cadence, at)) yield at;
}

/** Returns the first occurrence after an instant, in milliseconds since the epoch, or Infinity. */
export function nextAfter(cadence: Cadence, after: number): number {
  return cadence.next(new Date(after))?.getTime() ?? Infinity;
}

/**
 * Returns the latest occurrence that is not after `now`.
 *
 * @param due an occurrence that is not after `now`
 */
export function latestUpTo(cadence: Cadence, due: Date, now: Date): Date {
  let latest = due;
  // A machine can sleep for weeks, so look back from `now` in growing steps, not on from `due`.
  for (let span = 1000; now.getTime() - span > due.getTime(); span *= 4) {
    const near = cadence.next(new Date(now.getTime() - span));
    if (near !== null && near <= now) {
      latest = near;
      break;
    }
  }
  for (;;) {
    const next = cadence.next(latest);
    if (next === null || next > now) return latest;
    latest = next;
  }
}

/**
 * Returns the occurrence from which on at most `limit` occurrences are left up to `now`.
 *
 * @param due an occurrence that is not after `now`
 * @returns `due`, or the first of the last `limit` occurrences
 */
export function lastFew(cadence: Cadence, due: Date, now: Date, limit: number): Date {
  const upTo = (first: Date | null, most: number) => {
    const found: Date[] = [];
    for (let at = first; at !== null && at <= now && found.length < most; at = cadence.next(at)) {
      found.push(at);
    }
    return found;
  };
  if (upTo(due, limit + 1).length <= limit) return due;
  for (let span = 1000;; span *= 2) {
    const found = upTo(cadence.next(new Date(now.getTime() - span)), Infinity);
    if (found.length >= limit) return found[found.length - limit]!;
  }
}

/** Counts the occurrences from `first` to `last`, both inclusive, up to `limit`. */
export function countUpTo(cadence: Cadence, first: Date, last: Date, limit: number): number {
  let count = 0;
  for (let at: Date | null = first; at !== null && at <= last && count < limit; count++) {
    at = cadence.next(at);
  }
  return count;
}
