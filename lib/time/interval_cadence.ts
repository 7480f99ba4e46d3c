import type { Cadence } from "./cadence.ts";

/** The last instant that a `Date` can hold, in milliseconds. */
const LAST_INSTANT = 8.64e15;

/**
 * Due at `anchor` + k × `seconds` for k = 1, 2, …, each rounded to the millisecond on its own, so
 * that nothing drifts; at `anchor` itself only where `atAnchor` says so. Fractions of a second are
 * allowed. An interval under a millisecond, which a `Date` cannot tell apart, is due every
 * millisecond.
 *
 * `next` answers null where the next occurrence is past the last `Date`, and throws a `RangeError`
 * for an invalid date.
 *
 * @param anchor the start, an instant
 * @param seconds the interval, in seconds
 * @param options.atAnchor whether the anchor is the first occurrence. Default: false
 * @throws {RangeError} for an invalid anchor, or an interval that is not a positive finite number
 */
export function intervalCadence(
  anchor: Date,
  seconds: number,
  { atAnchor = false }: { atAnchor?: boolean } = {},
): Cadence {
  const start = anchor.getTime();
  if (Number.isNaN(start)) throw new RangeError("Cannot start an interval at an invalid date");
  if (!(Number.isFinite(seconds) && seconds > 0)) {
    throw new RangeError(`Cannot repeat every ${seconds} s: expected a positive number`);
  }
  const interval = Math.max(seconds * 1000, 1);
  const first = atAnchor ? 0 : 1;
  const at = (k: number) => Math.round(start + k * interval);
  return {
    next(after) {
      const instant = after.getTime();
      if (Number.isNaN(instant)) {
        throw new RangeError("Cannot find what is due after an invalid date");
      }
      const k = Math.floor((instant - start) / interval); // the last that is not later, or one less
      for (let step = 1; step <= 2; step++) {
        const due = at(Math.max(k + step, first));
        if (due > instant) return due <= LAST_INSTANT ? new Date(due) : null;
      }
      return instant < LAST_INSTANT ? new Date(instant + 1) : null; // k is past 2⁵³: milliseconds
    },
  };
}
