/** Newer time zone data: when it acts, and where it is named. */
import assert from "node:assert/strict";
import { renewZones } from "../../lib/time/zone.ts";
import { fixedRule, withZoneDirectory } from "../time/zone_files.ts";
import { withScheduler } from "./with_scheduler.ts";

const task = { dispatch_type: "task", task: { worker_type: "w" } };

Deno.test("a reload reads newer zone data, and computes anew what it changes, and nothing else", async () => {
  const files = {
    "tzdata.zi": "# version 2026a\n",
    "America/Edmonton": fixedRule("MST7"),
    "Europe/Rome": fixedRule("CET-1"),
  };
  await withZoneDirectory(files, async (directory) => {
    renewZones();
    const config = {
      name: "zones",
      schedules: [
        { name: "edmonton", cron: "0 9 * * *", timezone: "America/Edmonton", ...task },
        { name: "rome", cron: "0 9 * * *", timezone: "Europe/Rome", jitter_seconds: 0, ...task },
        { name: "interval", interval_seconds: 7000, timezone: "America/Edmonton", ...task },
      ],
    };
    await withScheduler(config, async ({ scheduler, clock, log }) => {
      const next = () =>
        scheduler.schedules.map(({ nextFire }) => nextFire!.toISOString().slice(0, 16));
      const before = ["2026-11-26T16:00", "2026-11-26T08:00", "2026-11-26T01:56"];
      assert.deepEqual(next(), before);
      await clock.advance(1_800_000);
      await Deno.writeFile(`${directory}/America/Edmonton`, fixedRule("MDT6"));
      await Deno.writeTextFile(`${directory}/tzdata.zi`, "# version 2026f\n");
      assert.deepEqual(next(), before);
      assert.equal((await scheduler.ask({ action: "reload" }))!.status, "ok");
      assert.deepEqual(next(), ["2026-11-26T15:00", ...before.slice(1)]);

      const named = { zone_data: directory, zone_data_version: "2026a" };
      assert.partialDeepStrictEqual(log.of("scheduler.starting")[0]!.fields, named);
      const renewed = log.of("scheduler.config_reloaded")[0]!.fields;
      assert.equal(renewed.zone_data_version, "2026f");
      const status = await scheduler.ask({ action: "status" });
      assert.partialDeepStrictEqual(status, { zone_data: { source: directory, version: "2026f" } });
    }, { start: "2026-11-26T00:00:00Z" });
  });
});

Deno.test("a TZDIR that cannot be read is warned of at the start", async () => {
  await withZoneDirectory({}, async (directory) => {
    Deno.env.set("TZDIR", `${directory}/none`);
    renewZones();
    await withScheduler({ name: "zones", schedules: [] }, ({ log }) => {
      const { fields } = log.of("scheduler.zone_data_unreadable")[0]!;
      assert.match(String(fields.error), /^TZDIR ".*\/none" cannot be read/);
      return Promise.resolve();
    });
  });
});
