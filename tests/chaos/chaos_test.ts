/** A few minutes of faults. Longer, and with other seeds: `deno task chaos`. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type ChaosOptions, runChaos } from "./run.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function survive(options: Partial<ChaosOptions>): Promise<void> {
  const report = await runChaos({
    seed: 11,
    faults: 16,
    leaseTtl: 2,
    replicas: 3,
    shards: 6,
    isCluster: false,
    source: ROOT,
    say: (line) => console.log(line),
    ...options,
  });
  console.log(
    `${report.messages} messages, ${report.failovers} failovers, ` +
      `worst lateness ${report.worstLateness} ms`,
  );
  assert.deepEqual(report.faults, [], report.leaseLog.join("\n"));
  assert.ok(report.failovers >= 3, `the faults were none: ${report.failovers} failovers`);
  assert.ok(report.messages > 300, `hardly anything fired: ${report.messages}`);
}

Deno.test("every occurrence once and in order, whatever happens to three replicas with six leases and their server", async () => {
  await survive({});
});

Deno.test("the same where one of three replicas holds the only lease", async () => {
  await survive({ faults: 8, shards: 1, seed: 12 });
});

Deno.test("the same on a cluster whose nodes are killed, replaced, and change their leaders", async () => {
  await survive({ faults: 7, isCluster: true, seed: 5 });
});
