import assert from "node:assert/strict";
import { loadSchedulerConfig } from "../../lib/config/load_config.ts";
import { loadConfigApart } from "../../lib/config/load_config_apart.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { systemClock } from "../../lib/time/clock.ts";

/** A file that is large enough to be read in another thread. */
async function largeFile(lastEntry: string): Promise<string> {
  const entries = Array.from({ length: 3000 }, (_, n) =>
    `  - name: entry_${n}
    ${n % 3 === 0 ? `interval_seconds: ${n + 0.5}` : `cron: "${n % 60} ${n % 24} * * *"`}
    timezone: ${n % 2 === 0 ? "Europe/Berlin" : "UTC"}
    start_at: "2026-01-01T00:00:00Z"
    dispatch_type: task
    task: { worker_type: w, payload: { n: ${n}, list: [1, two, null] } }
`);
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    path,
    `name: large\nexpand_allow: { net: [a:1] }\nschedules:\n${entries.join("")}${lastEntry}`,
  );
  return path;
}

Deno.test("a large file read apart holds what it holds read here, in order", async () => {
  const path = await largeFile("");
  const [apart, here] = await Promise.all([
    loadConfigApart(path, systemClock),
    loadSchedulerConfig(path),
  ]);
  assert.equal(apart.config!.entries.length, 3000);
  assert.deepEqual({ ...apart.config, entries: [] }, { ...here.config, entries: [] });
  assert.deepEqual(apart.config!.entries, here.config!.entries);
  const after = new Date("2026-03-29T00:00:00Z");
  const next = ({ timing }: ScheduleEntry) => timing.cadence(after).next(after);
  assert.deepEqual(apart.config!.entries.map(next), here.config!.entries.map(next));
  const timings = (entries: readonly ScheduleEntry[]) => new Set(entries.map((e) => e.timing)).size;
  assert.equal(timings(apart.config!.entries), timings(here.config!.entries));
  await Deno.remove(path);
});

Deno.test("another name than that of the scheduler that runs is told of a large file too", async () => {
  const path = await largeFile("");
  const warnings = async (runsAs: string) =>
    (await loadConfigApart(path, systemClock, { runsAs })).problems
      .map(({ path, line, column }) => [path, line, column]);
  assert.deepEqual(await warnings("large"), []);
  assert.deepEqual(await warnings("small"), [["name", 1, 7]]);
  await Deno.remove(path);
});

Deno.test("of a large file with an error every problem is told, and no configuration", async () => {
  const path = await largeFile("  - name: broken\n    cron: 61 * * * *\n");
  const apart = await loadConfigApart(path, systemClock);
  assert.equal(apart.config, null);
  assert.deepEqual(apart.problems, (await loadSchedulerConfig(path)).problems);
  assert.ok(apart.problems.length > 0);
  await Deno.remove(path);
});

Deno.test("reading a large file apart leaves the turn to others", async () => {
  const path = await largeFile("");
  let turns = 0;
  let longest = 0;
  const loaded = loadConfigApart(path, systemClock).then(() => true);
  for (let last = performance.now(); !(await Promise.race([loaded, turn()])); turns++) {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }
  // Read here it is one turn of some hundred milliseconds; how long it takes is a benchmark's.
  assert.ok(turns > 30, `${turns} turns, the longest ${longest} ms`);
  await Deno.remove(path);
});

Deno.test("a file that is not there is a problem, not a failure", async () => {
  const { config, problems } = await loadConfigApart("/nowhere/schedules.yaml", systemClock);
  assert.equal(config, null);
  assert.equal(problems.length, 1);
});

function turn(): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), 0));
}
