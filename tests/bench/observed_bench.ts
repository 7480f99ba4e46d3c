/**
 * What it costs to be watched: 5,000 firings a second into a real nats-server, by turns unwatched and
 * with a scraper, three open pages and status requests.
 */
import { connect } from "../helpers/nats_client.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program } from "../helpers/program.ts";
import { type Cell, printTable, quantile } from "./table.ts";
import { fileURLToPath } from "node:url";

const ENTRIES = 1000;
const INTERVAL = 0.2;
/** How long each turn takes, and how many there are of each kind, in milliseconds. */
const TURN = 10_000;
const TURNS = 4;
/** What the first moments of a turn show belongs to the one before; in milliseconds. */
const SETTLING = 1000;

const WATCHER = fileURLToPath(new URL("./watcher.ts", import.meta.url));

function config(first: number): string {
  const entries = Array.from({ length: ENTRIES }, (_, n) => {
    // Spread evenly, as a file that has grown is.
    const start = new Date(first + Math.floor(n * INTERVAL * 1000 / ENTRIES)).toISOString();
    return `  - { name: entry-${n}, interval_seconds: ${INTERVAL}, start_at: "${start}", ` +
      "dispatch_type: task, task: { worker_type: w } }";
  });
  return ["name: watched", "schedules:", ...entries, ""].join("\n");
}

/** The log, which tells a port that the system chose, would be most of the work. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const now = () => performance.timeOrigin + performance.now();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

await using server = await startNatsServer();
const path = await Deno.makeTempFile({ suffix: ".yaml" });
await Deno.writeTextFile(path, config(Date.now() + 3000));
const url = `http://127.0.0.1:${freePort()}/`;
await using _program = new Program([
  ...["--config", path, "--nats-url", server.url, "--http", new URL(url).port],
  ...["--log-level", "warning"],
]);
const client = await connect({ servers: server.url });

/** By the turn's kind: how late each firing was when it arrived here, in milliseconds. */
const late: Record<"unwatched" | "watched", number[]> = { unwatched: [], watched: [] };
let turn: keyof typeof late | null = null;
client.subscribe("heddle.tasks.incoming", {
  callback: (_, message) => {
    if (turn === null) return;
    late[turn].push(now() - Date.parse(message.headers!.get("Heddle-Scheduled-For")));
  },
});
await sleep(8000);

const answers: { status: number[]; metrics: number[] } = { status: [], metrics: [] };
for (let round = 0; round < TURNS; round++) {
  await sleep(SETTLING);
  turn = "unwatched";
  await sleep(TURN);
  turn = null;
  const watcher = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--lock=tests/deno.lock", WATCHER],
      ...[server.url, url, String(TURN + 3 * SETTLING)],
    ],
    stdout: "piped",
  }).spawn();
  await sleep(2 * SETTLING);
  turn = "watched";
  await sleep(TURN);
  turn = null;
  const { stdout } = await watcher.output();
  const { status, metrics } = JSON.parse(new TextDecoder().decode(stdout));
  answers.status.push(...status);
  answers.metrics.push(...metrics);
}

const rows: Cell[][] = Object.entries(late).map(([kind, values]) => [
  kind,
  Math.round(values.length / TURNS / (TURN / 1000)),
  quantile(values, 0.5),
  quantile(values, 0.99),
  quantile(values, 0.999),
]);
rows.push(["watched / unwatched", null, ...[2, 3, 4].map((at) => +rows[1]![at]! / +rows[0]![at]!)]);
printTable(
  `Lateness at a subscriber, of ${ENTRIES} entries every ${INTERVAL} s: milliseconds`,
  ["", "firings/s", "p50", "p99", "p99.9"],
  rows,
);
printTable(
  "Answers meanwhile: milliseconds",
  ["", "requests", "p50", "p99"],
  Object.entries(answers).map(([kind, values]) => [
    kind,
    values.length,
    quantile(values, 0.5),
    quantile(values, 0.99),
  ]),
);
await client.close();
await Deno.remove(path);
