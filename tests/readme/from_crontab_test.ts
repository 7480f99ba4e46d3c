/** The configuration that `docs/from-crontab.md` shows is one, and fires as the crontab did. */
import assert from "node:assert/strict";
import { loadSchedulerConfig } from "../../lib/config/load_config.ts";

const PAGE = new URL("../../docs/from-crontab.md", import.meta.url);

Deno.test("the entries in docs/from-crontab.md are valid and fire when the crontab's lines did", async () => {
  const page = await Deno.readTextFile(PAGE);
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)![1]!;
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, yaml);
  const { config, problems } = await loadSchedulerConfig(path);
  await Deno.remove(path);
  assert.deepEqual(problems, []);
  const after = new Date("2027-01-02T00:00:00Z");
  const next = config!.entries.map(({ name, timing }) => [
    name,
    timing.cadence(after).next(after)?.toISOString(),
  ]);
  assert.deepEqual(next, [
    ["report", "2027-01-04T07:30:00.000Z"],
    ["totals", "2027-01-31T23:00:00.000Z"],
    ["backup", "2027-01-02T23:00:00.000Z"],
  ]);
});
