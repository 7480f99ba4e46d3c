/** Acknowledged dispatches, what remembering costs, and what more replicas bring. */
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import { BUCKET, checkpointKey } from "../../lib/durable/keys.ts";
import { partitionOf, PARTITIONS } from "../../lib/durable/shards.ts";
import { timingText } from "../../lib/schedule/timing_text.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { eventually } from "../helpers/eventually.ts";
import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { Program } from "../helpers/program.ts";
import { cronEntry } from "../helpers/entries.ts";
import { apart, sleep } from "./apart.ts";
import { CpuGroup } from "./cpu_group.ts";
import type { DurableResult, DurableTask } from "./durable_contestant.ts";
import { type Cell, printTable } from "./table.ts";

const CONTESTANT = new URL("./durable_contestant.ts", import.meta.url).href;

async function withServer<T>(work: (server: NatsServer, bus: NatsBus) => Promise<T>): Promise<T> {
  await using server = await startNatsServer({ jetstream: true });
  const bus = new NatsBus({ servers: server.url, logger: new LogRecorder() });
  await bus.connect();
  await (await bus.jetStream()).createStream({
    name: "HEDDLE",
    subjects: [GOALS_SUBJECT, TASKS_SUBJECT],
    replicas: 1,
    duplicateWindow: 120,
    maxAge: 3600,
    maxBytes: 1 << 30,
  });
  try {
    return await work(server, bus);
  } finally {
    await bus.close();
  }
}

async function measure(task: Omit<DurableTask, "url">): Promise<DurableResult> {
  const outcome = await withServer(({ url }) => apart<DurableResult>(CONTESTANT, { ...task, url }));
  if ("failure" in outcome) throw new Error(outcome.failure);
  return outcome.result;
}

async function throughput(): Promise<void> {
  const rows: Cell[][] = [];
  for (const entries of [1000, 10_000]) {
    const rates: number[] = [];
    for (const way of ["client", "dispatcher"] as const) {
      const { rate, cpu } = await measure({ way, entries, amount: 100_000 });
      rates.push(rate);
      const who = way === "client"
        ? "the client, pipelined, payloads ready-made"
        : "here, from due to acknowledged";
      rows.push([who, entries, rate, cpu / 10, rate / rates[0]! * 100]);
    }
  }
  printTable("Acknowledged by a stream, 100,000 messages of about 400 bytes", [
    "who",
    "under way",
    "a second",
    "CPU, % of a core",
    "% of the client's",
  ], rows);
}

async function remembering(): Promise<void> {
  const rows: Cell[][] = [];
  for (const way of ["every second", "every second, remembered"] as const) {
    const { rate, cpu } = await measure({ way, entries: 10_000, amount: 20 });
    const before = rows[0]?.[2] as number | undefined;
    rows.push([way, rate, cpu, before === undefined ? null : (cpu - before) / cpu * 100]);
  }
  printTable("10,000 entries, each due every second, acknowledged by a stream", [
    "",
    "fired a second",
    "CPU, ms a second",
    "% of it for remembering",
  ], rows);
}

const ENTRIES = 2000;
const SHARDS = 6;

/** Every entry has missed a thousand occurrences: replicas fire as fast as they can. */
async function catchUp(replicas: number, share: number | null): Promise<Cell[]> {
  return await withServer(async (server, bus) => {
    const entries = Array.from({ length: ENTRIES }, (_, n) => `entry-${n}`);
    const config = await Deno.makeTempFile({ suffix: ".yaml" });
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        name: "bench",
        schedules: entries.map((name) => ({
          name,
          cron: "* * * * * *",
          dispatch_type: "task",
          task: { worker_type: "w", payload: { text: "x".repeat(200) } },
          catch_up: "all",
        })),
      }),
    );
    await remember(bus, entries);
    const programs = Array.from({ length: replicas }, () =>
      new Program([
        ...["--config", config, "--nats-url", server.url, "--log-level", "error"],
        ...["--replicas", "--shards", String(SHARDS), "--lease-ttl", "20"],
      ]));
    const groups = share === null ? [] : programs.map(({ pid }) => new CpuGroup(pid, share));
    const count = async () =>
      (await bus.request("$JS.API.STREAM.INFO.HEDDLE", {}, 5000)).data
        .state as { messages: number };
    await eventually("it has begun", async () => (await count()).messages > 20_000, 60_000);
    const [before, cpu] = [(await count()).messages, cpuOf(server.pid)];
    const started = performance.now();
    await sleep(8000);
    const seconds = (performance.now() - started) / 1000;
    const rate = ((await count()).messages - before) / seconds;
    const serverCpu = (cpuOf(server.pid) - cpu) / seconds / 10;
    for (const program of programs) await program[Symbol.asyncDispose]();
    await Deno.remove(config);
    for (const group of groups) group.remove();
    return [replicas, share === null ? "all there is" : `${share * 100} % each`, rate, serverCpu];
  });
}

/** As if each entry had last fired a thousand seconds ago. */
async function remember(bus: NatsBus, entries: readonly string[]): Promise<void> {
  const store = (await bus.jetStream()).keyValue(BUCKET, { replicas: 1 });
  const timing = timingText(cronEntry("any", "* * * * * *"));
  const last = Math.floor(Date.now() / 1000) * 1000 - 1_000_000;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const own = entries.filter((name) => partitionOf(name) === partition);
    const recollections = own.map((name) => [name, [timing, last, last]]);
    const value = { term: null, entries: Object.fromEntries(recollections) };
    await store.put(checkpointKey("bench", partition), value, 0);
  }
}

/** User and system time of a process, in milliseconds. */
function cpuOf(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function replicas(): Promise<void> {
  const rows: Cell[][] = [];
  for (const share of CpuGroup.isAvailable ? [null, 0.25] : [null]) {
    const one = await catchUp(1, share);
    const three = await catchUp(3, share);
    rows.push([...one, null], [...three, (three[2] as number) / (one[2] as number)]);
  }
  printTable(
    `${ENTRIES} entries of ${SHARDS} shards catch up with 1000 occurrences each, acknowledged`,
    ["replicas", "CPU that each may use", "a second", "server's CPU, % of a core", "times one"],
    rows,
  );
}

await throughput();
await remembering();
await replicas();
