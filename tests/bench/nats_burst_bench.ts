/** Jobs due in the same second, through a nats-server to another process: this one. */
import { connect } from "../helpers/nats_client.ts";
import { TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { apart, wallClock } from "./apart.ts";
import { type Lateness, type LatenessTask, TIMERS } from "./lateness_contestant.ts";
import { OURS, PEERS } from "./schedulers.ts";
import { type Cell, printTable, quantile } from "./table.ts";

const CONTESTANT = new URL("./lateness_contestant.ts", import.meta.url).href;
const JOBS = 10_000;

const rows: Cell[][] = [];
for (const scheduler of [OURS, ...Object.keys(PEERS), TIMERS]) {
  await using server = await startNatsServer();
  const nats = await connect({ servers: server.url });
  const first = Math.ceil((Date.now() + 4000) / 1000) * 1000;
  const late: number[] = [];
  nats.subscribe(TASKS_SUBJECT, { callback: () => void late.push(wallClock() - first) });
  await nats.flush();
  const task: LatenessTask = { scheduler, jobs: JOBS, seconds: 1, first, natsUrl: server.url };
  const outcome = await apart<Lateness>(CONTESTANT, task);
  await nats.close();
  if ("failure" in outcome) rows.push([scheduler, outcome.failure, null, null, null]);
  else {
    const arrived = late.length.toLocaleString("en");
    rows.push([
      scheduler,
      arrived,
      quantile(late, 0.5),
      quantile(late, 0.99),
      quantile(late, 1),
    ]);
  }
}
printTable(
  `${JOBS.toLocaleString("en")} jobs in the same second, through nats-server to another process: ` +
    "milliseconds from due to arrival",
  ["scheduler", "arrived", "p50", "p99", "max"],
  rows,
);
