/** How late an entry that is due every 20 ms becomes while a large file is reloaded. */
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { apart, report, sleep, taskOf, wallClock } from "./apart.ts";
import { configText, dailyAt, OURS } from "./schedulers.ts";
import { type Cell, printTable, quantile } from "./table.ts";

interface Task {
  entries: number;
}

interface Result {
  /** How late the entry was: milliseconds. */
  idle: number[];
  reloading: number[];
  /** How long the reload took: milliseconds. */
  took: number;
}

if (Deno.args.length > 0) report(await measure(taskOf<Task>()));

const rows: Cell[][] = [];
for (const entries of [1000, 10_000, 100_000]) {
  const outcome = await apart<Result>(import.meta.url, { entries } satisfies Task);
  const name = entries.toLocaleString("en");
  if ("failure" in outcome) rows.push([name, outcome.failure, null, null]);
  else {
    const { idle, reloading, took } = outcome.result;
    rows.push([name, quantile(idle, 1), quantile(reloading, 1), took]);
  }
}
printTable(
  `${OURS}: the latest firing of a 20 ms interval: milliseconds`,
  ["entries in the file", "idle", "during a reload", "the reload took"],
  rows,
);

async function measure({ entries }: Task): Promise<Result> {
  const bus = new MemoryBus();
  let late: number[] = [];
  bus.publish = (_, data) => {
    const { scheduled_for } = data.metadata as { scheduled_for: string };
    late.push(wallClock() - Date.parse(scheduled_for));
    return Promise.resolve();
  };
  const expressions = Array.from({ length: entries }, (_, job) => {
    return dailyAt(Date.now() + 3_600_000 + job % 1000 * 1000);
  });
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    path,
    configText(expressions) +
      "  - { name: tick, interval_seconds: 0.02, dispatch_type: task, task: { worker_type: w } }\n",
  );
  const scheduler = new SchedulerActor("bench", path, { bus });
  void scheduler.run({ handleSignals: false });
  while (late.length === 0) await sleep(100);
  await sleep(1000);
  late = [];
  await sleep(3000);
  const idle = late;
  late = [];
  const began = performance.now();
  await scheduler.onReload();
  const took = performance.now() - began;
  await sleep(100);
  await Deno.remove(path);
  return { idle, reloading: late, took };
}
