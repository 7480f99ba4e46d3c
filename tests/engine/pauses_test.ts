import assert from "node:assert/strict";
import type { JsonObject } from "../../lib/bus/message_bus.ts";
import type { Revised } from "../../lib/bus/stream_bus.ts";
import { Pauses } from "../../lib/engine/pauses.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
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

Deno.test("a pause that cannot be written holds here, through what is read, until it is written", async () => {
  const store = new MemoryStore();
  const [pauses, other] = [new Pauses(), new Pauses()];
  for (const each of [pauses, other]) each.keepIn(store, "s");
  const done = new AbortController();
  const followed = pauses.follow(done.signal, () => {});
  store.isDown = true;
  await assert.rejects(pauses.change(pause("a")), /took the bucket away/);
  assert.equal(pauses.has("a"), true);
  store.isDown = false;
  await other.change(pause("b"));
  assert.deepEqual([...pauses.entries].sort(), ["a", "b"], "after the news of another replica");
  await pauses.refresh(); // as with each lease
  assert.deepEqual([...pauses.entries].sort(), ["a", "b"]);
  await other.refresh();
  assert.deepEqual([...other.entries].sort(), ["a", "b"], "it has been written");
  done.abort();
  await followed;
});

Deno.test("where it can be read and not written, a refresh is done, and what is unstored stays", async () => {
  const store = new MemoryStore();
  const pauses = new Pauses();
  await pauses.change(pause("early"));
  pauses.keepIn(store, "s");
  store.losesAnswers = true;
  await pauses.refresh();
  assert.equal(pauses.has("early"), true);
  store.isDown = true;
  await assert.rejects(pauses.refresh(), /took the bucket away/);
  assert.equal(pauses.has("early"), true);
});

Deno.test("a write that failed is tried again until it succeeds", async () => {
  const store = new MemoryStore();
  const clock = new ManualClock("2026-03-01T08:00:00Z");
  const stop = new AbortController();
  const pauses = new Pauses();
  pauses.keepIn(store, "s", { clock, signal: stop.signal });
  store.isDown = true;
  await assert.rejects(pauses.change(pause("a")));
  await clock.advance(10_000);
  assert.equal(store.writes, 0);
  store.isDown = false;
  await clock.advance(2000);
  assert.deepEqual(store.values.get("s.pauses")!.value, { all: false, entries: ["a"] });
  await clock.advance(60_000);
  assert.equal(store.writes, 1);
  stop.abort();
});

Deno.test("a write that failed is not tried again after the end", async () => {
  const store = new MemoryStore();
  const clock = new ManualClock("2026-03-01T08:00:00Z");
  const stop = new AbortController();
  const pauses = new Pauses();
  pauses.keepIn(store, "s", { clock, signal: stop.signal });
  store.isDown = true;
  await assert.rejects(pauses.change(pause("a")));
  stop.abort();
  store.isDown = false;
  await clock.advance(60_000);
  assert.equal(store.writes, 0);
});

Deno.test("what was asked for later is not undone by the write of what was asked for before", async () => {
  const rows: [string, ReturnType<typeof pause>[], { all: boolean; entries: string[] }][] = [
    ["pause, resume", [pause("a"), resume("a")], { all: false, entries: [] }],
    ["resume, pause", [resume("a"), pause("a")], { all: false, entries: ["a"] }],
    ["one by one, then none", [pause("a"), pause("b"), resume(null)], { all: false, entries: [] }],
    ["none, then one", [resume(null), pause("a")], { all: false, entries: ["a"] }],
    ["none, then all", [pause("a"), resume(null), pause(null)], { all: true, entries: [] }],
    ["one and all", [pause("a"), pause(null)], { all: true, entries: ["a"] }],
  ];
  for (const [what, changes, expected] of rows) {
    const store = new MemoryStore();
    await store.put("s.pauses", { all: false, entries: ["old"] }, 0);
    const pauses = new Pauses();
    pauses.keepIn(store, "s");
    await pauses.refresh();
    store.isDown = true;
    for (const change of changes) await assert.rejects(pauses.change(change), what);
    store.isDown = false;
    await pauses.refresh();
    const isResumed = changes.some(({ entry, paused }) => entry === null && !paused);
    const entries = isResumed ? expected.entries : [...expected.entries, "old"].sort();
    assert.deepEqual(store.values.get("s.pauses")!.value, { ...expected, entries }, what);
    assert.deepEqual([pauses.all, [...pauses.entries].sort()], [expected.all, entries], what);
  }
});

/** A bucket whose news, and whose writes, come when the test lets them. */
class SlowStore extends MemoryStore {
  readonly news: (() => void)[] = [];
  /** Writes that wait. */
  readonly puts: (() => Promise<void>)[] = [];
  holdsNews = false;
  /** Whether a write is said to have failed, and arrives when the test lets it. */
  holdsPuts = false;

  override put(key: string, value: JsonObject, revision: number): Promise<number> {
    if (!this.holdsPuts) return super.put(key, value, revision);
    this.puts.push(async () => void await super.put(key, value, revision).catch(() => {}));
    return Promise.reject(new Error("No answer came in time"));
  }

  override watch(
    pattern: string,
    onValue: (key: string, revised: Revised) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return super.watch(pattern, (key, revised) => {
      if (this.holdsNews) this.news.push(() => onValue(key, revised));
      else onValue(key, revised);
    }, signal);
  }
}

Deno.test("of two pauses at once neither is undone for a moment by the news of the other", async () => {
  const store = new MemoryStore();
  const pauses = new Pauses();
  pauses.keepIn(store, "s");
  const done = new AbortController();
  const seen: string[][] = [];
  const followed = pauses.follow(done.signal, () => seen.push([...pauses.entries].sort()));
  const changes = [pause("a"), pause("b"), resume("a"), pause("c")].map((each) =>
    pauses.change(each)
  );
  await Promise.all(changes);
  assert.ok(seen.length > 0);
  for (const entries of seen) assert.deepEqual(entries, ["b", "c"]);
  done.abort();
  await followed;
});

Deno.test("news that comes late says nothing new", async () => {
  const store = new SlowStore();
  const pauses = new Pauses();
  pauses.keepIn(store, "s");
  const done = new AbortController();
  const followed = pauses.follow(done.signal, () => {});
  store.holdsNews = true;
  await pauses.change(pause("a"));
  await pauses.change(pause("b"));
  for (const tell of store.news) {
    tell();
    assert.deepEqual([...pauses.entries].sort(), ["a", "b"]);
  }
  done.abort();
  await followed;
});

Deno.test("a bucket that was made again is believed, though its revisions begin anew", async () => {
  const pauses = new Pauses();
  for (const entries of [["a", "b"], ["c"]]) {
    const store = new MemoryStore();
    const writer = new Pauses();
    for (const each of [writer, pauses]) each.keepIn(store, "s");
    for (const entry of entries) await writer.change(pause(entry));
    const done = new AbortController();
    const followed = pauses.follow(done.signal, () => {});
    assert.deepEqual([...pauses.entries].sort(), entries);
    done.abort();
    await followed;
    await pauses.refresh();
    assert.deepEqual([...pauses.entries].sort(), entries, "as it is read");
  }
});

Deno.test("a write that arrives after a later one was made changes nothing", async () => {
  const store = new SlowStore();
  const pauses = new Pauses();
  pauses.keepIn(store, "s");
  await pauses.change(pause("other"));
  store.holdsPuts = true;
  await assert.rejects(pauses.change(pause("a")), /No answer/);
  store.holdsPuts = false;
  await pauses.change(resume("a"));
  for (const arrive of store.puts) await arrive();
  await pauses.refresh();
  assert.deepEqual([...pauses.entries], ["other"]);
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
