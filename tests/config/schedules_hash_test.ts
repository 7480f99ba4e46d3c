/** What replicas compare: a replica of the release before must come to the same hash. */
import assert from "node:assert/strict";
import { loadSchedulerConfig } from "../../lib/config/load_config.ts";
import { schedulesHash } from "../../lib/config/schedules_hash.ts";
import { systemClock } from "../../lib/time/clock.ts";

async function hashOf(catchUp: string): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(
      path,
      `name: hashed
schedules:
  - { name: a, cron: "0 4 * * *", ${catchUp}dispatch_type: task, task: { worker_type: w } }
  - name: b
    interval_seconds: 300
    jitter_seconds: 5
    start_at: "2026-01-01T00:00:00Z"
    catch_up: all
    dispatch_type: goal
    goal: { instruction: Sum up, context: { source: docs } }
`,
    );
    const { config } = await loadSchedulerConfig(path);
    return await schedulesHash(config!.entries, systemClock);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("an entry hashes as the release before hashes it, without a catch_up as with none", async () => {
  assert.equal(await hashOf(""), "b3c0e6ac4922fefa");
  assert.equal(await hashOf("catch_up: none, "), "b3c0e6ac4922fefa");
  assert.notEqual(await hashOf("catch_up: one, "), "b3c0e6ac4922fefa");
});
