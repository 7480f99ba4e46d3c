import type { ScheduleEntry } from "../config/schedule_entry.ts";

/** A healthy process can be late by this much: by its timers, a burst or a reload. */
const MIN_GRACE_MS = 100;

/**
 * Returns the lateness in milliseconds above which a firing of the entry is a misfire: at least
 * {@link MIN_GRACE_MS}, Infinity where there is no limit (contract, section 5).
 */
export function graceMs({ misfireGraceSeconds }: Pick<ScheduleEntry, "misfireGraceSeconds">) {
  return misfireGraceSeconds === null
    ? Infinity
    : Math.max(misfireGraceSeconds * 1000, MIN_GRACE_MS);
}
