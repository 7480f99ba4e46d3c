import type { ScheduleEntry } from "../config/schedule_entry.ts";

/** A healthy process may be late by so much: its timers, a burst, a reload. */
export const TIMER_FLOOR_MS = 100;

/**
 * Returns how late a firing of the entry may be before it is a misfire, in milliseconds: never less
 * than {@link TIMER_FLOOR_MS}, Infinity where there is no limit.
 */
export function graceMs({ misfireGraceSeconds }: Pick<ScheduleEntry, "misfireGraceSeconds">) {
  return misfireGraceSeconds === null
    ? Infinity
    : Math.max(misfireGraceSeconds * 1000, TIMER_FLOOR_MS);
}
