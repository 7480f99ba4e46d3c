/** The suites that have races to find, each run on clocks that find them: see racing_clock.ts. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const SUITES = [
  "engine/timer_loop_test.ts",
  "engine/clock_faults_test.ts",
  "engine/dispatcher_test.ts",
  "engine/dispatcher_durable_test.ts",
  "engine/dispatcher_observed_test.ts",
  "durable/replica_group_test.ts",
];

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

for (const seed of [1, 2, 3]) {
  Deno.test(`timer loop, reload, dispatch and ownership keep their promises under seed ${seed}`, async () => {
    const lock = `--lock=${here("deno.lock")}`;
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--quiet", lock, ...SUITES.map(here)],
      cwd: here(".."),
      env: { HEDDLE_TEST_CLOCK_SEED: String(seed), NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.ok(success, text.slice(Math.max(0, text.indexOf(" ERRORS "))));
    assert.match(text, /^ok \| (\d{3,}|[5-9]\d) passed/m);
  });
}
