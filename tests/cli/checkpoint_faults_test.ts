/** What stands in the bucket and should not: the real program, a real server. */
import assert from "node:assert/strict";
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import type { KeyValue } from "../../lib/bus/stream_bus.ts";
import { leaseKey, memoryKey } from "../../lib/durable/keys.ts";
import { partitionOf } from "../../lib/durable/shards.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";

interface Place {
  store: KeyValue;
  /** Starts the program with entries that are due each second. */
  start(entries: readonly string[], ...args: string[]): Promise<Program>;
}

async function withBucket(test: (place: Place) => Promise<void>): Promise<void> {
  await using server = await startNatsServer({ jetstream: true });
  const { code, stderr } = await runProgram(["stream", "create", "--nats-url", server.url]);
  assert.equal(code, 0, stderr);
  const bus = new NatsBus({ servers: server.url, logger: new LogRecorder() });
  await bus.connect();
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  const started: Program[] = [];
  try {
    await test({
      store: (await bus.jetStream()).keyValue("heddle-scheduler", { replicas: 1 }),
      start: async (entries, ...args) => {
        const lines = entries.map((name) =>
          `  - { name: ${name}, cron: "* * * * * *", catch_up: all, dispatch_type: task,` +
          ` task: { worker_type: w } }`
        );
        await Deno.writeTextFile(config, ["name: s", "schedules:", ...lines, ""].join("\n"));
        const program = new Program(["--config", config, "--nats-url", server.url, ...args]);
        started.push(program);
        return program;
      },
    });
  } finally {
    for (const program of started) await program[Symbol.asyncDispose]();
    await Deno.remove(config);
    await bus.close();
  }
}

for (const args of [[], ["--replicas", "--lease-ttl", "1"]]) {
  const kind = args.length === 0 ? "alone" : "a replica";
  Deno.test(`a checkpoint and a lease out of range keep nobody from firing: ${kind}`, async () => {
    await withBucket(async ({ store, start }) => {
      const timing = "* * * * * * UTC";
      const now = Date.now();
      const entries = { damaged: [timing, now - 60_000, 1e300] };
      await store.put(memoryKey("s", partitionOf("damaged")), { term: 1e300, entries }, 0);
      const good = { term: null, entries: { good: [timing, now - 60_000, now - 60_000] } };
      await store.put(memoryKey("s", partitionOf("good")), good, 0);
      const lease = { holder: "b", term: 1e300, ttl: 1e300, shards: 1e300, firedUntil: 1e300 };
      await store.put(leaseKey("s", 0), lease, 0);
      assert.notEqual(partitionOf("damaged"), partitionOf("good"));

      const program = await start(["damaged", "good"], ...args);
      const firings = (name: string) =>
        program.log("scheduler.task_dispatched").filter(({ schedule }) => schedule === name);
      for (let n = 1; firings("damaged").length < 2 || firings("good").length < 50; n++) {
        await program.logged("scheduler.task_dispatched", n);
      }
      const [warning, ...others] = program.log("memory.read_failed");
      assert.deepEqual(others, []);
      assert.equal(warning!.key, memoryKey("s", partitionOf("damaged")));
      const terms = program.log("scheduler.lease_acquired").map(({ term }) => Number(term));
      assert.ok(terms.every((term) => Number.isSafeInteger(term) && term > 0), `${terms}`);
      assert.equal(terms.length, args.length === 0 ? 0 : 1);
    });
  });
}

Deno.test("an entry that was out of the file for a while is not caught up when it comes back", async () => {
  await withBucket(async ({ start }) => {
    const run = async (entries: string[], dispatches: number) => {
      const program = await start(entries);
      await program.logged("scheduler.task_dispatched", dispatches);
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0);
      return program;
    };
    await run(["away", "stays"], 4);
    await run(["stays"], 3);
    const began = Date.now();
    const back = await run(["away", "stays"], 6);
    const firings = back.log("scheduler.firing")
      .map(({ schedule, scheduled_for }) => ({ schedule, at: Date.parse(String(scheduled_for)) }));
    assert.ok(firings.every(({ at }) => at > 0), "each says what it was due for");
    const late = firings.filter(({ at }) => at < began).map(({ schedule }) => schedule);
    assert.equal(late.includes("away"), false, `${late}`);
  });
});
