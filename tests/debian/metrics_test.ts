/** What `/metrics` says, as Prometheus's own checker reads it. */
import assert from "node:assert/strict";
import { served } from "../http/site.ts";
import { eventually } from "../helpers/eventually.ts";
import { run } from "./tools.ts";

const CONFIG = `name: measured
schedules:
  - { name: 'a "quoted" \\ name', interval_seconds: 0.1, dispatch_type: task, task: { worker_type: w } }
  - { name: 'zwei Zeilen ✓ {x="y"}', cron: "0 4 * * *", dispatch_type: goal, goal: { instruction: x } }
  - name: failing
    interval_seconds: 0.2
    dispatch_type: task
    task: { worker_type: w }
    expand_from: expansions.none.there
  - { name: off, cron: "* * * * *", enabled: false, dispatch_type: task, task: { worker_type: w } }
`;

const check = (text: string) => run("promtool", ["check", "metrics"], { input: text });

Deno.test("promtool finds nothing wrong with the metrics, nor with their names", async () => {
  await served([], async ({ get, program }) => {
    const before = await get("/metrics");
    assert.deepEqual(await check(before.body), { success: true, output: "" });
    await program.logged("scheduler.expand_from_import_failed", 2);
    await eventually("all is counted", async () => {
      return /outcome="failed"\} [2-9]/.test((await get("/metrics")).body);
    });
    const { body, headers } = await get("/metrics");
    assert.match(String(headers["content-type"]), /^text\/plain; version=0\.0\.4/);
    assert.deepEqual(await check(body), { success: true, output: "" });
  }, { config: CONFIG });
});

Deno.test("promtool would say what is wrong with them", async () => {
  const { success, output } = await check("# TYPE heddle_firings counter\nheddle_firings 1\n");
  assert.equal(success, false);
  assert.match(output, /counter metrics should have "_total" suffix/);
});

Deno.test("the alerts of the runbook are rules that Prometheus takes", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/runbook.md", import.meta.url));
  const [, rules] = /```yaml\n(groups:\n[\s\S]*?)```/.exec(text) ?? [];
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, rules!);
    const { success, output } = await run("promtool", ["check", "rules", path]);
    assert.ok(success, output);
    // Each asks for metrics that there are.
    const names = new Set(rules!.match(/heddle_scheduler_\w+/g));
    await served([], async ({ get, program }) => {
      await program.logged("scheduler.running");
      await eventually("every metric is there", async () => {
        const { body } = await get("/metrics");
        return [...names].every((name) =>
          body.includes(`# TYPE ${name.replace(/_(bucket|sum|count)$/, "")} `)
        );
      });
    });
  } finally {
    await Deno.remove(path);
  }
});
