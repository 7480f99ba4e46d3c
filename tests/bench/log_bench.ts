/**
 * What the log costs a burst: the program with 10,000 entries that are due at the same instants,
 * through a nats-server to another process, by turns with its default log and without.
 */
import { connect } from "../helpers/nats_client.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { sleep, wallClock } from "./apart.ts";
import { EXECUTABLE, ROOT } from "../binary/executables.ts";
import { type Cell, printTable, quantile } from "./table.ts";

const ENTRIES = 10_000;
const ROUNDS = 3;
/** The bursts of each round, of which the first warms the program up. */
const BURSTS = 4;
const PERIOD = 4000;
/** The program takes less to start, in milliseconds. */
const LEAD = 8000;

const KINDS = { "without": ["--log-level", "error"], "with its default log": [] };
type Kind = keyof typeof KINDS;

/** The executable where there is one (`deno run -A tests/binary/setup.ts`), else the source. */
const COMMAND = await Deno.stat(EXECUTABLE).then(
  () => [EXECUTABLE],
  () => [Deno.execPath(), "run", "-P", "main.ts"],
);

function config(first: number): string {
  const timing = `interval_seconds: ${PERIOD / 1000}, start_at: "${new Date(first).toISOString()}"`;
  const entries = Array.from(
    { length: ENTRIES },
    (_, n) => `  - { name: entry-${n}, ${timing}, dispatch_type: task, task: { worker_type: w } }`,
  );
  return ["name: logged", "schedules:", ...entries, ""].join("\n");
}

await using server = await startNatsServer();
const client = await connect({ servers: server.url });
const path = await Deno.makeTempFile({ suffix: ".yaml" });

/** Of each burst, when each message arrived: milliseconds after it was due. */
async function bursts(kind: Kind): Promise<{ late: number[][]; logged: number }> {
  const first = Math.ceil((Date.now() + LEAD) / 1000) * 1000;
  await Deno.writeTextFile(path, config(first));
  const late: number[][] = Array.from({ length: BURSTS }, () => []);
  const subscription = client.subscribe(TASKS_SUBJECT, {
    callback: () => {
      const after = wallClock() - first;
      late[Math.floor(after / PERIOD)]?.push(after % PERIOD);
    },
  });
  const [command, ...args] = COMMAND;
  const child = new Deno.Command(command!, {
    args: [...args, "--config", path, "--nats-url", server.url, ...KINDS[kind]],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let logged = 0;
  const reading = (async () => {
    for await (const part of child.stderr) logged += part.length;
  })();
  await sleep(first + BURSTS * PERIOD - Date.now());
  child.kill("SIGTERM");
  await Promise.all([child.status, reading]);
  subscription.unsubscribe();
  if (late.some(({ length }) => length !== ENTRIES)) {
    throw new Error(`Expected ${ENTRIES} in each burst, got ${late.map((all) => all.length)}`);
  }
  return { late: late.slice(1), logged };
}

const late: Record<Kind, number[][]> = { "without": [], "with its default log": [] };
const bytes: Record<Kind, number> = { "without": 0, "with its default log": 0 };
for (let round = 0; round < ROUNDS; round++) {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const found = await bursts(kind);
    late[kind].push(...found.late);
    bytes[kind] += found.logged;
  }
}

const median = (kind: Kind, share: number) =>
  quantile(late[kind].map((all) => quantile(all, share)), 0.5);
const SHARES = [0.5, 0.99, 1];
const rows: Cell[][] = (Object.keys(KINDS) as Kind[]).map((kind) => [
  kind,
  ...SHARES.map((share) => median(kind, share)),
  bytes[kind] / ROUNDS / BURSTS / 1e6,
]);
rows.push([
  "ratio",
  ...SHARES.map((share) => median("with its default log", share) / median("without", share)),
  null,
]);
printTable(
  `${
    ENTRIES.toLocaleString("en")
  } firings at once, through nats-server to another process, median ` +
    `of ${ROUNDS * (BURSTS - 1)} bursts: milliseconds from due to arrival`,
  ["log", "p50", "p99", "the last", "MB logged"],
  rows,
);
await client.close();
await Deno.remove(path);
