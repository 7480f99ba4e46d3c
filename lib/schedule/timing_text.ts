/**
 * An entry's timing in one text, as checkpoints keep it, and whether two of them mean the same.
 *
 * @module
 */
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { TIMINGS } from "../config/config_schema.ts";

/**
 * Returns what an entry's timing is: the timing's own text, its bounds, its jitter, and whether it
 * is enabled. Checkpoints keep this text and earlier versions compare it, so its form stays as it is.
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
 * Reports whether a text that {@link timingText} made, perhaps of another version, means the timing
 * of `entry`. A text that cannot be read means another one.
 */
export function sameMeaning(storedText: string, entry: ScheduleEntry): boolean {
  return sameTimingText(storedText, timingText(entry));
}

/** Reports whether both entries are due at the same times, so that one can go on for the other. */
export function sameTiming(a: ScheduleEntry, b: ScheduleEntry): boolean {
  return sameTimingText(timingText(a), timingText(b));
}

/** Reports whether two texts that {@link timingText} made mean the same timing. */
export function sameTimingText(a: string, b: string): boolean {
  if (a === b) return true;
  const [, one = "", rest] = FORM.exec(a) ?? [];
  const [, other = "", otherRest] = FORM.exec(b) ?? [];
  if (rest !== otherRest) return false;
  return Object.values(TIMINGS).some((kind) => kind.isSameText(one, other));
}

/** The timing's own text, and what follows: bounds, jitter, `off`. */
const FORM = /^(.*?)((?: from -?\d+)?(?: to -?\d+)?(?: jitter [\d.e+-]+)?(?: off)?)$/s;
