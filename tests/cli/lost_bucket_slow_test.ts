/** The bucket is deleted, purged, or too small for what belongs into it: the real program, a real server. */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { BUCKET, checkpointKey, pausesKey } from "../../lib/durable/keys.ts";
import { partitionOf } from "../../lib/durable/shards.ts";
import { gaps, Place, SCHEDULER } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";

const TTL = 2000;
const REPLICAS = ["--replicas", "--lease-ttl", String(TTL / 1000)];
const STREAM = `KV_${BUCKET}`;

async function manager(place: Place) {
  return await jetstreamManager(await place.client());
}

/** Two replicas, the one that holds the lease first. */
async function twoReplicas(place: Place) {
  const both = ["a", "b"].map((name) => place.start(...REPLICAS, "--replica-name", name));
  const count = (at: number) => both[at]!.log("scheduler.task_dispatched").length;
  await eventually("one fires", () => Math.max(count(0), count(1)) >= 3);
  for (const each of both) await each.logged("scheduler.running");
  return count(0) > 0 ? [both[0]!, both[1]!] as const : [both[1]!, both[0]!] as const;
}

for (const what of ["deleted", "purged"] as const) {
  Deno.test(`a bucket that is ${what} under two replicas costs nothing, and terms grow`, async () => {
    await using place = await Place.open([
      "name: phase, interval_seconds: 0.7, catch_up: all",
      "name: nightly, interval_seconds: 86400",
      "name: held, interval_seconds: 86400",
    ]);
    const [holder, follower] = await twoReplicas(place);
    await place.ask({ action: "pause", entry: "held" });
    const nightly = await place.checkpointOf("nightly");
    const bucket = (await manager(place)).streams;
    await (what === "deleted" ? bucket.delete(STREAM) : bucket.purge(STREAM));
    await eventually("everything is there again", async () => {
      const found = await Promise.all([place.lease(0), place.checkpointOf("nightly")]);
      const pauses = await (await place.bucket()).get(pausesKey(SCHEDULER));
      return found.every((each) => each !== null) && pauses !== null;
    }, 7000);
    assert.deepEqual(await place.checkpointOf("nightly"), nightly);
    const pauses = (await (await place.bucket()).get(pausesKey(SCHEDULER)))!;
    assert.deepEqual(pauses.json(), { all: false, entries: ["held"] });
    holder.kill("SIGKILL");
    const acquired = await follower.logged("scheduler.lease_acquired");
    assert.equal(acquired.term, 2);
    await follower.logged("scheduler.task_dispatched", 3);
    const messages = (await place.stored()).filter(({ schedule }) => schedule === "phase");
    assert.ok(gaps(messages).every((gap) => gap === 700), String(gaps(messages)));
    assert.deepEqual(holder.log("scheduler.lease_lost"), []);
  });
}

Deno.test("a bucket that is deleted with its holder fires again within two TTLs", async () => {
  await using place = await Place.open([`name: each, cron: "* * * * * *"`]);
  const [holder, follower] = await twoReplicas(place);
  holder.kill("SIGKILL");
  await (await manager(place)).streams.delete(STREAM);
  const from = Date.now();
  const { timestamp } = await follower.logged("scheduler.firing");
  const after = Date.parse(timestamp) - from;
  assert.ok(after < 2 * TTL, `${after} ms`);
});

Deno.test("checkpoints that fit into no message have pages, and keep nothing from firing", async () => {
  const names = Array.from({ length: 12_000 }, (_, n) => `${"a-long-name-".repeat(5)}${n}`)
    .filter((name) => partitionOf(name) === partitionOf("each"));
  await using place = await Place.open([
    `name: each, cron: "* * * * * *", catch_up: all`,
    ...names.map((name) => `name: ${name}, interval_seconds: 86400`),
  ], { config: "max_payload: 4096" });
  const [holder, follower] = await twoReplicas(place);
  const key = checkpointKey(SCHEDULER, partitionOf("each"));
  const { pages } = (await (await place.bucket()).get(key))!.json<{ pages: number }>();
  assert.ok(pages >= 4, `${pages} pages`);
  holder.kill("SIGKILL");
  await follower.logged("scheduler.task_dispatched", 4);
  const messages = await place.stored();
  assert.ok(gaps(messages).every((gap) => gap === 1000), String(gaps(messages)));
});
