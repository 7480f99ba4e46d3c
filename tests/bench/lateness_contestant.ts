/** One scheduler with many jobs, as a process of its own: how late each of them was. */
import { connect } from "../helpers/nats_client.ts";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type { MessageBus } from "../../lib/bus/message_bus.ts";
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { cpuTime, report, sleep, taskOf, wallClock } from "./apart.ts";
import { configText, dailyAt, OURS, PEERS, taskMessageText } from "./schedulers.ts";
import { quantile } from "./table.ts";

export interface LatenessTask {
  /** {@link OURS}, {@link TIMERS} or one of {@link PEERS}. */
  scheduler: string;
  jobs: number;
  /** Over how many seconds they are spread, one batch a second. */
  seconds: number;
  /** When the first is due: milliseconds since the epoch, a whole second. */
  first: number;
  /** Where the messages go; else they are only serialised (and ours given to the memory bus). */
  natsUrl?: string;
}

/** Milliseconds; `cpu` from half a second before the first is due to the last. */
export interface Lateness {
  p50: number;
  p99: number;
  max: number;
  cpu: number;
  /** How many of the jobs ran. */
  fired: number;
}

/** One `setTimeout` for each job and nothing else: the floor. */
export const TIMERS = "setTimeout";

/** A contestant that has done nothing for so long is not going to any more: milliseconds. */
const PATIENCE = 5000;

if (import.meta.main) report(await measure(taskOf<LatenessTask>()));

async function measure(task: LatenessTask): Promise<Lateness> {
  const { scheduler, jobs, seconds, first, natsUrl } = task;
  const due = Array.from({ length: jobs }, (_, job) => first + job % seconds * 1000);
  const late: number[] = [];
  const onFired = (job: number) => late.push(wallClock() - due[job]!);
  const began = Date.now();
  if (scheduler === OURS) await startOurs(due, natsUrl, onFired);
  else await startPeer(scheduler, due, natsUrl, onFired);
  if (Date.now() > first - 500) throw new Error(`took ${Date.now() - began} ms to start`);

  await sleep(first - 500 - Date.now());
  const before = cpuTime();
  await sleep((seconds - 1) * 1000 + 500);
  for (let idleSince = Date.now(), count = -1; late.length < jobs;) {
    if (late.length !== count) [count, idleSince] = [late.length, Date.now()];
    else if (Date.now() - idleSince > PATIENCE) break;
    await sleep(50);
  }
  const cpu = cpuTime() - before;
  // The process ends with its report, and what was published last must have left before.
  if (natsUrl !== undefined) await sleep(1000);
  const [p50, p99, max] = [quantile(late, 0.5), quantile(late, 0.99), quantile(late, 1)];
  return { p50, p99, max, cpu, fired: late.length };
}

async function startPeer(
  scheduler: string,
  due: number[],
  natsUrl: string | undefined,
  onFired: (job: number) => void,
): Promise<void> {
  const nats = natsUrl === undefined ? null : await connect({ servers: natsUrl });
  let size = 0;
  const onDue = (job: number) => {
    const text = taskMessageText(job);
    nats?.publish(TASKS_SUBJECT, text);
    size += text.length;
    onFired(job);
  };
  if (scheduler !== TIMERS) await PEERS[scheduler]!(due.map(dailyAt), onDue);
  else due.forEach((at, job) => setTimeout(onDue, at - Date.now(), job));
}

/** The whole scheduler, from its file to its bus. */
async function startOurs(
  due: number[],
  natsUrl: string | undefined,
  onFired: (job: number) => void,
): Promise<void> {
  const bus: MessageBus = natsUrl === undefined
    ? new MemoryBus()
    : new NatsBus({ servers: natsUrl });
  const publish = bus.publish.bind(bus);
  bus.publish = (subject, data, options) => {
    const published = publish(subject, data, options);
    onFired((data.payload as { job: number }).job);
    return published;
  };
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, configText(due.map(dailyAt)));
    const scheduler = new SchedulerActor("bench", path, { bus });
    void scheduler.run({ handleSignals: false });
    while (scheduler.schedules.length === 0) await sleep(20);
  } finally {
    await Deno.remove(path);
  }
}
