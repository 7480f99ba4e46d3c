import type { Cadence } from "./cadence.ts";

/** The end of the year 9999, the last of RFC 3339. */
const MAX_INSTANT_MS = Date.UTC(10_000, 0) - 1;

/**
 * Returns a cadence that is due at `anchor` + k × `seconds` for k = 1, 2, …, each rounded to the
 * millisecond on its own, so that nothing drifts; with `atAnchor`, also at `anchor`. `seconds` may
 * have fractions; below a millisecond, the precision of a `Date`, it is due every millisecond.
 *
 * `next` returns null from the end of the year 9999 on, as a cron cadence does, and throws a
 * `RangeError` for an invalid date.
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
      const k = Math.floor((instant - start) / interval); // the last up to `instant`, or one less
      for (let step = 1; step <= 2; step++) {
        const due = at(Math.max(k + step, first));
        if (due > instant) return due <= MAX_INSTANT_MS ? new Date(due) : null;
      }
      return instant < MAX_INSTANT_MS ? new Date(instant + 1) : null; // k is above 2⁵³ and inexact
    },
  };
}
