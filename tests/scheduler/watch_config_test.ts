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
