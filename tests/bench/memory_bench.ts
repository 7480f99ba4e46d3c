/** Memory per idle entry; ours with its whole configuration, the peers' with an empty callback. */
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import { apart, report, sleep, taskOf, usedHeap } from "./apart.ts";
import { configText, OURS, PEERS } from "./schedulers.ts";
import { type Cell, printTable } from "./table.ts";

interface Task {
  scheduler: string;
  jobs: number;
}

const DISTINCT = 1000;

if (Deno.args.length > 0) report(await measure(taskOf<Task>()));

const rows: Cell[][] = [];
for (const scheduler of [OURS, ...Object.keys(PEERS)]) {
  const row: Cell[] = [scheduler];
  for (const jobs of [10_000, 100_000]) {
    const outcome = await apart<number>(import.meta.url, { scheduler, jobs } satisfies Task);
    row.push("failure" in outcome ? outcome.failure : outcome.result);
  }
  rows.push(row);
}
printTable(
  `Bytes of heap per idle job, ${DISTINCT.toLocaleString("en")} distinct expressions`,
  ["scheduler", "10,000 jobs", "100,000 jobs"],
  rows,
);

async function measure({ scheduler, jobs }: Task): Promise<number> {
  // In a year's time or less, but never while this runs.
  const month = (new Date().getUTCMonth() + 6) % 12 + 1;
  const expressions = Array.from({ length: jobs }, (_, job) => {
    const kind = job % DISTINCT;
    return `${kind % 60} ${Math.floor(kind / 60)} 1 ${month} *`;
  });
  const before = await usedHeap();
  const keep = scheduler === OURS
    ? await startOurs(expressions)
    : await PEERS[scheduler]!(expressions, () => {});
  const bytes = await settledHeap() - before;
  return keep === null ? NaN : bytes / jobs;
}

/** What is in use once the start has let go of what only it needed. */
async function settledHeap(): Promise<number> {
  for (let least = Infinity;;) {
    const used = await usedHeap();
    if (used > least * 0.999) return used;
    least = used;
    await sleep(500);
  }
}

async function startOurs(expressions: string[]): Promise<SchedulerActor> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, configText(expressions, "system"));
    const scheduler = new SchedulerActor("bench", path, { bus: new MemoryBus() });
    void scheduler.run({ handleSignals: false });
    while (scheduler.schedules.length === 0) await sleep(200);
    return scheduler;
  } finally {
    await Deno.remove(path);
  }
}
