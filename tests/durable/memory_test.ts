import assert from "node:assert/strict";
import { FiringMemory } from "../../lib/durable/firing_memory.ts";
import { memoryKey } from "../../lib/durable/keys.ts";
import { partitionOf, partitionsOf } from "../../lib/durable/shards.ts";
import { sameTimingText } from "../../lib/schedule/timing_text.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { MemoryStore } from "./memory_store.ts";

const ALL = partitionsOf(0, 1);
const NIGHTLY = { name: "nightly", timing: "0 2 * * * UTC" };
const START = Date.parse("2026-01-01T00:00:00Z");

function setUp() {
  const store = new MemoryStore();
  const clock = new ManualClock(START);
  const logger = new LogRecorder();
  const memory = () =>
    new FiringMemory({ store, scheduler: "s", clock, logger, sameTiming: sameTimingText });
  const written = (name: string) => {
    const { value } = store.values.get(memoryKey("s", partitionOf(name)))!;
    return (value.entries as Record<string, unknown>)[name];
  };
  return { store, clock, logger, memory, written };
}

Deno.test("what is new is known from its first sight on, before anything fires", async () => {
  const { memory, written } = setUp();
  const known = await memory().open(ALL, [NIGHTLY], null);
  assert.deepEqual(known.get("nightly"), {
    timing: NIGHTLY.timing,
    since: START,
    last: null,
    isNew: true,
  });
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, null]);
});

Deno.test("the next scheduler knows what the one before fired last", async () => {
  const { memory, clock } = setUp();
  const first = memory();
  await first.open(ALL, [NIGHTLY], null);
  await clock.advance(5000);
  first.done("nightly", START + 4000);
  await first.flush();
  const known = await memory().open(ALL, [NIGHTLY], null);
  assert.deepEqual(known.get("nightly"), {
    timing: NIGHTLY.timing,
    since: START,
    last: START + 4000,
    isNew: false,
  });
});

Deno.test("another timing begins anew, and still nothing that fired fires again", async () => {
  const { memory, clock } = setUp();
  const first = memory();
  await first.open(ALL, [NIGHTLY], null);
  first.done("nightly", START + 1);
  await first.flush();
  await clock.advance(60_000);
  const known = await memory().open(ALL, [{ ...NIGHTLY, timing: "300" }], null);
  assert.deepEqual(known.get("nightly"), {
    timing: "300",
    since: START + 60_000,
    last: START + 1,
    isNew: true,
  });
});

Deno.test("other words for the same timing are no other timing, and are stored", async () => {
  const { memory, clock, written } = setUp();
  const timing = "0 2 * * * Europe/Kiev";
  const first = memory();
  await first.open(ALL, [{ ...NIGHTLY, timing }], null);
  first.done("nightly", START + 1);
  await first.flush();
  await clock.advance(60_000);
  const other = "0  2 * * * Europe/Kyiv";
  const known = await memory().open(ALL, [{ ...NIGHTLY, timing: other }], null);
  const kept = { timing: other, since: START, last: START + 1 };
  assert.deepEqual(known.get("nightly"), { ...kept, isNew: false });
  assert.deepEqual(written("nightly"), Object.values(kept));
});

Deno.test("however often entries fire, each document is written once a second", async () => {
  const { memory, store, clock } = setUp();
  const open = memory();
  const entries = Array.from({ length: 1000 }, (_, n) => ({ name: `e${n}`, timing: "1" }));
  await open.open(ALL, entries, null);
  const before = store.writes;
  for (let tenth = 1; tenth <= 30; tenth++) {
    for (const { name } of entries) open.done(name, START + tenth * 100);
    await clock.advance(100);
  }
  const documents = new Set(entries.map(({ name }) => partitionOf(name))).size;
  const rounds = (store.writes - before) / documents;
  assert.ok(rounds >= 3 && rounds <= 4, `${rounds} rounds in three seconds`);
});

Deno.test("while the bucket is away nothing is forgotten, and the log says so once", async () => {
  const { memory, store, clock, logger, written } = setUp();
  const open = memory();
  await open.open(ALL, [NIGHTLY], null);
  store.isDown = true;
  open.done("nightly", START + 1000);
  await clock.advance(5000);
  assert.equal(
    logger.of("memory.write_failed").filter(({ level }) => level === "warning").length,
    1,
  );
  store.isDown = false;
  await clock.advance(2000);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 1000]);
});

Deno.test("two that write the same document both keep what they saw", async () => {
  const { memory, written } = setUp();
  const other = [NIGHTLY.name, "x"].map((name) => ({ name, timing: NIGHTLY.timing }));
  const [a, b] = [memory(), memory()];
  await a.open(ALL, other, null);
  await b.open(ALL, other, null);
  a.done("nightly", START + 2000);
  b.done("nightly", START + 1000);
  await a.flush();
  await b.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 2000]);
});

Deno.test("a holder of an older term does not overwrite what a newer one has written", async () => {
  const { memory, written } = setUp();
  const [old, young] = [memory(), memory()];
  await old.open(ALL, [NIGHTLY], 1);
  await young.open(ALL, [NIGHTLY], 2);
  young.done("nightly", START + 5000);
  await young.flush();
  old.done("nightly", START + 9000);
  await old.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, START + 5000]);
});

Deno.test("an entry that left the file is forgotten after a month, one that is in it never", async () => {
  const { memory, clock, written } = setUp();
  const kept = { name: "health", timing: "1" }; // of the same document
  const first = memory();
  await first.open(ALL, [NIGHTLY, kept], null);
  await clock.advance(31 * 24 * 3600 * 1000);
  const next = memory();
  await next.open(ALL, [kept], null);
  next.done("health", clock.now());
  await next.flush();
  assert.notEqual(written("health"), undefined);
  assert.equal(written("nightly"), undefined);
});

Deno.test("a document that somebody has mangled is as if it were not there", async () => {
  const { memory, store } = setUp();
  const key = memoryKey("s", partitionOf("nightly"));
  await store.put(key, { entries: { nightly: ["1", "yesterday"], x: null, y: {} } }, 0);
  const known = await memory().open(ALL, [NIGHTLY], null);
  assert.equal(known.get("nightly")?.isNew, true);
});
