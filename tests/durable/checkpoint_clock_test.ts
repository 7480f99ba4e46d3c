/** Checkpoints of clocks that were wrong, and of values that are none: on manual clocks. */
import assert from "node:assert/strict";
import { MAX_CLOCK_SKEW_MS } from "../../lib/durable/instant.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { ALL, DAY, HEALTH, HOUR, NIGHTLY, setUp, START, stateOf } from "./checkpoints.ts";

const [TIMING] = [NIGHTLY.timing];

Deno.test("what a process wrote with its clock 400 days ahead is not believed after the restart", async () => {
  const { checkpoints, logger, written } = setUp();
  const wrong = new ManualClock(START + 400 * DAY);
  const first = checkpoints(wrong);
  await first.open(ALL, [NIGHTLY, HEALTH], null);
  first.of("health")!.done(START + 400 * DAY + 1000);
  await first.flush();
  assert.equal(logger.lines.length, 0);

  const next = checkpoints();
  await next.open(ALL, [NIGHTLY, HEALTH], null);
  for (const { name, timing } of [NIGHTLY, HEALTH]) {
    assert.deepEqual(stateOf(next, name), { timing, since: START, last: null, isNew: true });
    assert.deepEqual(written(name), [timing, START, null]);
  }
  assert.deepEqual(
    logger.lines.map(({ level, event, fields }) => [level, event, fields.schedule]).toSorted(),
    [["warning", "memory.clock_wrong", "health"], ["warning", "memory.clock_wrong", "nightly"]],
  );
  const { instant, stored_at } = logger.lines.find(({ fields }) => fields.schedule === "health")!
    .fields;
  assert.deepEqual([instant, stored_at], ["2027-02-05T00:00:01.000Z", "2026-01-01T00:00:00.000Z"]);
});

Deno.test("an instant up to a minute later than the server's time stamp is believed, and no later one", async () => {
  for (const [ahead, isBelieved] of [[MAX_CLOCK_SKEW_MS, true], [MAX_CLOCK_SKEW_MS + 1, false]]) {
    const { checkpoints, put, logger } = setUp();
    const last = START + Number(ahead);
    await put("nightly", { term: null, entries: { nightly: [TIMING, START - DAY, last] } });
    const store = checkpoints();
    await store.open(ALL, [NIGHTLY], null);
    assert.equal(store.of("nightly")!.last, isBelieved ? last : null);
    const events = logger.lines.map(({ event }) => event);
    assert.deepEqual(events, [isBelieved ? "memory.clock_behind" : "memory.clock_wrong"]);
  }
});

Deno.test("a machine that is behind believes what it finds, and says once by how much it is behind", async () => {
  const { checkpoints, server, put, logger } = setUp();
  server.jump(HOUR);
  const entries = {
    nightly: [TIMING, START, START + HOUR - 1000],
    health: [HEALTH.timing, START, START + HOUR],
  };
  await put("nightly", { term: null, entries });
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY, HEALTH], null);
  assert.equal(store.of("nightly")!.last, START + HOUR - 1000);
  assert.equal(store.of("health")!.isNew, false);
  assert.deepEqual(logger.lines.map(({ level, event }) => [level, event]), [
    ["warning", "memory.clock_behind"],
  ]);
  assert.equal(logger.lines[0]!.fields.behind_ms, HOUR);
});

Deno.test("clocks that differ by less than a second are not worth a line", async () => {
  const { checkpoints, put, logger } = setUp();
  await put("nightly", { term: null, entries: { nightly: [TIMING, START, START + 999] } });
  await checkpoints().open(ALL, [NIGHTLY], null);
  assert.equal(logger.lines.length, 0);
});

Deno.test("a clock that was ahead and is set back takes its checkpoints along", async () => {
  const { checkpoints, clock, advance, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  await advance(5000);
  clock.jump(400 * DAY);
  await advance(60_000);
  await store.learn([NIGHTLY, HEALTH]); // first seen by the wrong clock
  store.of("nightly")!.done(clock.now());
  store.of("health")!.done(clock.now());
  await advance(2000);
  assert.ok(Number((written("nightly") as unknown[])[2]) > START + 400 * DAY);

  clock.jump(-400 * DAY);
  const lasts: Record<string, number | null> = { nightly: START + 2000, health: null };
  const verdict = store.clockSetBack({ by: 400 * DAY, lastOf: (name) => lasts[name] });
  await advance(2000);
  assert.deepEqual(await verdict, { at: START + 67_000, wasAhead: true, aheadMs: 400 * DAY });
  assert.deepEqual(store.clockVerdict, await verdict);
  assert.deepEqual(written("nightly"), [TIMING, START, START + 2000]);
  assert.deepEqual(written("health"), [HEALTH.timing, START + 65_000, null]);
  store.of("nightly")!.done(START + 68_000);
  await advance(2000);
  assert.deepEqual(written("nightly"), [TIMING, START, START + 68_000]);
});

Deno.test("a clock that was right and is set back leaves its checkpoints where they are", async () => {
  const { checkpoints, clock, advance, written, logger } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  await advance(2 * HOUR);
  store.of("nightly")!.done(START + 2 * HOUR);
  await advance(2000);
  clock.jump(-HOUR);
  const verdict = store.clockSetBack({ by: HOUR, lastOf: () => START });
  await advance(2000);
  assert.deepEqual(await verdict, { at: START + HOUR + 2000, wasAhead: false, aheadMs: 0 });
  assert.deepEqual(written("nightly"), [TIMING, START, START + 2 * HOUR]);
  assert.equal(store.of("nightly")!.last, START + 2 * HOUR);
  assert.equal(logger.of("memory.clock_set_back")[0]!.fields.was_ahead, false);
});

Deno.test("a clock that was ahead by no more than a minute leaves them too", async () => {
  for (const [ahead, wasAhead] of [[MAX_CLOCK_SKEW_MS, false], [MAX_CLOCK_SKEW_MS + 1, true]]) {
    const { checkpoints, clock, advance } = setUp();
    const store = checkpoints();
    clock.jump(Number(ahead));
    await store.open(ALL, [NIGHTLY], null);
    const last = clock.now();
    store.of("nightly")!.done(last);
    clock.jump(-Number(ahead));
    const verdict = store.clockSetBack({ by: Number(ahead), lastOf: () => null });
    await advance(2000);
    assert.equal((await verdict)!.wasAhead, wasAhead);
    assert.equal(store.of("nightly")!.last, wasAhead ? null : last);
  }
});

Deno.test("a clock that was ahead while nothing was written is found out as well", async () => {
  const { checkpoints, store: bucket, clock, advance, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  await advance(5000);
  bucket.isDown = true;
  clock.jump(400 * DAY);
  store.of("nightly")!.done(clock.now());
  await advance(10_000);
  clock.jump(-400 * DAY);
  const verdict = store.clockSetBack({ by: 400 * DAY, lastOf: () => START + 7000 });
  await advance(3 * HOUR);
  assert.equal(store.clockVerdict, null, "the server has not answered");
  bucket.isDown = false;
  await advance(2000);
  assert.deepEqual(await verdict, { at: START + 15_000, wasAhead: true, aheadMs: 400 * DAY });
  assert.deepEqual(written("nightly"), [TIMING, START, START + 7000]);
});

Deno.test("a machine that slept is not taken for a clock that was ahead", async () => {
  const { checkpoints, clock, server, advance } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  clock.jump(8 * HOUR + 300); // its monotonic clock stood still
  server.jump(8 * HOUR);
  store.of("nightly")!.done(clock.now());
  clock.jump(-300);
  const verdict = store.clockSetBack({ by: 300, lastOf: () => null });
  await advance(2000);
  assert.deepEqual(await verdict, { at: START + 8 * HOUR, wasAhead: false, aheadMs: 300 });
});

Deno.test("where the server's clock is set back with ours, ours was not ahead", async () => {
  const { checkpoints, store: bucket, clock, server, advance, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY, HEALTH], null);
  await advance(2 * HOUR);
  store.of("nightly")!.done(START + 2 * HOUR);
  await advance(30_000);
  bucket.isDown = true;
  // A write of now would replace the time stamp from before: it waits.
  store.of("health")!.done(clock.now());
  await advance(500);
  clock.jump(-HOUR);
  server.jump(-HOUR);
  const verdict = store.clockSetBack({ by: HOUR, lastOf: () => null });
  await advance(5000);
  bucket.isDown = false;
  await advance(2000);
  assert.deepEqual(await verdict, { at: START + HOUR + 30_500, wasAhead: false, aheadMs: 0 });
  assert.equal(store.of("nightly")!.last, START + 2 * HOUR);
  assert.equal((written("health") as unknown[])[2], START + 2 * HOUR + 30_000, "it waits no more");
});

Deno.test("a checkpoint that followed the clock is not overtaken by what was stored before", async () => {
  const { checkpoints, store: bucket, clock, advance, written } = setUp();
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  clock.jump(65_000);
  store.of("nightly")!.done(clock.now());
  await advance(2000);
  bucket.isDown = true;
  clock.jump(-65_000);
  const verdict = store.clockSetBack({ by: 65_000, lastOf: () => START - 1 });
  await advance(30_000);
  bucket.isDown = false;
  await advance(2000);
  assert.equal((await verdict)!.wasAhead, true);
  assert.deepEqual(written("nightly"), [TIMING, START, START - 1]);
});

Deno.test("a store that was stopped, or has no document open, asks for the server's time no more", async () => {
  const { checkpoints, store: bucket, advance } = setUp();
  assert.equal(await checkpoints().clockSetBack({ by: HOUR, lastOf: () => null }), null);
  const store = checkpoints();
  await store.open(ALL, [NIGHTLY], null);
  bucket.isDown = true;
  const verdict = store.clockSetBack({ by: HOUR, lastOf: () => null });
  await advance(5000);
  store.stop();
  await advance(0);
  assert.equal(await verdict, null);
});

Deno.test("an instant out of range takes one entry's checkpoint away, and is said with its name", async () => {
  const wrong: [unknown, string][] = [
    [[TIMING, START, 1e300], `"last" is 1e+300`],
    [[TIMING, -1, null], `"since" is -1`],
    [[TIMING, 8.64e15 + 1, null], `"since" is 8640000000000001`],
    [[TIMING, START, "yesterday"], `"last" is "yesterday"`],
    [[TIMING, START, null, 1e16], `"absentSince" is 10000000000000000`],
    [[TIMING], `"since" is undefined`],
    [null, "it is null"],
    [{ timing: TIMING }, `it is {"timing":"${TIMING}"}`],
  ];
  for (const [list, text] of wrong) {
    const { checkpoints, put, key, logger, written } = setUp();
    const health = [HEALTH.timing, START - DAY, START - 1000];
    await put("nightly", { term: 3, entries: { nightly: list, health } });
    const store = checkpoints();
    await store.open(ALL, [NIGHTLY, HEALTH], null);
    assert.equal(store.of("nightly")!.isNew, true, text);
    assert.deepEqual(written("nightly"), [TIMING, START, null]);
    assert.equal(store.of("health")!.isNew, false);
    assert.deepEqual(logger.lines.map(({ level, event }) => [level, event]), [
      ["warning", "memory.read_failed"],
    ]);
    const { fields } = logger.lines[0]!;
    assert.deepEqual([fields.key, fields.schedule], [key("nightly"), "nightly"]);
    assert.ok(String(fields.error).includes(text), `${fields.error}`);
  }
});

Deno.test("a document that is unreadable is said with its key, and the others' entries go on", async () => {
  const other = { name: "other", timing: "5" };
  const wrong: [(all: ReturnType<typeof setUp>) => Promise<void>, RegExp][] = [
    [async ({ put }) => await put("nightly", { entries: 5 }), /"entries" is 5/],
    [async ({ put }) => await put("nightly", { entries: [] }), /"entries" is \[\]/],
    [async ({ store, key, put }) => {
      await put("nightly", {});
      const revised = store.values.get(key("nightly"))!;
      store.values.set(key("nightly"), { ...revised, isMalformed: true });
    }, /no JSON object/],
  ];
  for (const [damage, text] of wrong) {
    const all = setUp();
    const first = all.checkpoints();
    await first.open(ALL, [other], null);
    assert.notEqual(all.key("other"), all.key("nightly"));
    await damage(all);
    const store = all.checkpoints();
    await store.open(ALL, [NIGHTLY, other], null);
    assert.equal(store.of("nightly")!.isNew, true);
    assert.equal(store.of("other")!.isNew, false);
    assert.deepEqual(all.written("nightly"), [TIMING, START, null]);
    const lines = all.logger.lines.map(({ level, event, fields }) => [level, event, fields.key]);
    assert.deepEqual(lines, [["warning", "memory.read_failed", all.key("nightly")]]);
    assert.match(String(all.logger.lines[0]!.fields.error), text);
  }
});

Deno.test("of many unreadable entries ten are named, and they are not read again", async () => {
  const { checkpoints, put, logger } = setUp();
  const entries = Object.fromEntries(
    Array.from({ length: 500 }, (_, n) => [`e${n}`, [TIMING, -1]]),
  );
  await put("nightly", { term: 1e300, entries });
  await checkpoints().open(ALL, [], null);
  assert.equal(logger.of("memory.read_failed").length, 10);
  assert.equal(logger.lines.at(-1)!.fields.others, 491); // with the term
  await checkpoints().open(ALL, [], null);
  assert.equal(logger.lines.length, 10);
});
