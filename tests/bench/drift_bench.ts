/** How far an interval of one second has wandered after 60 firings. */
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { apart, report, taskOf, wallClock } from "./apart.ts";
import { OURS, PEERS } from "./schedulers.ts";
import { type Cell, printTable } from "./table.ts";

const FIRINGS = 60;

if (Deno.args.length > 0) report(await measure(taskOf<{ scheduler: string }>().scheduler));

const rows: Cell[][] = [];
const schedulers = [OURS, "setInterval", ...Object.keys(PEERS)];
const outcomes = schedulers.map((scheduler) => apart<number[]>(import.meta.url, { scheduler }));
for (const [place, outcome] of (await Promise.all(outcomes)).entries()) {
  if ("failure" in outcome) rows.push([schedulers[place]!, outcome.failure, null, null]);
  else {
    const times = outcome.result;
    const late = (firing: number) => times[firing]! - times[0]! - firing * 1000;
    const most = Math.max(...times.map((_, firing) => Math.abs(late(firing))));
    rows.push([schedulers[place]!, late(FIRINGS / 2), late(FIRINGS), most]);
  }
}
printTable(
  "Drift of a job that is due each second, against its first firing: milliseconds",
  ["scheduler", `after ${FIRINGS / 2} firings`, `after ${FIRINGS}`, "at most"],
  rows,
);

/** When each firing came: milliseconds. */
async function measure(scheduler: string): Promise<number[]> {
  const times: number[] = [];
  const done = Promise.withResolvers<void>();
  const onDue = () => {
    times.push(wallClock());
    if (times.length > FIRINGS) done.resolve();
  };
  if (scheduler === OURS) await startOurs(onDue);
  else if (scheduler === "setInterval") setInterval(onDue, 1000);
  else await PEERS[scheduler]!(["* * * * * *"], onDue);
  await done.promise;
  return times;
}

async function startOurs(onDue: () => void): Promise<void> {
  const bus = new MemoryBus();
  bus.publish = () => Promise.resolve(onDue());
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    path,
    "name: bench\nschedules:\n" +
      "  - { name: tick, interval_seconds: 1, dispatch_type: task, task: { worker_type: w } }\n",
  );
  const scheduler = new SchedulerActor("bench", path, { bus });
  await scheduler.load();
  await Deno.remove(path);
  void scheduler.run({ handleSignals: false });
}
