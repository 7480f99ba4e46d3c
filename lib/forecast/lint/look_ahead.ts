/**
 * What only a look ahead can tell of a configuration that is valid.
 *
 * @module
 */
import { daylightSavingFindings } from "./look_ahead_daylight_saving.ts";
import { crowdFindings } from "./look_ahead_crowds.ts";
import { rareDayFindings } from "./look_ahead_rare_days.ts";
import type { LookAheadFinding } from "./look_ahead_finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";

/**
 * All findings, by kind, then in file order.
 *
 * @param from milliseconds since the epoch
 */
export function lookAhead(entries: readonly ScheduleEntry[], from: number): LookAheadFinding[] {
  const enabled = entries.filter((entry) => entry.enabled);
  return [
    ...daylightSavingFindings(enabled, from),
    ...crowdFindings(enabled, from),
    ...rareDayFindings(enabled, from),
  ];
}
