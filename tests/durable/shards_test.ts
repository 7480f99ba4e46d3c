import assert from "node:assert/strict";
import { checkpointKey, keyPrefix, leaseKey } from "../../lib/durable/keys.ts";
import {
  assign,
  partitionOf,
  PARTITIONS,
  partitionsOf,
  shardOf,
} from "../../lib/durable/shards.ts";
import { fc } from "../deps.ts";

Deno.test("an entry's partition is fixed for ever: what is remembered is found again", () => {
  assert.deepEqual(
    ["nightly", "hourly_summarize", "health", "ü", ""].map(partitionOf),
    EXPECTED_PARTITIONS,
  );
});

/** Written down once; a scheduler that finds others has lost the memory of all before it. */
const EXPECTED_PARTITIONS = [68, 84, 68, 33, 1];

Deno.test("each partition belongs to one shard, whatever their number", () => {
  for (const shards of [1, 2, 3, 6, 7, 64, 128]) {
    const all = Array.from({ length: shards }, (_, shard) => partitionsOf(shard, shards)).flat();
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      Array.from({ length: PARTITIONS }, (_, p) => p),
    );
    for (const name of ["a", "b", "c"]) {
      assert.ok(partitionsOf(shardOf(name, shards), shards).includes(partitionOf(name)));
    }
  }
});

Deno.test("ten thousand entries spread evenly over six shards", () => {
  const counts = Array(6).fill(0);
  for (let n = 0; n < 10_000; n++) counts[shardOf(`entry-${n}`, 6)]++;
  assert.ok(Math.max(...counts) < 1.15 * Math.min(...counts), counts.join());
});

Deno.test("leases spread evenly, with the fewest moves", () => {
  assert.deepEqual(assign([null, null, null], ["b", "a"]), ["a", "a", "b"]);
  assert.deepEqual(assign(["a", "a", "a", "a"], ["a", "b"]), ["a", "a", "b", "b"]);
  assert.deepEqual(assign(["a", "a", "b", "c"], ["a", "b"]), ["a", "a", "b", "b"]);
  assert.deepEqual(assign(["gone"], ["a", "b"]), ["a"]);
  assert.deepEqual(assign(["b", "b", "a"], ["a", "b"]), ["b", "b", "a"]);
});

Deno.test("no replica gets two more than another, nobody gives up what it may keep, all agree", () => {
  const replica = fc.constantFrom("a", "b", "c", "d", "e");
  fc.assert(fc.property(
    fc.array(fc.option(replica), { minLength: 1, maxLength: 20 }),
    fc.uniqueArray(replica, { minLength: 1 }),
    (holders, replicas) => {
      const wanted = assign(holders, replicas);
      const countOf = (list: readonly (string | null)[], each: string) =>
        list.filter((holder) => holder === each).length;
      const counts = replicas.map((each) => countOf(wanted, each));
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
      for (const each of replicas) {
        const kept = wanted.filter((to, at) => to === each && holders[at] === each).length;
        assert.equal(kept, Math.min(countOf(holders, each), countOf(wanted, each)));
      }
      assert.deepEqual(assign(holders, replicas.toReversed()), wanted);
      assert.deepEqual(assign(wanted, replicas), wanted, "and then nothing moves any more");
    },
  ));
});

Deno.test("a key holds any scheduler's name, and no two names share one", () => {
  assert.equal(leaseKey("default_scheduler", 3), "default_scheduler.lease.3");
  assert.equal(checkpointKey("a.b c/ü", 7), "a=2Eb=20c=2F=C3=BC.memory.7");
  assert.notEqual(keyPrefix("a.b"), keyPrefix("a=2Eb"));
  assert.match(keyPrefix("it's (a) *name*!~"), /^[-/_=.a-zA-Z0-9]+$/);
});
