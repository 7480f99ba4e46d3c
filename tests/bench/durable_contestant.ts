/** Dispatches into a stream from one process, in one of several ways. */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "../helpers/nats_client.ts";
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import { Delivery } from "../../lib/durable/delivery.ts";
import { CheckpointStore } from "../../lib/durable/checkpoint_store.ts";
import { partitionsOf } from "../../lib/durable/shards.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { Job } from "../../lib/engine/job.ts";
import { ALONE, JobTable } from "../../lib/engine/job_table.ts";
import { NamesAhead } from "../../lib/engine/names_ahead.ts";
import { SOLE } from "../../lib/durable/owner.ts";
import { Checkpoint } from "../../lib/durable/checkpoint.ts";
import { TimerLoop } from "../../lib/engine/timer_loop.ts";
import { systemClock } from "../../lib/time/clock.ts";
import { TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { intervalEntry } from "../helpers/entries.ts";
import { cpuTime, report, sleep, taskOf } from "./apart.ts";
import { expandedOf } from "../helpers/expanded.ts";

export interface DurableTask {
  url: string;
  way: "client" | "dispatcher" | "every second" | "every second, remembered";
  /** How many entries, each of which has one message under way at a time. */
  entries: number;
  /** How many messages, or for how many seconds. */
  amount: number;
}

export interface DurableResult {
  /** Messages a second. */
  rate: number;
  /** CPU time of the process, in milliseconds a second. */
  cpu: number;
}

const SILENT = { debug() {}, info() {}, warning() {}, error() {} };

/** The client's own pipelined publishing of payloads that are ready, as many under way. */
async function client({ url, entries, amount }: DurableTask): Promise<number> {
  const connection = await connect({ servers: url });
  const js = jetstream(connection);
  const payload = new TextEncoder().encode(JSON.stringify({ text: "x".repeat(400) }));
  let next = 0;
  const started = performance.now();
  const worker = async () => {
    while (next < amount) {
      const n = next++;
      await js.publish(TASKS_SUBJECT, payload, { msgID: `client/${started}/${n}` });
    }
  };
  await Promise.all(Array.from({ length: entries }, worker));
  const rate = amount / (performance.now() - started) * 1000;
  await connection.close();
  return rate;
}

async function open({ url, entries }: DurableTask) {
  const clock = systemClock;
  const bus = new NatsBus({ servers: url, logger: SILENT });
  await bus.connect();
  const delivery = new Delivery({ bus, mode: "jetstream", clock, logger: SILENT });
  await delivery.look([TASKS_SUBJECT]);
  const all = Array.from({ length: entries }, (_, n) => intervalEntry(`entry-${n}`, 1));
  const options = {
    scheduler: `bench-${Date.now()}`,
    bus,
    delivery,
    expander: { expand: () => Promise.resolve(expandedOf([])) },
    clock,
    logger: SILENT,
  };
  return { all, bus, options };
}

/** Occurrences that are all due: each entry's next one follows when the last is acknowledged. */
async function dispatcher(task: DurableTask): Promise<number> {
  const { all, bus, options } = await open(task);
  const dispatcher = new Dispatcher({ ...options });
  const jobs = all.map((entry) => {
    const job = new Job(entry);
    job.owner = SOLE;
    job.checkpoint = noting(() => onDone(job));
    return job;
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  let instant = Date.now();
  let fired = 0;
  let done = 0;
  const fire = (job: Job) => {
    fired++;
    instant++;
    const due = { scheduledFor: instant, fireAt: instant, passedOverSince: null, isSpread: false };
    dispatcher.due(job, due);
  };
  const onDone = (job: Job) => {
    if (++done === task.amount) resolve();
    // After this turn: only then is the entry free.
    if (fired < task.amount) queueMicrotask(() => queueMicrotask(() => fire(job)));
  };
  const started = performance.now();
  for (const job of jobs) fire(job);
  await promise;
  const rate = task.amount / (performance.now() - started) * 1000;
  await bus.close();
  return rate;
}

/** A checkpoint that tells when something is noted in it. */
function noting(changed: () => void): Checkpoint {
  const record = { timing: "", since: 0, last: null, absentSince: null };
  return new Checkpoint({ isOpen: true, touch() {}, changed }, record, { isNew: false });
}

/** The real loop: every entry is due each second. */
async function everySecond(task: DurableTask): Promise<DurableResult> {
  const { all, bus, options } = await open(task);
  const clock = systemClock;
  let store: CheckpointStore | null = null;
  if (task.way === "every second, remembered") {
    const bucket = (await bus.jetStream()).keyValue("heddle-scheduler", { replicas: 1 });
    store = new CheckpointStore({
      store: bucket,
      scheduler: options.scheduler,
      clock,
      logger: SILENT,
    });
    const remembering = all.map(({ name }) => ({ name, timing: "1" }));
    await store.open(partitionsOf(0, 1), remembering, null);
  }
  const names = new NamesAhead();
  const dispatcher = new Dispatcher({ ...options, names });
  let fired = 0;
  const table = new JobTable({ clock, logger: SILENT });
  const loop = new TimerLoop({
    clock,
    logger: SILENT,
    table,
    naming: { names, nameAhead: (job, scheduledFor) => dispatcher.nameAhead(job, scheduledFor) },
    onDue: (job, due) => {
      fired++;
      dispatcher.due(job, due);
    },
  });
  table.swap(await table.prepare(all, ALONE), ALONE);
  for (const job of table.jobs) job.checkpoint = store?.of(job.name) ?? null;
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  await sleep(3500);
  const [before, from] = [cpuTime(), fired];
  await sleep(task.amount * 1000);
  const cpu = (cpuTime() - before) / task.amount;
  const rate = (fired - from) / task.amount;
  stop.abort();
  await running;
  return { rate, cpu };
}

if (import.meta.main) {
  const task = taskOf<DurableTask>();
  if (task.way.startsWith("every")) report(await everySecond(task));
  const before = cpuTime();
  const started = performance.now();
  const rate = await (task.way === "client" ? client(task) : dispatcher(task));
  const cpu = (cpuTime() - before) / (performance.now() - started) * 1000;
  report({ rate, cpu });
}
