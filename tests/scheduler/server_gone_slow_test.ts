/** A server that is gone exactly where a start, a reload or a stop waits for it. */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { SchedulerActor, type SchedulerActorOptions } from "../../lib/scheduler/scheduler_actor.ts";
import { eventually } from "../helpers/eventually.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { connect } from "../helpers/nats_client.ts";
import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { type Gone, TcpProxy } from "../helpers/tcp_proxy.ts";

const MAX_IDLE_STOP_MS = 5000;
const MAX_RELOAD_MS = 8000;
const MAX_START_MS = 8000;
const HOW: readonly Gone[] = ["silent", "closed"];
const REPLICAS = { name: "us", leaseTtl: 2000, shards: 2 };

/** One scheduler, and the proxy between it and the server. */
interface Place {
  scheduler: SchedulerActor;
  proxy: TcpProxy;
  log: LogRecorder;
  /** Changes the configuration. */
  add(entry: string): void;
  /** Ends it, and returns how long that takes, in milliseconds. */
  stop(): Promise<number>;
}

async function startServer(): Promise<NatsServer> {
  const server = await startNatsServer({ jetstream: true });
  const client = await connect({ servers: server.url });
  const manager = await jetstreamManager(client);
  const subjects = ["heddle.goals.incoming", "heddle.tasks.incoming"];
  await manager.streams.add({ name: "HEDDLE", subjects });
  await client.close();
  return server;
}

let count = 0;

/** Runs a scheduler of its own name from its start. */
async function withScheduler(
  { port }: NatsServer,
  replicas: SchedulerActorOptions["replicas"],
  test: (place: Place) => Promise<void>,
  prepare: (proxy: TcpProxy) => void = () => {},
): Promise<void> {
  await using proxy = new TcpProxy(port);
  prepare(proxy);
  const log = new LogRecorder();
  const entry = { dispatch_type: "task", task: { worker_type: "w" } };
  const hourly = (name: string) => ({ name, cron: "0 * * * *", ...entry });
  const config = { name: `gone${count++}`, schedules: [hourly("first")] };
  const add = (name: string) => void config.schedules.push(hourly(name));
  const scheduler = new SchedulerActor("gone", config, {
    natsUrl: proxy.url,
    logger: log,
    replicas,
  });
  const stopping = new AbortController();
  const running = scheduler.run({ signal: stopping.signal, handleSignals: false });
  const stop = async () => {
    const before = performance.now();
    stopping.abort();
    await running;
    return performance.now() - before;
  };
  try {
    await test({ scheduler, proxy, log, add, stop });
  } finally {
    await stop();
  }
}

const isRunning = ({ log }: Place) =>
  eventually("it runs", () => log.of("scheduler.running").length === 1);

/** Runs all at the same time, and reports every one that fails. */
async function all(cases: readonly { name: string; test: () => Promise<void> }[]): Promise<void> {
  const results = await Promise.allSettled(cases.map(({ test }) => test()));
  const failed = results.flatMap((result, at) =>
    result.status === "rejected" ? [`${cases[at]!.name}: ${result.reason}`] : []
  );
  assert.deepEqual(failed, []);
}

const both = (texts: readonly string[]) =>
  texts.flatMap((text) => HOW.map((how) => ({ text, how, name: `${how} at ${text}` })));

const AWAITS_OF_A_START = [
  "CONNECT ",
  "SUB heddle.scheduler.",
  "SUB heddle.control.reload",
  "SUB $SRV.",
  "$JS.API.STREAM.NAMES",
  "$JS.API.INFO",
  "$JS.API.STREAM.INFO.HEDDLE",
  "$JS.API.STREAM.MSG.GET.KV_",
  "$KV.",
];

/** Of the first that runs on a server. */
const AWAIT_OF_THE_FIRST_START = "$JS.API.STREAM.CREATE.KV_";

const AWAITS_OF_A_REPLICA = [
  "$JS.API.STREAM.NAMES",
  "$JS.API.STREAM.INFO.HEDDLE",
  "$JS.API.STREAM.MSG.GET.KV_",
  "$JS.API.CONSUMER.CREATE",
  ".replicas",
  "$KV.",
];

for (const replicas of [undefined, REPLICAS]) {
  const whose = replicas === undefined ? "a single scheduler" : "a replica";
  Deno.test(`${whose} is told to stop while its start waits for a server that is gone`, async () => {
    await using server = await startServer();
    const awaits = replicas === undefined ? AWAITS_OF_A_START : AWAITS_OF_A_REPLICA;
    const stopsAt = (texts: readonly string[]) =>
      all(
        both(texts).map(({ text, how, name }) => ({
          name,
          test: async () => {
            let isGone = false;
            await withScheduler(server, replicas, async ({ stop }) => {
              await eventually("it waits there", () => isGone);
              const took = await stop();
              assert.ok(took < MAX_IDLE_STOP_MS, `${took} ms`);
            }, (proxy) => void proxy.goneAt(text, how).then(() => isGone = true));
          },
        })),
      );
    await stopsAt([AWAIT_OF_THE_FIRST_START]);
    await stopsAt(awaits);
  });
}

/** What a stop asks of the server: checkpoints and leases, the end of subscriptions, a last PING. */
const AWAITS_OF_A_STOP = ["$KV.", ".replicas", "UNSUB ", "PING"];

for (const replicas of [undefined, REPLICAS]) {
  const whose = replicas === undefined ? "a single scheduler" : "a replica";
  Deno.test(`${whose} stops while the server is gone`, async () => {
    await using server = await startServer();
    await all(
      both(AWAITS_OF_A_STOP).map(({ text, how, name }) => ({
        name,
        test: () =>
          withScheduler(server, replicas, async (place) => {
            await isRunning(place);
            if (replicas !== undefined) {
              const { log } = place;
              await eventually(
                "it holds both",
                () => log.of("scheduler.lease_acquired").length >= 2,
              );
            }
            void place.proxy.goneAt(text, how);
            const took = await place.stop();
            assert.ok(took < MAX_IDLE_STOP_MS, `${took} ms`);
          }),
      })),
    );
  });
}

const AWAITS_OF_A_RELOAD = ["$JS.API.STREAM.NAMES", "$KV."];

Deno.test("a reload ends while the server is gone, and the next one too", async () => {
  await using server = await startServer();
  await all(
    both(AWAITS_OF_A_RELOAD).map(({ text, how, name }) => ({
      name,
      test: () =>
        withScheduler(server, undefined, async (place) => {
          await isRunning(place);
          const { proxy, scheduler, add, stop } = place;
          add("second");
          const gone = proxy.goneAt(text, how);
          const before = performance.now();
          assert.equal((await scheduler.ask({ action: "reload" }))?.status, "ok");
          await gone;
          assert.equal(scheduler.schedules.length, 2);
          const took = performance.now() - before;
          assert.ok(took < MAX_RELOAD_MS, `${took} ms`);
          add("third");
          const reload = scheduler.ask({ action: "reload" });
          const stopped = await stop();
          assert.ok(stopped < MAX_IDLE_STOP_MS, `the stop: ${stopped} ms`);
          await reload;
        }),
    })),
  );
});

const AWAITS_BEFORE_THE_TIMERS = ["$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.HEDDLE"];

Deno.test("a start does not wait for ever for a server that is gone: the timers start", async () => {
  await using server = await startServer();
  await all(
    both(AWAITS_BEFORE_THE_TIMERS).map(({ text, how, name }) => ({
      name,
      test: () =>
        withScheduler(server, undefined, async ({ scheduler, log, stop }) => {
          const isStarted = () => log.of("scheduler.running").length === 1;
          await eventually("it runs", isStarted, MAX_START_MS);
          assert.notEqual(scheduler.schedules[0]!.nextFire, null);
          await stop();
        }, (proxy) => void proxy.goneAt(text, how)),
    })),
  );
});
