/** `stream create`, with the real program on real servers. */
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { startCluster } from "../chaos/cluster.ts";
import { eventually } from "../helpers/eventually.ts";
import { connect } from "../helpers/nats_client.ts";
import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { runProgram } from "../helpers/program.ts";

const GOALS = "heddle.goals.incoming";
const TASKS = "heddle.tasks.incoming";
const SECOND_NS = 1_000_000_000;
const BUCKET_STREAM = "KV_heddle-scheduler";

type Printed = { code: number; stdout: string; stderr: string };

interface Place {
  server: NatsServer;
  manager: JetStreamManager;
  /** Runs `stream create` with more arguments. */
  create(...args: string[]): Promise<Printed>;
  config(name?: string): Promise<StreamConfig>;
}

async function withServer(test: (place: Place) => Promise<void>): Promise<void> {
  await using server = await startNatsServer({ jetstream: true });
  await at(server, test);
}

async function at(server: NatsServer, test: (place: Place) => Promise<void>): Promise<void> {
  const client = await connect({ servers: server.url });
  try {
    const manager = await jetstreamManager(client, { checkAPI: false });
    await test({
      server,
      manager,
      create: (...args) => runProgram(["stream", "create", "--nats-url", server.url, ...args]),
      config: async (name = "HEDDLE") => (await manager.streams.info(name)).config,
    });
  } finally {
    await client.close();
  }
}

Deno.test("more copies than a server without a cluster can keep are refused, and the stream outlives a restart", async () => {
  await withServer(async ({ server, create, config }) => {
    assert.equal((await create()).code, 0);
    const { code, stdout, stderr } = await create("--copies", "3");
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Cannot change the stream "HEDDLE": .*3 copies.* in no cluster$/m);
    assert.equal((await config()).num_replicas, 1);
    await server.restart("SIGTERM");
    await at(server, async ({ config }) => {
      assert.deepEqual((await config()).subjects, [GOALS, TASKS]);
    });
  });
});

Deno.test("a stream that claims copies which its server cannot keep is named, and corrected", async () => {
  await withServer(async ({ manager, create, config }) => {
    await create();
    try {
      await manager.streams.update("HEDDLE", { num_replicas: 3 });
    } catch (error) {
      assert.match(String(error), /not supported in non-clustered mode/);
      return; // a newer server
    }
    const { code, stderr } = await create();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /"HEDDLE" says 3 copies, and its server is in no cluster.*--copies 1/);
    const { stdout } = await create("--copies", "1");
    assert.match(stdout, /copies: 3 → 1/);
    assert.equal((await config()).num_replicas, 1);
  });
});

Deno.test("of a stream that exists only what is given changes, and it is printed as old → new", async () => {
  await withServer(async ({ manager, create, config }) => {
    const subjects = ["heddle.goals.>", "heddle.results.>"];
    await manager.streams.add({ name: "HEDDLE", subjects, max_msgs: 77, description: "mine" });
    const before = await config();
    const first = await create();
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(first.stdout.split("\n"), [
      'Changed stream "HEDDLE":',
      `  subjects: heddle.goals.>, heddle.results.> → heddle.goals.>, heddle.results.>, ${TASKS}`,
    ]);
    assert.deepEqual(await config(), { ...before, subjects: [...subjects, TASKS] });
    const again = await create();
    assert.equal(
      again.stdout,
      `The stream "HEDDLE" stays as it is: captures heddle.goals.>, heddle.results.>, ${TASKS}; ` +
        "1 copy, drops duplicates for 120 s",
    );
    const { stdout } = await create("--duplicate-window", "10m", "--max-bytes", "1000000");
    assert.deepEqual(stdout.split("\n"), [
      'Changed stream "HEDDLE":',
      "  duplicate window: 120 s → 600 s",
      "  max bytes: no limit → 1000000",
    ]);
    assert.deepEqual(await config(), {
      ...before,
      subjects: [...subjects, TASKS],
      duplicate_window: 600 * SECOND_NS,
      max_bytes: 1_000_000,
    });
  });
});

Deno.test("--dry-run prints what would change, and changes nothing", async () => {
  await withServer(async ({ manager, create, config }) => {
    const none = await create("--dry-run");
    assert.match(none.stdout, /^Would create stream "HEDDLE": captures .* 3 copies \(without a /);
    assert.deepEqual(await manager.streams.names().next(), []);
    await manager.streams.add({ name: "HEDDLE", subjects: ["heddle.goals.>"] });
    const before = await config();
    const { code, stdout } = await create("--dry-run", "--max-age", "1d");
    assert.deepEqual([code, stdout.split("\n")], [0, [
      'Would change stream "HEDDLE":',
      "  max age: no limit → 86400 s",
      `  subjects: heddle.goals.> → heddle.goals.>, ${TASKS}`,
    ]]);
    assert.deepEqual(await config(), before);
    assert.deepEqual(await manager.streams.names().next(), ["HEDDLE"]);
  });
});

Deno.test("--subject chooses what is captured; a wider one takes the place of those that it covers", async () => {
  await withServer(async ({ create, config }) => {
    await create("--subject", GOALS, "--subject", "results.>");
    assert.deepEqual((await config()).subjects, [GOALS, "results.>"]);
    const { stdout } = await create("--subject", "heddle.*.incoming");
    assert.match(stdout, /subjects: .* → results.>, heddle.\*.incoming/);
    assert.deepEqual((await config()).subjects, ["results.>", "heddle.*.incoming"]);
    const own = await create("--name", "ORDERS", "--subject", "orders.>");
    assert.equal(own.code, 0, own.stderr);
    assert.deepEqual((await config("ORDERS")).subjects, ["orders.>"]);
    for (const subject of ["$JS.API.>", "_INBOX.>", "heddle.scheduler.>", "heddle.control.*"]) {
      const { code, stderr } = await create("--subject", subject);
      assert.equal(code, 2);
      assert.match(stderr, /Subjects that begin with ".*" are reserved/);
    }
    const malformed = await create("--subject", "a b");
    assert.equal(malformed.code, 2);
    assert.match(malformed.stderr, /words joined by dots/);
  });
});

Deno.test("another stream that captures the subject is named, also in a dry run", async () => {
  await withServer(async ({ manager, create }) => {
    await manager.streams.add({ name: "OTHER", subjects: ["heddle.tasks.>"] });
    for (const args of [[], ["--dry-run"]]) {
      const { code, stderr } = await create(...args);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^Cannot capture "heddle.tasks.incoming" with the stream "HEDDLE": the stream "OTHER" captures "heddle.tasks.>" already; use that one \(--name OTHER\)/m,
      );
    }
    assert.equal((await create("--subject", GOALS)).code, 0);
  });
});

Deno.test("a message that is kept for less than ten minutes is a duplicate for as long", async () => {
  await withServer(async ({ create, config }) => {
    const { code, stderr } = await create("--max-age", "5m");
    assert.equal(code, 0, stderr);
    assert.equal((await config()).duplicate_window, 300 * SECOND_NS);
  });
});

Deno.test("among more streams than the server lists at once, its own and those that overlap are found", async () => {
  await withServer(async ({ manager, create, config }) => {
    const numbers = Array.from({ length: 1100 }, (_, n) => n);
    await Promise.all(
      numbers.map((n) =>
        manager.streams.add({ name: `A${n}`, subjects: [`a.${n}`, `b.${n}`], storage: "memory" })
      ),
    );
    await manager.streams.add({ name: "ZZZ", subjects: [`${GOALS}.>`, TASKS], storage: "memory" });
    const overlap = await create();
    assert.match(overlap.stderr, /the stream "ZZZ" captures .* already/);
    const own = await create("--name", "ZZZ", "--duplicate-window", "10m");
    assert.equal(own.code, 0, own.stderr);
    assert.equal((await config("ZZZ")).duplicate_window, 600 * SECOND_NS);
    const all = await create("--name", "ALL", "--subject", "*.>", "--subject", GOALS);
    assert.match(all.stderr, /the stream "A\d+" captures/);
  });
});

Deno.test("the bucket has as many copies as the stream, also when the stream gets more", async () => {
  const servers = await startCluster(3);
  try {
    await at(servers[0]!, async ({ create, config }) => {
      await eventually("the cluster creates a stream", async () => {
        return (await create("--copies", "1")).code === 0;
      });
      assert.equal((await config(BUCKET_STREAM)).num_replicas, 1);
      const { code, stdout, stderr } = await create("--copies", "3");
      assert.equal(code, 0, stderr);
      assert.match(stdout, /Changed bucket "heddle-scheduler":\n {2}copies: 1 → 3/);
      for (const name of ["HEDDLE", BUCKET_STREAM]) {
        assert.equal((await config(name)).num_replicas, 3, name);
      }
      await create("--max-age", "1d");
      assert.equal((await config(BUCKET_STREAM)).num_replicas, 3);
    });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});
