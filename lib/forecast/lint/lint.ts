/**
 * Warnings about a valid configuration that need its coming occurrences.
 *
 * @module
 */
import { daylightSavingFindings } from "./daylight_saving.ts";
import { sameSecondFindings } from "./same_second.ts";
import { rareDayFindings } from "./rare_days.ts";
import type { LintFinding } from "./finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";

/**
 * Returns the findings about the enabled entries, by kind, then in file order.
 *
 * @param from milliseconds since the epoch
 */
export function lint(entries: readonly ScheduleEntry[], from: number): LintFinding[] {
  const enabled = entries.filter((entry) => entry.enabled);
  return [
    ...daylightSavingFindings(enabled, from),
    ...sameSecondFindings(enabled, from),
    ...rareDayFindings(enabled, from),
  ];
}
