import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import type { StatusReply } from "../../lib/control/control_api.ts";
import type { ManualClock } from "../../lib/time/manual_clock.ts";
import { withScheduler } from "./with_scheduler.ts";

/** Lets seconds pass until `isSo`, since a look at the file ends when the file system says so. */
async function passUntil(what: string, clock: ManualClock, isSo: () => boolean): Promise<void> {
  await eventually(what, async () => {
    await clock.advance(1000);
    return isSo();
  });
}

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
      await passUntil("read", clock, () => log.of("scheduler.config_reloaded").length > 0);
    }, { watchConfig: true });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a watched file that is gone is a refused reload; its schedules stay until it is back", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  const text = `name: test\nschedules: [${ENTRY}]\n`;
  await Deno.writeTextFile(path, text);
  try {
    await withScheduler(path, async ({ clock, log, scheduler }) => {
      const isGone = () => log.of("actor.reload_failed").length > 0;
      await Deno.remove(path);
      await passUntil("gone", clock, isGone);
      assert.deepEqual(log.of("actor.reload_requested")[0]!.fields.reason, "file gone");
      assert.match(String(log.of("actor.reload_failed")[0]!.fields.error), /There is no such file/);
      const { last_reload } = await scheduler.ask({ action: "status" }) as StatusReply;
      assert.equal(last_reload?.outcome, "failed");
      assert.match(last_reload.problems[0]!.message, /^There is no such file/);
      assert.deepEqual(scheduler.schedules.map(({ name }) => name), ["a"]);
      await Deno.writeTextFile(path, text.replace("name: a", "name: b"));
      await passUntil("back", clock, () => log.of("actor.reload_completed").length > 0);
      assert.deepEqual(scheduler.schedules.map(({ name }) => name), ["b"]);
      assert.equal(log.of("actor.reload_requested").length, 2);
      assert.equal(log.of("scheduler.config_unsettled").length, 0);
    }, { watchConfig: true });
  } finally {
    await Deno.remove(path);
  }
});
