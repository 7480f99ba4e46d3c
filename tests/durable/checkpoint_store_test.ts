/** What is remembered, and when it is written: on a manual clock. */
import assert from "node:assert/strict";
import { partitionOf } from "../../lib/durable/shards.ts";
import { ALL, DAY, HEALTH, NIGHTLY, setUp, START, stateOf } from "./checkpoints.ts";

Deno.test("what is new is known from its first sight on, before anything fires", async () => {
  const { checkpoints, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  assert.deepEqual(stateOf(store, "nightly"), {
    timing: NIGHTLY.timing,
    since: START,
    last: null,
    isNew: true,
  });
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, null]);
});

Deno.test("the next scheduler knows what the one before fired last", async () => {
  const { checkpoints, advance } = setUp();
  const first = checkpoints();
  await first.open(ALL, [NIGHTLY], null);
  await advance(5000);
  first.of("nightly")!.done(START + 4000);
  await first.flush();
  const next = checkpoints();
  await next.open(ALL, [NIGHTLY], null);
  assert.deepEqual(stateOf(next, "nightly"), {
    timing: NIGHTLY.timing,
    since: START,
    last: START + 4000,
    isNew: false,
  });
});

Deno.test("another timing begins anew, and still nothing that fired fires again", async () => {
  const { checkpoints, advance } = setUp();
  const first = checkpoints();
  await first.open(ALL, [NIGHTLY], null);
  first.of("nightly")!.done(START + 1);
  await first.flush();
  await advance(60_000);
  const next = checkpoints();
  await next.open(ALL, [{ ...NIGHTLY, timing: "300" }], null);
  assert.deepEqual(stateOf(next, "nightly"), {
    timing: "300",
    since: START + 60_000,
    last: START + 1,
    isNew: true,
  });
});

Deno.test("other words for the same timing are no other timing, and are stored", async () => {
  const { checkpoints, advance, written } = setUp();
  const first = checkpoints();
  await first.open(ALL, [{ ...NIGHTLY, timing: "0 2 * * * Europe/Kiev" }], null);
  first.of("nightly")!.done(START + 1);
  await first.flush();
  await advance(60_000);
  const timing = "0  2 * * * Europe/Kyiv";
  const next = checkpoints();
  await next.open(ALL, [{ ...NIGHTLY, timing }], null);
  const kept = { timing, since: START, last: START + 1 };
  assert.deepEqual(stateOf(next, "nightly"), { ...kept, isNew: false });
  assert.deepEqual(written("nightly"), Object.values(kept));
});

Deno.test("an entry is new until its job has begun, however often the configuration is read", async () => {
  const { checkpoints } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  await store.learn([NIGHTLY, HEALTH]);
  const checkpoint = store.of("nightly")!;
  assert.equal(checkpoint.isNew, true);
  checkpoint.begun();
  assert.equal(checkpoint.isNew, false);
  await store.learn([NIGHTLY]);
  assert.equal(store.of("nightly"), checkpoint);
  assert.equal(checkpoint.isNew, false);
});

Deno.test("an entry whose first write's answer was lost is still new at the next try", async () => {
  const { checkpoints, store: bucket, written } = setUp();
  const store = checkpoints();
  bucket.losesAnswers = true;
  await assert.rejects(store.open(ALL, [NIGHTLY], 1), /lost the answer/);
  bucket.losesAnswers = false;
  await store.open(ALL, [NIGHTLY], 1);
  assert.equal(store.of("nightly")!.isNew, true);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, null]);
});

Deno.test("what cannot be written when the configuration is read is written behind", async () => {
  const { checkpoints, store: bucket, advance, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  bucket.isDown = true;
  await assert.rejects(store.learn([NIGHTLY, HEALTH]));
  bucket.isDown = false;
  await advance(2000);
  assert.deepEqual(written("health"), ["1", START, null]);
});

Deno.test("however often entries fire, each document is written once a second", async () => {
  const { checkpoints, store: bucket, advance } = setUp();
  const store = checkpoints();
  const entries = Array.from({ length: 1000 }, (_, n) => ({ name: `e${n}`, timing: "1" }));
  await store.open(ALL, entries, null);
  const before = bucket.writes;
  for (let tenth = 1; tenth <= 30; tenth++) {
    for (const { name } of entries) store.of(name)!.done(START + tenth * 100);
    await advance(100);
  }
  const documents = new Set(entries.map(({ name }) => partitionOf(name))).size;
  const rounds = (bucket.writes - before) / documents;
  assert.ok(rounds >= 3 && rounds <= 4, `${rounds} rounds in three seconds`);
});

Deno.test("while the bucket is away nothing is forgotten, and the log says so once", async () => {
  const { checkpoints, store: bucket, advance, logger, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  bucket.isDown = true;
  store.of("nightly")!.done(START + 1000);
  await advance(5000);
  assert.equal(
    logger.of("memory.write_failed").filter(({ level }) => level === "warning").length,
    1,
  );
  bucket.isDown = false;
  await advance(2000);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 1000]);
});

Deno.test("a store that was stopped tries nothing any more, though the bucket stays away", async () => {
  const { checkpoints, store: bucket, advance } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  bucket.isDown = true;
  let tries = 0;
  bucket.put = () => {
    tries++;
    return Promise.reject(new Error("The test took the bucket away"));
  };
  store.of("nightly")!.done(START + 1000);
  await advance(5000);
  assert.ok(tries >= 5, `${tries} tries`);
  const before = tries;
  store.stop();
  store.of("nightly")!.done(START + 5000);
  await advance(60_000);
  assert.equal(tries, before);
});

Deno.test("two that write the same document both keep what they saw", async () => {
  const { checkpoints, written } = setUp();
  const other = [NIGHTLY.name, "x"].map((name) => ({ name, timing: NIGHTLY.timing }));
  const [a, b] = [checkpoints(), checkpoints()];
  await a.open(ALL, other, null);
  await b.open(ALL, other, null);
  a.of("nightly")?.done(START + 2000);
  b.of("nightly")?.done(START + 1000);
  await a.flush();
  await b.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 2000]);
});

Deno.test("a holder of an older term does not overwrite what a newer one has written", async () => {
  const { checkpoints, written } = setUp();
  const [old, young] = [checkpoints(), checkpoints()];
  await old.open(ALL, [NIGHTLY], 1);
  await young.open(ALL, [NIGHTLY], 2);
  young.of("nightly")?.done(START + 5000);
  await young.flush();
  old.of("nightly")?.done(START + 9000);
  await old.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 5000]);
});

Deno.test("what is done once the document is closed changes nothing, also in the next one", async () => {
  const { checkpoints, advance, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], 1);
  const checkpoint = store.of("nightly")!;
  store.close(ALL);
  assert.equal(store.of("nightly"), null);
  store.of("nightly")?.done(START + 1000);
  checkpoint.done(START + 2000);
  checkpoint.anchor(START + 3000, null);
  await store.open(ALL, [NIGHTLY], 2);
  checkpoint.done(START + 4000);
  await advance(2000);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, null]);
});

Deno.test("a running interval's phase becomes what is remembered", async () => {
  const { checkpoints, advance, written } = setUp();
  const store = checkpoints();
  await advance(60_000);
  await store.open(ALL, [HEALTH], null);
  store.of("health")!.anchor(START + 68, START + 45_068);
  await advance(2000);
  assert.deepEqual(written("health"), ["1", START + 68, START + 45_068]);
  store.of("health")!.anchor(START + 68, START + 30_068);
  await store.flush();
  assert.deepEqual(written("health"), ["1", START + 68, START + 45_068], "nothing fires twice");
});

Deno.test("an entry that left the file is forgotten after a month, one that is in it never", async () => {
  const { checkpoints, clock, advance, written } = setUp();
  const first = checkpoints();
  await first.open(ALL, [NIGHTLY, HEALTH], null);
  await advance(31 * DAY);
  const next = checkpoints();
  await next.open(ALL, [HEALTH], null);
  next.of("health")?.done(clock.now());
  await next.flush();
  assert.notEqual(written("health"), undefined);
  assert.equal(written("nightly"), undefined);
});

Deno.test("the entries are asked for once the documents are read, as they are then", async () => {
  const { checkpoints, store: bucket } = setUp();
  const store = checkpoints();
  let current = [NIGHTLY];
  const get = bucket.get.bind(bucket);
  bucket.get = (key) => {
    current = [NIGHTLY, HEALTH]; // a reload
    return get(key);
  };
  await store.open(ALL, { [Symbol.iterator]: () => current[Symbol.iterator]() }, null);
  assert.notEqual(store.of("health"), null);
});
