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

for (const expandFrom of ["./sites/list.js#all", "sites.list.all"]) {
  Deno.test(`a module that ${expandFrom} names is watched with the file, and taken up anew`, async () => {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/s.yaml`;
    const write = (site: string) =>
      Deno.writeTextFile(
        `${directory}/sites/list.js`,
        `export const all = () => [{ site: "${site}" }];`,
      );
    try {
      await Deno.mkdir(`${directory}/sites`);
      await write("one");
      const expanded = ENTRY.replace("name: a,", `name: a, expand_from: ${expandFrom},`);
      await Deno.writeTextFile(path, `name: test\nschedules: [${expanded}]\n`);
      await withScheduler(path, async ({ clock, log, bus, scheduler }) => {
        const fired = async () => {
          await scheduler.ask({ action: "fire", entry: "a" });
          const { payload } = bus.published.at(-1)!.data as { payload: { site: string } };
          return payload.site;
        };
        const reloads = () => log.of("scheduler.config_reloaded").length;
        await clock.advance(2000);
        assert.equal(await fired(), "one");
        assert.equal(reloads(), 0);
        await write("another");
        await eventually("it is reloaded", async () => {
          await clock.advance(1000);
          return reloads() === 1;
        });
        assert.equal(await fired(), "another");
      }, { watchConfig: true });
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
