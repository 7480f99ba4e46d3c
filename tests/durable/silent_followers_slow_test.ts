/** A bucket whose followers say nothing: its leader stores nothing, and answers all the same. */
import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { BUCKET } from "../../lib/durable/keys.ts";
import { startCluster } from "../chaos/cluster.ts";
import { sleep } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";
import { connect } from "../helpers/nats_client.ts";
import type { NatsServer } from "../helpers/nats_server.ts";
import { Program } from "../helpers/program.ts";

/** For renewals, reads, checkpoints and dispatches together, by far. */
const MAX_MESSAGES_PER_SECOND = 50;
/** Some renewals, one of which is in process when the next is sent. */
const SILENCE_MS = 4000;

/** Creates the stream and the bucket, with a copy on each node, and returns the bucket's leader. */
async function leaderOf(nodes: readonly NatsServer[]): Promise<string> {
  const client = await connect({ servers: nodes[0]!.url });
  try {
    const { streams } = await jetstreamManager(client, { checkAPI: false, timeout: 500 });
    const wanted = { num_replicas: nodes.length };
    await eventually("the cluster keeps streams", async () => {
      try {
        await streams.add({ name: "HEDDLE", subjects: ["heddle.tasks.incoming"], ...wanted });
        await new Kvm(jetstream(client)).create(BUCKET, { replicas: nodes.length, history: 1 });
        return true;
      } catch {
        return false; // there is no leader yet
      }
    }, 20_000);
    return (await streams.info(`KV_${BUCKET}`)).cluster!.leader!;
  } finally {
    await client.close();
  }
}

Deno.test("while the bucket's followers are silent its leader is asked seldom, and the holder goes on after that", async () => {
  const nodes = await startCluster(3);
  const directory = await Deno.makeTempDir({ prefix: "heddle-silent-" });
  try {
    const leader = nodes[Number((await leaderOf(nodes)).slice(1))]!;
    const config = `${directory}/schedules.yaml`;
    await Deno.writeTextFile(
      config,
      "name: silent\nschedules:\n" +
        "  - { name: a, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }\n",
    );
    await using program = new Program([
      ...["--config", config, "--nats-url", leader.url, "--replicas", "--lease-ttl", "2"],
    ]);
    const dispatched = () => program.log("scheduler.task_dispatched").length;
    await program.logged("scheduler.task_dispatched", 5, 15_000);
    const client = await connect({ servers: leader.url });
    try {
      let messages = 0;
      client.subscribe(">", { callback: () => void messages++ });
      await client.flush();
      const followers = nodes.filter((node) => node !== leader);
      const since = performance.now();
      for (const node of followers) node.signal("SIGSTOP");
      await sleep(SILENCE_MS);
      const perSecond = messages * 1000 / (performance.now() - since);
      const before = dispatched();
      for (const node of followers) node.signal("SIGCONT");
      assert.ok(perSecond < MAX_MESSAGES_PER_SECOND, `${perSecond} messages a second`);
      await eventually("it dispatches again", () => dispatched() >= before + 5, 15_000);
    } finally {
      await client.close();
    }
  } finally {
    for (const node of nodes) node.signal("SIGCONT");
    await Promise.all(nodes.map((node) => node.stop()));
    await Deno.remove(directory, { recursive: true });
  }
});
