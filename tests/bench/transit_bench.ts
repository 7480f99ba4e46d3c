/** From publish to a subscriber in another process while 1,000 jobs a second fire. */
import { connect } from "../helpers/nats_client.ts";
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { apart, report, sleep, taskOf, wallClock } from "./apart.ts";
import { OURS, taskMessageText } from "./schedulers.ts";
import { type Cell, printTable, quantile } from "./table.ts";

const JOBS = 1000;
/** Each job fires once a second for so many seconds. */
const SECONDS = 20;

const CONTESTANTS: Record<string, (url: string, onPublish: (job: number) => void) => void> = {
  [OURS]: (url, onPublish) => void startOurs(url, onPublish),
  "client, setInterval": (url, onPublish) => void startClient(url, onPublish),
};

if (Deno.args.length > 0) {
  const { contestant, url } = taskOf<{ contestant: string; url: string }>();
  /** When each job published: its first instant, its second, and so on. */
  const published: number[][] = Array.from({ length: JOBS }, () => []);
  CONTESTANTS[contestant]!(url, (job) => published[job]!.push(wallClock()));
  await sleep((SECONDS + 3) * 1000);
  report(published);
}

const rows: Cell[][] = [];
for (const contestant of Object.keys(CONTESTANTS)) {
  await using server = await startNatsServer();
  const nats = await connect({ servers: server.url });
  const arrived: number[][] = Array.from({ length: JOBS }, () => []);
  nats.subscribe(TASKS_SUBJECT, {
    callback: (_, message) => {
      const at = wallClock();
      arrived[message.json<{ payload: { job: number } }>().payload.job]!.push(at);
    },
  });
  await nats.flush();
  const outcome = await apart<number[][]>(import.meta.url, { contestant, url: server.url });
  await nats.close();
  if ("failure" in outcome) {
    rows.push([contestant, outcome.failure, null, null, null]);
    continue;
  }
  const transits = arrived.flatMap((times, job) =>
    times.map((at, firing) => at - outcome.result[job]![firing]!)
  );
  const count = transits.length.toLocaleString("en");
  rows.push([
    contestant,
    count,
    quantile(transits, 0.5),
    quantile(transits, 0.99),
    quantile(transits, 0.999),
  ]);
}
printTable(
  `From publish to the subscriber, ${JOBS.toLocaleString("en")} messages a second: milliseconds`,
  ["publisher", "arrived", "p50", "p99", "p99.9"],
  rows,
);

async function startOurs(url: string, onPublish: (job: number) => void): Promise<void> {
  const bus = new NatsBus({ servers: url });
  const publish = bus.publish.bind(bus);
  bus.publish = (subject, data, options) => {
    onPublish((data.payload as { job: number }).job);
    return publish(subject, data, options);
  };
  // One of them each millisecond.
  const start = Date.now() + 2000;
  const entries = Array.from(
    { length: JOBS },
    (_, job) =>
      `  - name: entry_${job}\n    interval_seconds: 1\n` +
      `    start_at: ${new Date(start + job).toISOString()}\n    dispatch_type: task\n` +
      `    task: { worker_type: w, payload: { job: ${job}, text: ${"x".repeat(150)} } }\n`,
  );
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, `name: bench\nschedules:\n${entries.join("")}`);
  const scheduler = new SchedulerActor("bench", path, { bus });
  await scheduler.load();
  await Deno.remove(path);
  await scheduler.run({ handleSignals: false });
}

async function startClient(url: string, onPublish: (job: number) => void): Promise<void> {
  const nats = await connect({ servers: url });
  for (let job = 0; job < JOBS; job++) {
    setTimeout(() => {
      setInterval(() => {
        onPublish(job);
        nats.publish(TASKS_SUBJECT, taskMessageText(job));
      }, 1000);
    }, job);
  }
}
