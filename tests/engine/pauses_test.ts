import assert from "node:assert/strict";
import { Pauses } from "../../lib/engine/pauses.ts";
import { MemoryStore } from "../durable/memory_store.ts";

const pause = (entry: string | null) => ({ paused: true, entry });
const resume = (entry: string | null) => ({ paused: false, entry });

Deno.test("what is paused one by one, and what all together, is told apart", async () => {
  const pauses = new Pauses();
  assert.equal(await pauses.change(pause("a")), false); // nobody keeps it
  assert.deepEqual([pauses.has("a"), pauses.has("b")], [true, false]);
  await pauses.change(pause(null));
  assert.equal(pauses.has("b"), true);
  await pauses.change(resume(null));
  assert.deepEqual([pauses.all, pauses.has("a")], [false, false]);
});

Deno.test("a pause is kept, and another process finds it", async () => {
  const store = new MemoryStore();
  const one = new Pauses();
  one.keepIn(store, "s");
  assert.equal(await one.change(pause("a")), true);
  const two = new Pauses();
  two.keepIn(store, "s");
  await two.refresh();
  assert.equal(two.has("a"), true);
  const other = new Pauses();
  other.keepIn(store, "another scheduler");
  await other.refresh();
  assert.equal(other.has("a"), false);
});

Deno.test("replicas that are told the same, or different things, at once lose none of it", async () => {
  const store = new MemoryStore();
  const replicas = [new Pauses(), new Pauses(), new Pauses()];
  for (const each of replicas) each.keepIn(store, "s");
  await Promise.all([
    ...replicas.map((each) => each.change(pause("a"))),
    ...replicas.map((each, n) => each.change(pause(`b${n}`))),
  ]);
  for (const each of replicas) await each.refresh();
  for (const each of replicas) assert.deepEqual([...each.entries].sort(), ["a", "b0", "b1", "b2"]);
});

Deno.test("changes of one entry are kept in the order in which they were asked for", async () => {
  const store = new MemoryStore();
  const pauses = new Pauses();
  pauses.keepIn(store, "s");
  await Promise.all(
    [pause("a"), resume("a"), pause("a"), resume("a")].map((each) => pauses.change(each)),
  );
  await pauses.refresh();
  assert.equal(pauses.has("a"), false);
});

Deno.test("what was paused before there was a store is kept once there is one", async () => {
  const store = new MemoryStore();
  const before = new Pauses();
  before.keepIn(store, "s");
  await before.change(pause("kept"));
  const pauses = new Pauses();
  await pauses.change(pause("early"));
  pauses.keepIn(store, "s");
  await pauses.refresh();
  assert.deepEqual([...pauses.entries].sort(), ["early", "kept"]);
  await before.refresh();
  assert.equal(before.has("early"), true);
});

Deno.test("a pause that cannot be written holds here, and says so", async () => {
  const store = new MemoryStore();
  const pauses = new Pauses();
  pauses.keepIn(store, "s");
  store.isDown = true;
  await assert.rejects(pauses.change(pause("a")), /took the bucket away/);
  assert.equal(pauses.has("a"), true);
});

Deno.test("what another replica was told comes by itself", async () => {
  const store = new MemoryStore();
  const [told, follower] = [new Pauses(), new Pauses()];
  told.keepIn(store, "s");
  follower.keepIn(store, "s");
  const done = new AbortController();
  let changes = 0;
  const followed = follower.follow(done.signal, () => changes++);
  await told.change(pause("a"));
  assert.equal(follower.has("a"), true);
  await told.change(resume("a"));
  assert.deepEqual([follower.has("a"), changes], [false, 2]);
  done.abort();
  await followed;
});

Deno.test("a document that is none pauses nothing", async () => {
  for (const value of [{}, { all: "yes", entries: "a" }, { entries: [1, null, { a: 1 }] }]) {
    const store = new MemoryStore();
    await store.put("s.pauses", value, 0);
    const pauses = new Pauses();
    pauses.keepIn(store, "s");
    await pauses.refresh();
    assert.deepEqual([pauses.all, pauses.entries.size], [false, 0]);
  }
});
