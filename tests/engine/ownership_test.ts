/** Which jobs fire here: by leases and checkpoints, on a bucket that the test slows down and breaks. */
import assert from "node:assert/strict";
import type { Revised } from "../../lib/bus/stream_bus.ts";
import type { JsonObject } from "../../lib/bus/message_bus.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { CheckpointStore } from "../../lib/durable/checkpoint_store.ts";
import { checkpointKey } from "../../lib/durable/keys.ts";
import type { Lease, LeaseState } from "../../lib/durable/lease.ts";
import { NOBODY } from "../../lib/durable/owner.ts";
import { partitionOf, shardOf } from "../../lib/durable/shards.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { JobTable } from "../../lib/engine/job_table.ts";
import { Ownership } from "../../lib/engine/ownership.ts";
import { sameTimingText, timingText } from "../../lib/schedule/timing_text.ts";
import { ManualClock, settle } from "../../lib/time/manual_clock.ts";
import { MemoryStore } from "../durable/memory_store.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { SwitchableBus } from "./switchable_bus.ts";
import { expandedOf } from "../helpers/expanded.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const SHARDS = 2;

/** A bucket that answers when the test says so. */
class SlowStore extends MemoryStore {
  /** What is to happen before a document is read or written. */
  readonly before = new Map<string, () => Promise<void> | void>();
  #isSlow = false;
  #waiting: (() => void)[] = [];

  /** From now on reads wait until {@link SlowStore.answer}. */
  slow(): void {
    this.#isSlow = true;
  }

  answer(): void {
    this.#isSlow = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  override async get(key: string): Promise<Revised | null> {
    // What is read is what is there when the answer leaves.
    const found = await super.get(key);
    if (this.#isSlow) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return found;
  }

  override async put(key: string, value: JsonObject, revision: number): Promise<number> {
    await this.before.get(`put ${key}`)?.();
    return await super.put(key, value, revision);
  }
}

/** Names that belong to a lease, the first that are found. */
function namesOf(shard: number, count: number): string[] {
  const names = Array.from({ length: 100 }, (_, index) => `entry-${index}`);
  return names.filter((name) => shardOf(name, SHARDS) === shard).slice(0, count);
}
const [A, B, C] = namesOf(0, 3) as [string, string, string];
const [X, Y] = namesOf(1, 2) as [string, string];

const keyOf = (name: string) => checkpointKey("s", partitionOf(name));

interface SetUp {
  store?: SlowStore;
  clock?: ManualClock;
  /** Null without leases. */
  shards?: number | null;
}

/** One process, that loads entries and fires what is due when it is told to. */
function setUp(
  { store = new SlowStore(), clock = new ManualClock(START), shards = 2 }: SetUp = {},
) {
  store.now = () => clock.now();
  const log = new LogRecorder();
  const bus = new SwitchableBus();
  const reloads: string[] = [];
  const dispatcher = new Dispatcher({
    scheduler: "s",
    bus,
    expander: { expand: () => Promise.resolve(expandedOf([{}])) },
    clock,
    logger: log,
  });
  const told: string[] = [];
  const table = new JobTable({
    clock,
    logger: log,
    hasReplicas: shards !== null,
    onMissed: ({ name }, { count }) => told.push(`${name}: ${count}`),
  });
  const ownership = new Ownership({
    table,
    dispatcher,
    clock,
    logger: log,
    pauses: { refresh: () => store.get("s.pauses").then(() => {}) },
    shards,
    drainTimeout: 1000,
    reload: (reason) => Promise.resolve(reloads.push(reason)),
    onChange: () => {},
  });
  const newStore = () =>
    new CheckpointStore({ store, scheduler: "s", clock, logger: log, sameTiming: sameTimingText });
  if (shards !== null) ownership.useStore(newStore());
  /** Makes a reload ready, as the engine does; call what it returns to put it in use. */
  const prepare = async (...entries: ScheduleEntry[]) => {
    await ownership.prepare(entries);
    const draft = await table.prepare(entries, ownership);
    return async () => {
      dispatcher.removed(table.swap(draft, ownership));
      await ownership.complete();
    };
  };
  /** At the start, and then as a reload. */
  const load = async (...entries: ScheduleEntry[]) => {
    if (table.jobs.length > 0) return await (await prepare(...entries))();
    table.swap(await table.prepare(entries, ownership), ownership);
  };
  const secondOf = (instant: number) => (instant - START) / 1000;
  /** Fires what is due by now: `name@second`. */
  const fire = () => {
    const dues: string[] = [];
    while (
      table.takeDue(clock.now(), (job, due) => {
        dues.push(`${job.name}@${secondOf(due.scheduledFor)}`);
        dispatcher.due(job, due);
      })
    );
    return dues;
  };
  /** Lets seconds pass, and fires what comes due. */
  const run = async (seconds: number) => {
    const end = clock.now() + seconds * 1000;
    const dues = fire();
    while (table.nextDue <= end) {
      await clock.advance(table.nextDue - clock.now());
      dues.push(...fire());
    }
    await clock.advance(end - clock.now());
    return dues;
  };
  const acquire = (shard: number, { term = 1, firedUntil = null as number | null } = {}) => {
    const lease = { state: "held" as LeaseState, term, isValid: true };
    ownership.onAcquired(shard, lease as Lease, firedUntil);
    return lease;
  };
  const next = (name: string) => secondOf(table.get(name)!.nextDue);
  return {
    store,
    clock,
    log,
    bus,
    table,
    dispatcher,
    ownership,
    told,
    reloads,
    newStore,
    prepare,
    load,
    fire,
    run,
    acquire,
    next,
  };
}

/** What a holder before has left: since and last in seconds from START. */
async function leave(
  { store }: { store: SlowStore },
  entry: ScheduleEntry,
  { since, last, term = 0 }: { since: number; last: number | null; term?: number },
) {
  const key = keyOf(entry.name);
  const found = await store.get(key);
  const at = (second: number | null) => second === null ? null : START + second * 1000;
  const entries = (found?.value.entries ?? {}) as Record<string, unknown>;
  entries[entry.name] = [timingText(entry), at(since), at(last)];
  await store.put(key, { term, entries }, found?.revision ?? 0);
}

/** What is stored of an entry, in seconds from START. */
function stored(store: MemoryStore, name: string): (number | null)[] | null {
  const entries = store.values.get(keyOf(name))?.value.entries as
    | Record<string, [string, ...(number | null)[]]>
    | undefined;
  const list = entries?.[name];
  if (list === undefined) return null;
  const [, ...instants] = list;
  return instants.map((instant) => instant === null ? null : (instant - START) / 1000);
}

const tens = (name: string, more = {}) => cronEntry(name, "*/10 * * * * *", more);
const all = { catchUp: "all" as const };

Deno.test("two shards that are acquired at once begin each from its own checkpoints", async () => {
  for (const slow of [false, true]) {
    const process = setUp();
    const entries = [
      ...[A, B, X, Y].map((name) => tens(name, all)),
      intervalEntry(C, 7, all),
    ];
    for (const entry of entries.slice(0, 4)) {
      await leave(process, entry, { since: -100, last: -30 });
    }
    await leave(process, entries[4]!, { since: -20, last: -13 });
    await process.load(...entries);
    if (slow) process.store.slow();
    process.acquire(0, { term: 3 });
    process.acquire(1, { term: 8 });
    await settle();
    if (slow) assert.equal(process.table.nextDue, Infinity);
    process.store.answer();
    await settle();
    assert.equal(process.next(C), -6, "the phase is kept, and one was missed");
    const expected = [A, B, X, Y].flatMap((name) => [`${name}@-20`, `${name}@-10`, `${name}@0`]);
    assert.deepEqual(process.fire().sort(), [...expected, `${C}@-6`].sort());
  }
});

Deno.test("a shard begins while another's checkpoints cannot be read", async () => {
  const process = setUp();
  const { store, clock, ownership, log, load, acquire, fire, next } = process;
  await leave(process, tens(A), { since: -100, last: -30 });
  await load(tens(A, all), tens(X));
  store.isDown = true;
  acquire(0);
  await clock.advance(100);
  store.isDown = false;
  acquire(1);
  await settle();
  assert.deepEqual([next(A), next(X)], [Infinity, 10]);
  assert.deepEqual([ownership.ownerOf(A), ownership.ownerOf(X) === NOBODY], [NOBODY, false]);
  assert.deepEqual(log.of("memory.read_failed").map(({ fields }) => fields.shard), [0]);
  await clock.advance(500);
  assert.deepEqual(fire(), [`${A}@-20`, `${A}@-10`, `${A}@0`]);
});

Deno.test("a shard does not begin before the pauses have been read", async () => {
  const { store, clock, table, load, acquire } = setUp();
  await load(tens(A));
  const get = store.get.bind(store);
  store.get = (key) => key === "s.pauses" ? Promise.reject(new Error("Not now")) : get(key);
  acquire(0);
  await clock.advance(1200);
  assert.equal(table.get(A)!.owner, NOBODY);
  store.get = get;
  await clock.advance(500);
  assert.notEqual(table.get(A)!.owner, NOBODY);
});

Deno.test("a shard that is lost while its checkpoints are read does not begin", async () => {
  const process = setUp();
  const { store, ownership, table, load, acquire, run } = process;
  await leave(process, tens(A), { since: -100, last: -30 });
  await load(tens(A, all));
  store.slow();
  acquire(0);
  await settle();
  ownership.onLost(0);
  store.answer();
  await settle();
  assert.equal(table.get(A)!.owner, NOBODY);
  assert.equal(ownership.store!.of(A), null, "its documents are closed");
  assert.deepEqual(await run(20), []);
  acquire(0, { term: 3 });
  await settle();
  assert.deepEqual(await run(0), [-20, -10, 0, 10, 20].map((second) => `${A}@${second}`));
});

Deno.test("nor does one that is lost while what is new is written", async () => {
  const { store, ownership, table, load, acquire } = setUp();
  await load(tens(A));
  store.before.set(`put ${keyOf(A)}`, () => ownership.onLost(0));
  acquire(0);
  await settle();
  assert.deepEqual([table.get(A)!.owner, table.nextDue], [NOBODY, Infinity]);
});

Deno.test("a read of a term that is over does not close the documents of the one after it", async () => {
  const process = setUp();
  const { store, clock, ownership, load, acquire, run } = process;
  await load(tens(A));
  store.slow();
  acquire(0, { term: 1 });
  await settle();
  ownership.onLost(0);
  const { answer } = hold(store);
  acquire(0, { term: 3 });
  await settle();
  assert.deepEqual(await run(10), [`${A}@10`]);
  answer();
  await clock.advance(1500);
  assert.deepEqual(await run(10), [`${A}@20`]);
  await clock.advance(1500);
  assert.equal(stored(store, A)![1], 20);
  assert.equal(store.values.get(keyOf(A))!.value.term, 3);
});

/** Keeps the reads that wait now, and lets others pass. */
function hold(store: SlowStore) {
  const get = store.get;
  const before = store.answer.bind(store);
  store.get = MemoryStore.prototype.get;
  return {
    answer: () => {
      store.get = get;
      before();
    },
  };
}

Deno.test("with a reload while they are read, jobs begin by the new file", async () => {
  const process = setUp();
  const { store, load, acquire, fire, next, table } = process;
  for (const name of [A, B]) await leave(process, tens(name), { since: -100, last: -30 });
  await load(tens(A, all), tens(B, all));
  store.slow();
  acquire(0);
  await settle();
  await load(cronEntry(A, "*/5 * * * * *", all), tens(C, all));
  store.answer();
  await settle();
  assert.deepEqual(fire(), []);
  assert.deepEqual([next(A), next(C)], [5, 10], "another timing, and a new entry: both as new");
  assert.ok(table.get(C)!.checkpoint !== null);
  assert.deepEqual(stored(store, A), [0, -30]);
  assert.deepEqual(stored(store, B), [-100, -30]);
});

Deno.test("a reload that is put in use just after they were compared counts too", async () => {
  const process = setUp();
  const { store, load, prepare, acquire, fire, next } = process;
  await leave(process, tens(A), { since: -100, last: -30 });
  await load(tens(A, all), tens(B, all));
  store.slow();
  acquire(0);
  await settle();
  const putInUse = await prepare(cronEntry(A, "*/5 * * * * *", all), tens(B, all));
  let isInUse = false;
  // B is new: its document is written before anything begins.
  store.before.set(`put ${keyOf(B)}`, async () => {
    if (!isInUse) {
      isInUse = true;
      await putInUse();
    }
  });
  store.answer();
  await settle();
  assert.equal(isInUse, true);
  assert.deepEqual(fire(), [], "it has another timing: nothing of it was missed");
  assert.deepEqual([next(A), next(B)], [5, 10]);
});

Deno.test("a job that comes with a reload has its checkpoint at once", async () => {
  const { store, clock, table, load, acquire, run } = setUp();
  await load(tens(A));
  acquire(0);
  await settle();
  await load(tens(A), tens(B, all), tens(X, all));
  assert.deepEqual([table.get(X)!.owner, table.get(X)!.checkpoint], [NOBODY, null]);
  assert.deepEqual(await run(10), [`${A}@10`, `${B}@10`]);
  await clock.advance(1500);
  assert.deepEqual(stored(store, B), [0, 10]);
  assert.equal(stored(store, X), null);
});

Deno.test("a job that comes with a reload from before the checkpoints were read has its own", async () => {
  const { store, clock, load, prepare, acquire, run, next } = setUp();
  await load(tens(A));
  store.slow();
  acquire(0);
  const putInUse = await prepare(tens(A), intervalEntry(B, 7));
  store.answer();
  await settle();
  assert.deepEqual(await run(10), [`${A}@10`]);
  await putInUse();
  await settle();
  assert.equal(next(B), 17);
  assert.deepEqual(await run(8), [`${B}@17`]);
  await clock.advance(1500);
  assert.deepEqual(stored(store, B), [10, 17]);
});

Deno.test("what cannot be noted does not stop a reload, and is written later", async () => {
  const { store, clock, log, load, acquire, run } = setUp();
  await load(tens(A));
  acquire(0);
  await settle();
  store.isDown = true;
  await load(tens(A), tens(B));
  assert.equal(log.of("memory.write_failed").length > 0, true);
  assert.deepEqual(await run(10), [`${A}@10`, `${B}@10`]);
  assert.equal(stored(store, B), null);
  store.isDown = false;
  await clock.advance(2500);
  assert.deepEqual(stored(store, B), [0, 10]);
});

Deno.test("a lease that is lost takes its jobs, and the next holder fires what was under way", async () => {
  const { store, clock, table, bus, ownership, load, acquire, run, log } = setUp();
  await load(tens(A, all), tens(B, all), tens(X));
  acquire(0);
  acquire(1);
  await settle();
  bus.slow = true;
  assert.deepEqual(await run(10), [`${A}@10`, `${B}@10`, `${X}@10`]);
  ownership.onLost(0);
  assert.deepEqual([table.get(A)!.owner, table.get(A)!.running], [NOBODY, null]);
  assert.ok(table.get(X)!.running !== null, "of another lease");
  bus.confirmAll();
  await clock.advance(1500);
  assert.deepEqual(stored(store, A), [0, null], "it is not ours to write");
  assert.deepEqual(log.of("scheduler.fire_skipped"), []);
  acquire(0, { term: 3 });
  await settle();
  assert.deepEqual(await run(0), [`${A}@10`, `${B}@10`]);
});

/** Hands shard 0 over, and returns up to when it says that everything was fired, in seconds. */
async function release({ clock, ownership }: ReturnType<typeof setUp>): Promise<number> {
  const releasing = ownership.onReleasing(0);
  await clock.advance(1500);
  return (await releasing - START) / 1000;
}

Deno.test("a lease that is handed over says up to when everything was fired", async () => {
  const process = setUp();
  const { store, table, load, acquire, run, fire, clock } = process;
  await load(tens(A));
  acquire(0);
  await settle();
  await run(15);
  assert.equal(await release(process), 14);
  assert.equal(table.get(A)!.owner, NOBODY);
  assert.deepEqual(stored(store, A), [0, 10], "written before");
  await clock.advance(10_000);
  assert.deepEqual(fire(), []);
});

Deno.test("what waits when a lease is handed over is the next holder's", async () => {
  const process = setUp();
  const { bus, load, acquire, run, log } = process;
  await load(tens(A), tens(B));
  acquire(0);
  await settle();
  bus.cut();
  assert.deepEqual(await run(25), [`${A}@10`, `${B}@10`, `${A}@20`, `${B}@20`]);
  assert.equal(await release(process), 19.999);
  assert.deepEqual(
    log.of("scheduler.fire_skipped").map(({ fields }) => fields.reason),
    ["superseded", "superseded"],
    "nothing of it is called a shutdown",
  );
});

Deno.test("what runs may finish before a lease is handed over; what does not is the next holder's", async () => {
  for (const finishes of [true, false]) {
    const process = setUp();
    const { bus, store, load, acquire, run, log, clock } = process;
    await load(tens(A));
    acquire(0);
    await settle();
    bus.slow = true;
    await run(15);
    if (finishes) void clock.sleep(500).then(() => bus.confirmAll());
    assert.equal(await release(process), finishes ? 14 : 9.999);
    assert.deepEqual(stored(store, A), finishes ? [0, 10] : [0, null]);
    const reasons = log.of("scheduler.fire_skipped").map(({ fields }) => fields.reason);
    assert.deepEqual(reasons, finishes ? [] : ["shutdown"]);
  }
});

Deno.test("what was late, and is delayed when a lease is handed over, is the next holder's", async () => {
  const process = setUp();
  const { load, acquire, fire, clock } = process;
  await load(cronEntry(A, "0 * * * * *", { jitterSeconds: 50 }));
  acquire(0);
  await settle();
  await clock.advance(117_900);
  assert.deepEqual(fire(), [], "what was due at 1:00 is delayed");
  assert.equal(await release(process), 59.999);
});

Deno.test("what was due and has not been taken when a lease is handed over is the next holder's", async () => {
  const process = setUp();
  const { load, acquire, clock } = process;
  await load(tens(A), tens(B));
  acquire(0);
  await settle();
  await clock.advance(13_000);
  assert.equal(await release(process), 9.999);
});

Deno.test("the next holder goes on after the hand-over, also without catching up", async () => {
  const before = setUp();
  const entry = tens(A, { catchUp: "none" });
  await before.load(entry);
  before.acquire(0);
  await settle();
  before.bus.cut();
  await before.run(15);
  const firedUntil = START + await release(before) * 1000;
  const { load, acquire, run, told } = setUp({ store: before.store, clock: before.clock });
  await load(entry);
  acquire(0, { term: 2, firedUntil });
  await settle();
  assert.deepEqual(await run(10), [`${A}@10`, `${A}@20`]);
  assert.deepEqual(told, []);
});

Deno.test("what a killed holder missed is caught up with, and told where it is not", async () => {
  const process = setUp();
  await leave(process, tens(A), { since: -100, last: -30 });
  await leave(process, tens(B), { since: -100, last: -30 });
  await process.load(tens(A, { catchUp: null }), tens(B));
  process.acquire(0);
  await settle();
  assert.deepEqual(process.told, [`${A}: 2`, `${B}: 3`]);
  assert.deepEqual(process.fire(), [`${A}@0`]);
});

Deno.test("run_on_start fires at the first start of all, not when a lease comes", async () => {
  const before = setUp();
  const entry = tens(A, { runOnStart: true });
  await before.load(entry);
  before.acquire(0);
  await settle();
  assert.deepEqual(await before.run(12), [`${A}@0`, `${A}@10`]);
  before.ownership.onLost(0);
  const { load, acquire, run } = setUp({ store: before.store, clock: before.clock });
  await load(entry);
  acquire(0, { term: 2 });
  await settle();
  assert.deepEqual(await run(10), [`${A}@20`]);
});

Deno.test("entries are not marked as gone while schedules differ, and are once they agree", async () => {
  const process = setUp();
  const { store, clock, ownership, reloads, load, acquire } = process;
  await leave(process, tens(A), { since: -100, last: -30 });
  await leave(process, tens(B), { since: -100, last: -30 });
  await load(tens(A));
  acquire(0);
  await settle();
  assert.deepEqual(stored(store, B), [-100, -30], "nobody has been heard yet");
  const other = { replica: "other", schedules: "another", leases: [] };
  ownership.onOtherSchedules(other);
  await clock.advance(2000);
  assert.deepEqual(stored(store, B), [-100, -30]);
  assert.deepEqual(reloads, ["another replica has other schedules"]);
  ownership.onSameSchedules();
  await settle();
  assert.deepEqual(stored(store, B), [-100, -30, 2]);
});

Deno.test("while a change of the file is not everywhere, what it takes out is not marked", async () => {
  const other = { replica: "other", schedules: "another", leases: [] };
  type Change = (process: ReturnType<typeof setUp>) => Promise<void> | void;
  const changes: Record<string, Change> = {
    "a reload that is prepared": async ({ prepare }) => void await prepare(tens(A)),
    "a reload": ({ load }) => load(tens(A)),
    "another replica that has another file": ({ ownership }) => ownership.onOtherSchedules(other),
  };
  for (const [what, change] of Object.entries(changes)) {
    const process = setUp();
    const { store, clock, ownership, load, acquire } = process;
    for (const name of [A, X]) await leave(process, tens(name), { since: -100, last: -30 });
    await load(tens(A), tens(B));
    acquire(0);
    await settle();
    ownership.onSameSchedules();
    await change(process);
    acquire(1);
    await clock.advance(2000);
    assert.deepEqual(stored(store, B)!.length, 2, `B after ${what}`);
    const isX = what === "a reload that is prepared" ? [-100, -30, 0] : [-100, -30];
    assert.deepEqual(stored(store, X), isX, `X after ${what}`);
    ownership.onSameSchedules();
    await settle();
    assert.equal(stored(store, X)!.length, 3);
  }
});

Deno.test("schedules that differ are reported once a reload had its time", () => {
  const { ownership, log, reloads } = setUp();
  const other = { replica: "other", schedules: "another", leases: [] };
  for (let times = 0; times < 242; times++) ownership.onOtherSchedules(other);
  assert.equal(log.of("scheduler.schedules_differ").length, 1);
  ownership.onOtherSchedules(other);
  assert.equal(log.of("scheduler.schedules_differ").length, 2);
  ownership.onOtherSchedules({ ...other, schedules: "yet another" });
  assert.equal(reloads.length, 2);
});

Deno.test("a scheduler that is alone begins with its checkpoints, or without after five tries and catches up later", async () => {
  for (const isThere of [true, false]) {
    const process = setUp({ shards: null });
    const { store, clock, ownership, table, log, newStore, load, fire } = process;
    await leave(process, tens(A), { since: -100, last: -30 });
    await load(tens(A, all), tens(X));
    assert.equal(table.get(A)!.owner, NOBODY);
    store.isDown = true;
    const beginning = ownership.begin(newStore());
    await clock.advance(1600);
    if (isThere) store.isDown = false;
    await clock.advance(1000);
    await beginning;
    const levels = log.of("memory.read_failed").map(({ level }) => level);
    const warnings = ["warning", "warning", "warning", "warning"];
    assert.deepEqual(levels, isThere ? warnings : [...warnings, "error"]);
    assert.deepEqual(fire(), isThere ? [`${A}@-20`, `${A}@-10`, `${A}@0`] : []);
    assert.deepEqual([A, X].map((name) => table.get(name)!.owner.state), ["held", "held"]);
    assert.equal(ownership.store === null, !isThere);
    if (isThere) continue;
    await ownership.remember(newStore());
    assert.equal(log.of("memory.read_failed").at(-1)!.level, "debug", "it was said");
    assert.equal(log.of("memory.read").length, 0);
    store.isDown = false;
    await ownership.remember(newStore());
    assert.deepEqual(fire(), [`${A}@-20`, `${A}@-10`, `${A}@0`]);
    assert.equal(log.of("memory.read").length, 1);
  }
});

/** A scheduler that is alone and has run without checkpoints for so many seconds. */
async function withoutStore(seconds: number, ...entries: ScheduleEntry[]) {
  const process = setUp({ shards: null });
  await process.load(...entries);
  await process.ownership.begin(null);
  const fired = await process.run(seconds);
  return { ...process, fired };
}

Deno.test("a first store keeps the phase of an interval, and writes it as its anchor", async () => {
  const process = await withoutStore(10, intervalEntry(A, 7), intervalEntry(B, 15), tens(X));
  const { store, clock, ownership, table, newStore, run, next } = process;
  assert.deepEqual(process.fired, [`${A}@7`, `${X}@10`]);
  await ownership.remember(newStore());
  assert.deepEqual([next(A), next(B), next(X)], [14, 15, 20]);
  assert.ok(table.jobs.every(({ checkpoint }) => checkpoint !== null));
  await clock.advance(1500);
  assert.deepEqual(stored(store, A), [7, 7]);
  assert.deepEqual(stored(store, B), [0, null]);
  assert.deepEqual(stored(store, X), [10, 10]);
  assert.deepEqual(await run(8.5), [`${A}@14`, `${B}@15`, `${X}@20`]);
});

Deno.test("what waits when the first store is found is not passed by its checkpoint", async () => {
  const process = setUp({ shards: null });
  const { store, clock, bus, ownership, newStore, load, run } = process;
  bus.cut();
  const entries = [intervalEntry(A, 7, all), tens(X, all)];
  await load(...entries);
  await ownership.begin(null);
  assert.deepEqual(await run(10), [`${A}@7`, `${X}@10`]);
  await ownership.remember(newStore());
  await clock.advance(1500);
  // It is killed before the connection is back.
  const again = setUp({ shards: null, store, clock });
  await again.load(...entries);
  await again.ownership.begin(again.newStore());
  assert.deepEqual(again.fire(), [`${A}@7`, `${X}@10`]);
  assert.equal(again.next(A), 14);
});

Deno.test("a store that is found late and knows of the entries takes each where it stands", async () => {
  const process = await withoutStore(
    15,
    tens(A, all),
    tens(B, { catchUp: "one" }),
    intervalEntry(C, 8),
    tens(X),
  );
  const { ownership, newStore, run } = process;
  assert.deepEqual(process.fired, [`${C}@8`, `${A}@10`, `${B}@10`, `${X}@10`]);
  await leave(process, tens(A), { since: -100, last: -20 });
  await leave(process, tens(B), { since: -100, last: -20 });
  await leave(process, intervalEntry(C, 8), { since: -100, last: -20 });
  await ownership.remember(newStore());
  assert.deepEqual(process.fire(), [], "what fired since then is not made again");
  const later = await run(10);
  assert.deepEqual(later.sort(), [`${A}@20`, `${B}@20`, `${C}@20`, `${X}@20`].sort());
});

Deno.test("a first store that cannot be read is an error once, and used when it can be", async () => {
  const { store, ownership, log, newStore } = await withoutStore(5, tens(A));
  store.isDown = true;
  for (let tries = 0; tries < 3; tries++) await ownership.remember(newStore());
  const levels = log.of("memory.read_failed").map(({ level }) => level);
  assert.deepEqual(levels, ["error", "debug", "debug"]);
  store.isDown = false;
  await ownership.remember(newStore());
  assert.deepEqual([ownership.store === null, log.of("memory.read").length], [false, 1]);
});

Deno.test("a store that is found before anything came due brings back what was missed, policy by policy", async () => {
  const process = await withoutStore(
    5,
    tens(A, all),
    tens(B, { catchUp: "one" }),
    tens(X, { catchUp: "none" }),
  );
  const { ownership, newStore, fire, run } = process;
  for (const name of [A, B, X]) await leave(process, tens(name), { since: -100, last: -30 });
  await ownership.remember(newStore());
  assert.deepEqual(fire(), [`${A}@-20`, `${A}@-10`, `${A}@0`, `${B}@0`]);
  assert.deepEqual(await run(5), [`${A}@10`, `${B}@10`, `${X}@10`]);
});

Deno.test("where each fires, a store that is found late brings back what was missed, in order", async () => {
  const process = setUp({ shards: null });
  const { clock, bus, ownership, newStore, load, run, fire } = process;
  bus.cut();
  await load(tens(A, all), tens(B, { catchUp: "one" }));
  await ownership.begin(null, { isSearched: true });
  await leave(process, tens(A), { since: -100, last: -20 });
  await leave(process, tens(B), { since: -100, last: -20 });
  assert.deepEqual(await run(25), [`${A}@10`, `${B}@10`, `${A}@20`, `${B}@20`]);
  bus.restore();
  await settle();
  assert.deepEqual(bus.published, [], "it is not known yet what was missed");
  await ownership.remember(newStore());
  ownership.searched();
  assert.deepEqual(fire(), [-10, 0, 10, 20].map((second) => `${A}@${second}`));
  await clock.advance(0);
  const sent = bus.published.map(({ headers }) =>
    `${headers["Heddle-Schedule"]}@${(Date.parse(headers["Heddle-Scheduled-For"]!) - START) / 1000}`
  );
  assert.deepEqual(sent, [`${B}@20`, ...[-10, 0, 10, 20].map((second) => `${A}@${second}`)]);
});

Deno.test("where there turns out to be no store, what waited for it fires", async () => {
  const { bus, ownership, load, run } = setUp({ shards: null });
  bus.cut();
  await load(tens(A), tens(B));
  await ownership.begin(null, { isSearched: true });
  await run(25);
  bus.restore();
  await settle();
  assert.deepEqual(bus.published, []);
  ownership.searched();
  await settle();
  assert.deepEqual(
    bus.published.map(({ headers }) => headers["Heddle-Scheduled-For"]),
    ["2026-01-01T00:00:20.000Z", "2026-01-01T00:00:20.000Z"],
  );
  assert.deepEqual(await run(5), [`${A}@30`, `${B}@30`]);
  assert.equal(bus.published.length, 4);
});
