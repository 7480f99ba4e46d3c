/**
 * The executable next to programs of three lines that were compiled the same way: its size, how
 * fast it starts, what memory it takes and keeps.
 */
import { connect } from "../helpers/nats_client.ts";
import { join } from "node:path";
import { compile, deno } from "../binary/compile.ts";
import { ROOT } from "../binary/executables.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { sleep } from "./apart.ts";
import { type Cell, printTable, quantile } from "./table.ts";

const STARTS = 31;
const DISPATCHES = 1_000_000;
const RELOADS = 10_000;

/** After so long without work V8 has given back what it does not need; in milliseconds. */
const REST = 20_000;

const directory = await Deno.makeTempDir();

/** The programs to compare with. */
const PROGRAMS = {
  empty: "",
  hello: `console.log("hello world");`,
  connected: `import { connect } from "npm:@nats-io/transport-node@3.4.0";
    await connect({ servers: Deno.args[0] });
    console.log("hello world");
    setInterval(() => {}, 60_000);`,
};

for (const [name, text] of Object.entries(PROGRAMS)) {
  const source = join(directory, `${name}.ts`);
  await Deno.writeTextFile(source, text);
  const options = ["--allow-all", "--no-check", "--no-lock", "--config", join(ROOT, "deno.json")];
  const args = ["compile", ...options, "--output", join(directory, name), source];
  const { code, stderr } = await deno(args, ROOT);
  if (code !== 0) throw new Error(stderr);
}
await compile(ROOT, ["--output", join(directory, "heddle-scheduler")]);

/** Ten entries, and nothing due for hours. */
const config = async (name: string, timezone: string, seconds: number, count = 10) => {
  const path = join(directory, name);
  const entries = Array.from(
    { length: count },
    (_, index) =>
      `  - { name: e${index}, interval_seconds: ${seconds}, dispatch_type: task, ` +
      `task: { worker_type: w } }\n`,
  );
  const cron =
    `  - { name: daily, cron: "0 0 1 1 *", dispatch_type: task, task: { worker_type: w } }\n`;
  await Deno.writeTextFile(
    path,
    `name: bench\ntimezone: ${timezone}\nschedules:\n${entries.slice(1).join("")}${cron}`,
  );
  return path;
};
const idle = await config("idle.yaml", "UTC", 36_000);
const idleInBerlin = await config("berlin.yaml", "Europe/Berlin", 36_000);

/** Milliseconds from the start of a program until it has written `text`, to stderr if that is JSON. */
async function timeUntil(text: string, program: string, args: string[]): Promise<number> {
  const began = performance.now();
  const stream = args.includes("json") ? "stderr" : "stdout";
  const child = new Deno.Command(join(directory, program), {
    args,
    env: { TMPDIR: directory }, // where Deno keeps the code cache of the others, by their names
    stdin: "null",
    stdout: "null",
    stderr: "null",
    [stream]: "piped",
  }).spawn();
  let written = "";
  let time = NaN;
  for await (const part of child[stream].pipeThrough(new TextDecoderStream())) {
    written += part;
    if (!written.includes(text)) continue;
    time = performance.now() - began;
    break;
  }
  try {
    child.kill("SIGTERM"); // an end in good order, in which a code cache is written
  } catch {
    // It has ended already.
  }
  await child.status;
  if (Number.isNaN(time)) throw new Error(`${program} never wrote "${text}": ${written}`);
  return time;
}

async function sizes(): Promise<void> {
  const size = async (name: string) => (await Deno.stat(join(directory, name))).size / 1e6;
  const empty = await size("empty");
  const own = await size("heddle-scheduler");
  printTable("Size of the executable, in MB", ["program", "size", "over an empty one"], [
    ["heddle-scheduler", own, own - empty],
    ["empty", empty, 0],
  ]);
}

async function starts(url: string): Promise<void> {
  const memory = (path: string) => ["--bus", "memory", "--log-format", "json", "--config", path];
  const nats = ["--nats-url", url, "--log-format", "json", "--config", idle];
  const contestants: [what: string, text: string, program: string, args: string[]][] = [
    ["hello world", "hello world", "hello", []],
    ["running, on the memory bus", "scheduler.running", "heddle-scheduler", memory(idle)],
    ["the same, in Europe/Berlin", "scheduler.running", "heddle-scheduler", memory(idleInBerlin)],
    ["subscribed, on a server", "actor.subscribed", "heddle-scheduler", nats],
    ["hello world, connected to it", "hello world", "connected", [url]],
  ];
  const times = contestants.map((): number[] => []);
  for (let start = 0; start < STARTS + 2; start++) {
    for (const [index, [, text, program, args]] of contestants.entries()) {
      const time = await timeUntil(text, program, args);
      if (start >= 2) times[index]!.push(time); // the first ones fill Deno's code cache
    }
  }
  const medians = times.map((all) => quantile(all, 0.5));
  const rows = contestants.map(([what], index): Cell[] => [
    what,
    medians[index]!,
    medians[index]! / medians[0]!,
    quantile(times[index]!, 0.9),
  ]);
  printTable(
    `From the start of the process, in ms, ${STARTS} starts in turns`,
    ["until", "p50", "× hello world", "p90"],
    rows,
  );
}

/** Resident memory in MB. */
function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1000;
}

function start(program: string, args: string[]): Deno.ChildProcess {
  return new Deno.Command(join(directory, program), {
    args,
    env: { MALLOC_ARENA_MAX: "1" }, // as in Dockerfile and the systemd unit
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.status;
}

async function idleMemory(url: string): Promise<void> {
  const rows: Cell[][] = [];
  for (
    const [what, program, args] of [
      ["hello world, connected", "connected", [url]],
      ["heddle-scheduler, 10 entries", "heddle-scheduler", [
        ...["--nats-url", url, "--config", idle],
      ]],
    ] as const
  ) {
    const child = start(program, [...args]);
    await sleep(10_000);
    rows.push([what, resident(child.pid)]);
    await stop(child);
  }
  const first = Number(rows[0]![1]);
  printTable(
    "Resident memory when idle, in MB",
    ["program", "memory", "ratio"],
    rows.map(([what, memory]) => [what!, memory!, Number(memory) / first]),
  );
}

async function memoryOverTime(url: string): Promise<void> {
  const path = await config("storm.yaml", "UTC", 0.01, 100);
  const connection = await connect({ servers: url });
  let dispatches = 0;
  connection.subscribe("heddle.tasks.incoming", { callback: () => void dispatches++ });
  await connection.flush();
  const reload = () => connection.publish("heddle.control.reload", '{"action":"reload"}');
  const child = start("heddle-scheduler", [
    ...["--nats-url", url, "--log-level", "error", "--config", path],
  ]);
  const rows: Cell[][] = [];
  const note = (when: string) => {
    const memory = resident(child.pid);
    rows.push([when, memory, memory / Number(rows[0]?.[1] ?? memory)]);
  };
  const rest = async () => {
    await config("storm.yaml", "UTC", 36_000, 100);
    reload();
    await sleep(REST);
    await config("storm.yaml", "UTC", 0.01, 100);
    reload();
  };

  while (dispatches < 1000) await sleep(1);
  note("after 1,000 dispatches");
  await rest();
  note("at rest after that");
  for (let reloads = 0; dispatches < DISPATCHES;) {
    if (reloads / RELOADS < dispatches / DISPATCHES) {
      reload();
      reloads++;
      if (reloads === 1000) note("under load, after 1,000 reloads and a tenth of the dispatches");
    } else {
      await sleep(1);
    }
  }
  note("under load, after 10,000 reloads and 1,000,000 dispatches");
  await rest();
  note("at rest after that");
  await stop(child);
  await connection.close();
  printTable("Resident memory over time, in MB", ["when", "memory", "ratio"], rows);
}

try {
  await using server = await startNatsServer();
  await sizes();
  await starts(server.url);
  await idleMemory(server.url);
  await memoryOverTime(server.url);
} finally {
  await Deno.remove(directory, { recursive: true });
}
