import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { CatchUp } from "../wire/vocabulary.ts";

/**
 * Returns which of the missed occurrences of an entry fire: what its file says, else the latest one
 * where replicas take over from each other, and none where a scheduler is alone.
 *
 * @param hasReplicas whether several processes share the schedules
 */
export function catchUpInEffect(
  { catchUp }: Pick<ScheduleEntry, "catchUp">,
  hasReplicas: boolean,
): CatchUp {
  return catchUp ?? (hasReplicas ? "one" : "none");
}
