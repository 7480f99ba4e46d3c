import { createHash } from "node:crypto";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import { DEFAULTS } from "./config_schema.ts";
import type { SchedulerConfig } from "./validate_config.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import { timingFields } from "./timing/timing.ts";

/** A hash of what is sent and when: equal for replicas that read the same file. 16 hex digits. */
export async function schedulesHash(
  { entries, wire }: Pick<SchedulerConfig, "entries" | "wire">,
  clock: Clock,
): Promise<string> {
  const hash = createHash("sha256");
  if (wire !== DEFAULTS.wire) hash.update(wire);
  const slice = new Slice(clock);
  for (const entry of entries) {
    hash.update(JSON.stringify(asHashed(entry)));
    if (slice.isOver()) await slice.pause();
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * An entry as version 0.1.0 hashes it, which read `none` where the file says nothing of `catch_up`
 * and knew no `expand_with`, `for_each` and `message`, and without what changes nothing that is sent.
 */
function asHashed(entry: ScheduleEntry) {
  const { description: _1, labels: _2, expandWith, forEach, ...known } = entry;
  const { timing, dispatchType, goalConfig, taskConfig, messageConfig, ...common } = known;
  const { interval_seconds: intervalSeconds, ...others } = timingFields(timing);
  return {
    ...common,
    catchUp: common.catchUp ?? "none",
    ...others,
    intervalSeconds,
    dispatchType,
    goalConfig,
    taskConfig,
    ...(messageConfig !== null && { messageConfig }),
    ...(Object.keys(expandWith).length > 0 && { expandWith }),
    ...(forEach !== null && { forEach }),
  };
}
