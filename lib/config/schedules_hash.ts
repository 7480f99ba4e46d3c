import { createHash } from "node:crypto";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

/** A hash of what the entries say: equal for replicas that read the same file. 16 hex digits. */
export async function schedulesHash(
  entries: readonly ScheduleEntry[],
  clock: Clock,
): Promise<string> {
  const hash = createHash("sha256");
  const slice = new Slice(clock);
  for (const { cronCadence: _, ...said } of entries) {
    // As version 0.1.0 hashes it, which read `none` where the file says nothing.
    hash.update(JSON.stringify({ ...said, catchUp: said.catchUp ?? "none" }));
    if (slice.isOver()) await slice.pause();
  }
  return hash.digest("hex").slice(0, 16);
}
