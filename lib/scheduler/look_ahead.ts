/**
 * What only a look ahead can tell of a configuration that is valid.
 *
 * @module
 */
import { daylightSavingFindings } from "./look_ahead_daylight_saving.ts";
import { crowdFindings } from "./look_ahead_crowds.ts";
import { nameFindings } from "./look_ahead_names.ts";
import { rareDayFindings } from "./look_ahead_rare_days.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

export const LOOK_AHEAD_KINDS = ["daylight_saving", "crowd", "name", "rare_day"] as const;

export interface LookAheadFinding {
  readonly kind: typeof LOOK_AHEAD_KINDS[number];
  readonly entry: string;
  readonly message: string;
}

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
    ...nameFindings(enabled),
    ...rareDayFindings(enabled, from),
  ];
}
