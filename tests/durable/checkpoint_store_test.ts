/** What is remembered, and when it is written: on a manual clock. */
import assert from "node:assert/strict";
import { ConflictError } from "../../lib/bus/stream_bus.ts";
import { checkpointKey } from "../../lib/durable/keys.ts";
import { partitionOf } from "../../lib/durable/shards.ts";
import { ALL, DAY, HEALTH, NIGHTLY, setUp, START, stateOf } from "./checkpoints.ts";
import type { MemoryStore } from "./memory_store.ts";

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

Deno.test("two writes of one document at the same time both succeed", async () => {
  const { checkpoints, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  store.of("nightly")!.done(START + 1);
  const first = store.flush();
  store.of("nightly")!.done(START + 2);
  await Promise.all([first, store.flush()]);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 2]);
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

Deno.test("while an earlier write is in process, a document is tried once a second", async () => {
  const { checkpoints, store: bucket, advance, logger, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  let calls = 0;
  const { get, put } = bucket;
  bucket.get = (key) => {
    calls++;
    return get.call(bucket, key);
  };
  bucket.put = () => {
    calls++;
    return Promise.reject(new ConflictError("wrong last sequence"));
  };
  store.of("nightly")!.done(START + 1000);
  await advance(10_000);
  assert.ok(calls <= 22, `${calls} calls in ten seconds`);
  const [failed] = logger.of("memory.write_failed");
  assert.match(String(failed!.fields.error), /an earlier write of it is in process/);
  bucket.put = put;
  await advance(1100);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 1000]);
});

Deno.test("of a document that others write again and again each attempt ends", async () => {
  const { checkpoints, store: bucket, key } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  let calls = 0;
  const put = bucket.put.bind(bucket);
  bucket.put = async (at, value, revision) => {
    calls++;
    await put(key("nightly"), {}, bucket.values.get(key("nightly"))!.revision);
    return await put(at, value, revision);
  };
  store.of("nightly")!.done(START + 1000);
  await assert.rejects(store.flush(), ConflictError);
  assert.equal(calls, 4);
});

Deno.test("what a bucket has lost is written back", async () => {
  for (const what of ["purged", "made again", "restored", "one key deleted", "one key removed"]) {
    const { checkpoints, store: bucket, advance, key, written, logger } = setUp();
    const store = checkpoints();
    await store.open(ALL, [NIGHTLY, { name: "other", timing: "1" }], 3);
    store.of("other")!.done(START + 1);
    await store.flush();
    const restored = structuredClone(bucket.values);
    store.of("nightly")!.done(START + 2000);
    await store.flush();
    if (what.startsWith("one key")) bucket.values.delete(key("nightly"));
    else bucket.values.clear();
    if (what === "one key deleted") await bucket.put(key("nightly"), {}, 0);
    if (what === "made again") bucket.forgetRevisions();
    if (what === "restored") { for (const [at, value] of restored) bucket.values.set(at, value); }
    for (let times = 0; times < 2; times++) await store.check();
    await advance(2000);
    assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 2000], what);
    assert.deepEqual(written("other"), ["1", START, START + 1], what);
    assert.equal(bucket.values.get(key("nightly"))!.value.term, 3, what);
    assert.equal(logger.of("memory.lost").length, 1, what);
    const { writes } = bucket;
    for (let times = 0; times < 4; times++) await store.check();
    await advance(2000);
    assert.equal(bucket.writes, writes, `${what}: then nothing is to be done`);
  }
});

const MANY = Array.from({ length: 40 }, (_, n) => n)
  .map((n) => `${"a long name ".repeat(5)}${n}`)
  .map((name) => ({ name, timing: "60" }));
/** All in one document. */
const ONE = Array.from({ length: 20_000 }, (_, n) => `${"name".repeat(12)} ${n}`)
  .filter((name) => partitionOf(name) === 5)
  .map((name) => ({ name, timing: "60" }));

Deno.test("a document that is larger than a message has pages, and all of it is read again", async () => {
  const { checkpoints, store: bucket } = setUp();
  bucket.maxValueBytes = 2000;
  limitValues(bucket);
  const first = checkpoints();
  await first.open(ALL, ONE, 1);
  ONE.forEach(({ name }, n) => first.of(name)!.done(START + n));
  await first.flush();
  const key = checkpointKey("s", 5);
  const { pages } = bucket.values.get(key)!.value as { pages: number };
  assert.ok(pages > 4 && ONE.length > 100, `${pages} pages of ${ONE.length} entries`);
  assert.ok(bucket.values.has(`${key}.${pages - 1}`));
  for (const limit of [2000, 500, 1 << 20]) {
    bucket.maxValueBytes = limit;
    const next = checkpoints();
    await next.open(ALL, ONE, 2);
    ONE.forEach(({ name }, n) => assert.equal(next.of(name)!.last, START + n));
    next.of(ONE[0]!.name)!.done(START);
    await next.flush();
  }
});

Deno.test("a document that fits into a message is one, as it was", async () => {
  const { checkpoints, store: bucket } = setUp();
  const store = checkpoints();
  await store.open(ALL, ONE, 1);
  const { value } = bucket.values.get(checkpointKey("s", 5))!;
  assert.deepEqual(Object.keys(value), ["term", "entries"]);
  assert.equal(Object.keys(value.entries as object).length, ONE.length);
});

Deno.test("a writer that ends between two pages costs no entry its checkpoint", async () => {
  for (let after = 0; after < 12; after++) {
    const { checkpoints, store: bucket } = setUp();
    const first = checkpoints();
    await first.open(ALL, ONE, 1);
    ONE.forEach(({ name }, n) => first.of(name)!.done(START + n));
    await first.flush();
    bucket.maxValueBytes = 3000;
    limitValues(bucket);
    const put = bucket.put.bind(bucket);
    let left = after;
    bucket.put = (...args) => {
      return left-- > 0 ? put(...args) : Promise.reject(new Error("The test ended the writer"));
    };
    first.of(ONE[0]!.name)!.done(START + 1);
    await first.flush().catch(() => {});
    bucket.put = put;
    const next = checkpoints();
    await next.open(ALL, ONE, 2);
    ONE.forEach(({ name }, n) =>
      assert.ok(next.of(name)!.last! >= START + n, `${after} writes, ${name}`)
    );
  }
});

Deno.test("pages that a writer of one page left behind are read when they are needed again", async () => {
  const { checkpoints, store: bucket } = setUp();
  const key = checkpointKey("s", 5);
  bucket.maxValueBytes = 3000;
  limitValues(bucket);
  const first = checkpoints();
  await first.open(ALL, ONE, 1);
  await first.flush();
  const { revision } = bucket.values.get(key)!;
  await bucket.put(key, { term: 1, entries: {} }, revision); // an older version
  const next = checkpoints();
  await next.open(ALL, ONE, 2);
  assert.equal(next.of(ONE.at(-1)!.name)!.since, START);
  assert.ok((bucket.values.get(key)!.value.pages as number) > 1);
});

Deno.test("what fits into no page is said once, and keeps nothing else from being stored", async () => {
  const { checkpoints, store: bucket, logger, written } = setUp();
  bucket.maxValueBytes = 300;
  limitValues(bucket);
  const store = checkpoints();
  const long = { name: "x".repeat(1000), timing: "60" };
  await store.open(ALL, [long, ...MANY, NIGHTLY], 1);
  store.of(long.name)!.done(START + 1);
  store.of("nightly")!.done(START + 1);
  await store.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 1]);
  assert.equal(logger.of("memory.too_large").length, 1);
});

/** Refuses what is larger than a message, as a server does. */
function limitValues(bucket: MemoryStore): void {
  const put = bucket.put.bind(bucket);
  bucket.put = (key, value, revision) => {
    const { length } = new TextEncoder().encode(JSON.stringify(value));
    if (length <= bucket.maxValueBytes) return put(key, value, revision);
    return Promise.reject(new Error(`Maximum payload exceeded by "${key}": ${length}`));
  };
}
