import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { CatchUp } from "../wire/vocabulary.ts";

/**
 * Returns the catch-up policy of an entry: its own, else `one` with replicas and `none` without
 * (contract, section 5).
 *
 * @param hasReplicas whether several processes share the schedules
 */
export function catchUpInEffect(
  { catchUp }: Pick<ScheduleEntry, "catchUp">,
  hasReplicas: boolean,
): CatchUp {
  return catchUp ?? (hasReplicas ? "one" : "none");
}
