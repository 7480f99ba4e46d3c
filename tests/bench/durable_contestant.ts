/** Dispatches into a stream from one process, in one of several ways. */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport";
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import { Delivery } from "../../lib/durable/delivery.ts";
import { CheckpointStore } from "../../lib/durable/checkpoint_store.ts";
import { partitionsOf } from "../../lib/durable/shards.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { TimerLoop } from "../../lib/engine/timer_loop.ts";
import { systemClock } from "../../lib/time/clock.ts";
import { TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { intervalEntry } from "../helpers/entries.ts";
import { cpuTime, report, sleep, taskOf } from "./apart.ts";

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
    expander: { expand: () => Promise.resolve([]) },
    clock,
    logger: SILENT,
  };
  return { all, bus, options };
}

/** Occurrences that are all due: each entry's next one follows when the last is acknowledged. */
async function dispatcher(task: DurableTask): Promise<number> {
  const { all, bus, options } = await open(task);
  const memory = { done: (name: string) => void onDone(name) };
  const dispatcher = new Dispatcher({ ...options, memory: () => memory });
  const byName = new Map(all.map((entry) => [entry.name, entry]));
  const { promise, resolve } = Promise.withResolvers<void>();
  let instant = Date.now();
  let fired = 0;
  let done = 0;
  const fire = (entry: ScheduleEntry) => {
    fired++;
    instant++;
    dispatcher.fire({ entry, scheduledFor: new Date(instant), fireAt: instant });
  };
  const onDone = (name: string) => {
    if (++done === task.amount) resolve();
    // After this turn: only then is the entry free.
    if (fired < task.amount) queueMicrotask(() => queueMicrotask(() => fire(byName.get(name)!)));
  };
  const started = performance.now();
  for (const entry of all) fire(entry);
  await promise;
  const rate = task.amount / (performance.now() - started) * 1000;
  await bus.close();
  return rate;
}

/** The real loop: every entry is due each second. */
async function everySecond(task: DurableTask): Promise<DurableResult> {
  const { all, bus, options } = await open(task);
  const clock = systemClock;
  let memory: CheckpointStore | null = null;
  if (task.way === "every second, remembered") {
    const store = (await bus.jetStream()).keyValue("heddle-scheduler", { replicas: 1 });
    memory = new CheckpointStore({ store, scheduler: options.scheduler, clock, logger: SILENT });
    const remembering = all.map(({ name }) => ({ name, timing: "1" }));
    await memory.open(partitionsOf(0, 1), remembering, null);
  }
  const dispatcher = new Dispatcher({ ...options, memory: () => memory });
  let fired = 0;
  const loop = new TimerLoop({
    clock,
    logger: SILENT,
    identify: (entry, scheduledFor) => dispatcher.identify(entry, scheduledFor),
    onDue: (due) => {
      fired++;
      dispatcher.fire(due);
    },
  });
  await loop.load(all);
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
