/** One scheduler with many jobs, as a process of its own: how late each of them was. */
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type { JsonObject, PublishOptions } from "../../lib/bus/message_bus.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { cpuTime, report, sleep, taskOf, wallClock } from "./apart.ts";
import { configText, dailyAt, PEERS, taskMessageText } from "./schedulers.ts";
import { quantile } from "./table.ts";

export interface LatenessTask {
  /** `"heddle-scheduler"`, `"setTimeout"` or one of {@link PEERS}. */
  scheduler: string;
  jobs: number;
  /** Over how many seconds they are spread, one batch a second. */
  seconds: number;
  /** How long the scheduler has to get ready: milliseconds. */
  lead: number;
}

/** Milliseconds; `cpu` from half a second before the first is due to the last. */
export interface Lateness {
  p50: number;
  p99: number;
  max: number;
  cpu: number;
  /** How many of the jobs ran. */
  fired: number;
  /** How long it took until all jobs were scheduled, from their file or from an array. */
  start: number;
}

/** A contestant that does nothing for so long is not going to any more: milliseconds. */
const PATIENCE = 5000;

if (import.meta.main) report(await measure(taskOf<LatenessTask>()));

async function measure({ scheduler, jobs, seconds, lead }: LatenessTask): Promise<Lateness> {
  const first = Math.ceil((Date.now() + lead) / 1000) * 1000;
  const due = Array.from({ length: jobs }, (_, job) => first + job % seconds * 1000);
  const late: number[] = [];
  const onFired = (job: number) => late.push(wallClock() - due[job]!);
  const started = performance.now();
  if (scheduler === "heddle-scheduler") await startOurs(due.map(dailyAt), onFired);
  else await startPeer(scheduler, due, onFired);
  const start = performance.now() - started;
  if (Date.now() > first - 500) throw new Error(`not ready after ${Math.round(start)} ms`);

  await sleep(first - 500 - Date.now());
  const before = cpuTime();
  await sleep((seconds - 1) * 1000 + 500);
  for (let idleSince = Date.now(), count = -1; late.length < jobs;) {
    if (late.length !== count) [count, idleSince] = [late.length, Date.now()];
    else if (Date.now() - idleSince > PATIENCE) break;
    await sleep(50);
  }
  const cpu = cpuTime() - before;
  const [p50, p99, max] = [quantile(late, 0.5), quantile(late, 0.99), quantile(late, 1)];
  return { p50, p99, max, cpu, fired: late.length, start };
}

async function startPeer(
  scheduler: string,
  due: number[],
  onFired: (job: number) => void,
): Promise<void> {
  let size = 0;
  const onDue = (job: number) => {
    size += taskMessageText(job).length;
    onFired(job);
  };
  if (scheduler === "setTimeout") {
    due.forEach((at, job) => setTimeout(onDue, at - wallClock(), job));
  } else await PEERS[scheduler]!(due.map(dailyAt), onDue);
}

/** The whole scheduler, on the memory bus. */
async function startOurs(
  expressions: string[],
  onFired: (job: number) => void,
): Promise<void> {
  class WatchedBus extends MemoryBus {
    override publish(
      subject: string,
      data: JsonObject,
      options?: PublishOptions,
    ): Promise<void> {
      const published = super.publish(subject, data, options);
      onFired((data.payload as { job: number }).job);
      return published;
    }
  }
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, configText(expressions));
    const scheduler = new SchedulerActor("bench", path, { bus: new WatchedBus() });
    void scheduler.run(undefined, undefined, { handleSignals: false });
    while (scheduler.schedules.length === 0) await sleep(20);
  } finally {
    await Deno.remove(path);
  }
}
