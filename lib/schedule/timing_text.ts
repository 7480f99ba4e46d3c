/**
 * Writes an entry's timing as one text, for checkpoints, and compares two such texts.
 *
 * @module
 */
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { TIMINGS } from "../config/config_schema.ts";

/**
 * Returns the timing's own text with the entry's bounds, its jitter, and whether it is enabled.
 * Checkpoints keep this text and earlier versions compare it, so its form must not change.
 */
export function timingText(entry: ScheduleEntry): string {
  const { timing, jitterSeconds, enabled, startAt, endAt } = entry;
  let { text } = timing;
  if (startAt !== null) text += ` from ${startAt.getTime()}`;
  if (endAt !== null) text += ` to ${endAt.getTime()}`;
  if (jitterSeconds !== 0) text += ` jitter ${jitterSeconds}`;
  return enabled ? text : `${text} off`;
}

/**
 * Reports whether a text of {@link timingText}, perhaps of another version, means the timing of
 * `entry`. An unreadable text does not.
 */
export function sameMeaning(storedText: string, entry: ScheduleEntry): boolean {
  return sameTimingText(storedText, timingText(entry));
}

/** Reports whether both entries are due at the same times, so that one can continue the other. */
export function sameTiming(a: ScheduleEntry, b: ScheduleEntry): boolean {
  return sameTimingText(timingText(a), timingText(b));
}

/** Reports whether two texts of {@link timingText} mean the same timing. */
export function sameTimingText(a: string, b: string): boolean {
  if (a === b) return true;
  const [, one = "", rest] = FORM.exec(a) ?? [];
  const [, other = "", otherRest] = FORM.exec(b) ?? [];
  if (rest !== otherRest) return false;
  return Object.values(TIMINGS).some((kind) => kind.isSameText(one, other));
}

/** Matches the timing's own text, and the bounds, jitter and `off` that follow. */
const FORM = /^(.*?)((?: from -?\d+)?(?: to -?\d+)?(?: jitter [\d.e+-]+)?(?: off)?)$/s;
