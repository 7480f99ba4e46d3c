/**
 * One expansion of 100,000 objects to a nats-server, against the same client without a scheduler.
 * Ours names and hashes each dispatch and adds three headers.
 */
import { connect } from "../helpers/nats_client.ts";
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import { defaultLogger } from "../../lib/log/logger.ts";
import { SOLE } from "../../lib/durable/owner.ts";
import { Job } from "../../lib/engine/job.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { systemClock } from "../../lib/time/clock.ts";
import { TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { apart, report, taskOf } from "./apart.ts";
import { configText, taskMessageText } from "./schedulers.ts";
import { type Cell, printTable, quantile } from "./table.ts";
import { expandedOf } from "../helpers/expanded.ts";

const OBJECTS = 100_000;
const ROUNDS = 7;
/** How many messages a client publishes before it lets the socket have its turn. */
const CHUNK = 1000;

type Round = () => Promise<void>;

const CONTESTANTS: Record<string, (url: string) => Promise<Round>> = {
  "heddle-scheduler, one firing": prepareOurs,
  "client, publish(JSON.stringify)": (url) => prepareClient(url, taskMessageText),
  "client, ready-made payloads"(url) {
    const payload = new TextEncoder().encode(taskMessageText(0));
    return prepareClient(url, () => payload);
  },
};

if (Deno.args.length > 0) {
  const { contestant, url } = taskOf<{ contestant: string; url: string }>();
  const round = await CONTESTANTS[contestant]!(url);
  const rates = [];
  for (let rounds = 0; rounds < ROUNDS; rounds++) {
    const began = performance.now();
    await round();
    rates.push(OBJECTS / (performance.now() - began) * 1000);
  }
  report({ first: rates[0], median: quantile(rates, 0.5), best: quantile(rates, 1) });
}

const rows: Cell[][] = [];
for (const contestant of Object.keys(CONTESTANTS)) {
  await using server = await startNatsServer();
  const task = { contestant, url: server.url };
  const outcome = await apart<Record<"first" | "median" | "best", number>>(import.meta.url, task);
  if ("failure" in outcome) rows.push([contestant, outcome.failure, null, null]);
  else rows.push([contestant, outcome.result.first, outcome.result.median, outcome.result.best]);
}
printTable(
  `${OBJECTS.toLocaleString("en")} dispatches to nats-server, ${ROUNDS} rounds: messages a second`,
  ["what", "first round", "median", "best"],
  rows,
);

async function prepareOurs(url: string): Promise<Round> {
  const objects = Array.from({ length: OBJECTS }, (_, job) => ({ job }));
  const { config } = parseSchedulerConfig(configText(["0 0 * * *"]));
  const entry = { ...config!.entries[0]!, expandFrom: "bench.objects" };
  const bus = new NatsBus({ servers: url });
  await bus.connect();
  let instant = Date.now();
  return async () => {
    const dispatcher = new Dispatcher({
      scheduler: config!.name,
      bus,
      expander: { expand: () => Promise.resolve(expandedOf(objects)) },
      clock: systemClock,
      logger: defaultLogger(),
    });
    const job = new Job(entry);
    job.owner = SOLE;
    const fireAt = Date.now();
    const due = { scheduledFor: ++instant, fireAt, passedOverSince: null, isSpread: false };
    dispatcher.due(job, due);
    // Resolves once the server has confirmed them all.
    await dispatcher.stop(60_000);
  };
}

async function prepareClient(
  url: string,
  payloadOf: (job: number) => string | Uint8Array,
): Promise<Round> {
  const nats = await connect({ servers: url });
  return async () => {
    for (let job = 0; job < OBJECTS; job++) {
      nats.publish(TASKS_SUBJECT, payloadOf(job));
      if (job % CHUNK === CHUNK - 1) await nats.flush();
    }
    await nats.flush();
  };
}
