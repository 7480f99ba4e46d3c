import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { withScheduler } from "./with_scheduler.ts";

const ENTRY = "{ name: a, cron: '0 0 1 1 *', dispatch_type: task, task: { worker_type: w } }";

Deno.test("a watched file that never stays the same is reloaded, with a warning that says so", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  let written = 0;
  const write = () =>
    Deno.writeTextFile(path, `name: test\nschedules: [${ENTRY}]\n# ${"x".repeat(written++)}\n`);
  try {
    await write();
    await withScheduler(path, async ({ clock, log }) => {
      const unsettled = () => log.of("scheduler.config_unsettled");
      while (unsettled().length === 0 && written < 100) {
        await write();
        await clock.advance(1000);
      }
      const { config_path, waited_ms } = unsettled()[0]?.fields ?? {};
      assert.deepEqual({ config_path, waited_ms }, { config_path: path, waited_ms: 5000 });
      await eventually("read", async () => {
        await clock.advance(1000);
        return log.of("scheduler.config_reloaded").length > 0;
      });
    }, { watchConfig: true });
  } finally {
    await Deno.remove(path);
  }
});
