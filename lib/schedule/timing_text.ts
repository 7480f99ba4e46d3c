/**
 * An entry's timing in one text, as checkpoints keep it, and whether two of them mean the same.
 *
 * @module
 */
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { sameCron } from "../time/cron/cron_meaning.ts";

/**
 * Returns what an entry's timing is: its expression and zone or its interval, its bounds, its
 * jitter, and whether it is enabled. Checkpoints keep this text and earlier versions compare it, so
 * its form stays as it is.
 */
export function timingText(entry: ScheduleEntry): string {
  const { cron, intervalSeconds, timezone, jitterSeconds, enabled, startAt, endAt } = entry;
  let text = cron === null ? `${intervalSeconds}` : `${cron} ${timezone}`;
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
  const one = partsOf(a);
  const other = partsOf(b);
  if (one === null || other === null || one.rest !== other.rest) return false;
  if (one.interval !== null || other.interval !== null) return one.interval === other.interval;
  try {
    return sameCron(one, other);
  } catch {
    return false; // an expression, or a zone, that this version does not know
  }
}

interface Parts {
  expression: string;
  timezone: string;
  /** In seconds; null where there is an expression. */
  interval: number | null;
  /** What follows: bounds, jitter, `off`. */
  rest: string;
}

/** An expression may hold any blanks: its zone is the last word before what follows. */
const FORM =
  /^(?:(\d\S*)|(.+?)\s([A-Za-z]\S*))((?: from -?\d+)?(?: to -?\d+)?(?: jitter [\d.e+-]+)?(?: off)?)$/s;

function partsOf(text: string): Parts | null {
  const [, seconds, expression = "", timezone = "", rest = ""] = FORM.exec(text) ?? [];
  if (seconds === undefined && expression === "") return null;
  const interval = seconds === undefined ? null : Number(seconds);
  return Number.isNaN(interval) ? null : { expression, timezone, interval, rest };
}
