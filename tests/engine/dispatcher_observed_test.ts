/** What is kept of firings, what is paused, and what the log lines of one firing share. */
import assert from "node:assert/strict";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { type FiringRecord, Ledger } from "../../lib/engine/ledger.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import type { ManualClock } from "../../lib/time/manual_clock.ts";
import { testClock } from "../helpers/test_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { intervalEntry } from "../helpers/entries.ts";
import { SwitchableBus } from "./switchable_bus.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");

function setUp(expand: () => Promise<Record<string, unknown>[]> = () => Promise.resolve([])) {
  const clock = testClock(START);
  const log = new LogRecorder();
  const bus = new SwitchableBus();
  const ledger = new Ledger();
  const records: FiringRecord[] = [];
  ledger.listen((record) => records.push(record));
  const paused = new Set<string>();
  const remembered: number[] = [];
  const dispatcher = new Dispatcher({
    scheduler: "test",
    bus,
    expander: { expand },
    clock,
    logger: log,
    ledger,
    isPaused: (name) => paused.has(name),
    memory: () => ({ done: (_, scheduledFor) => void remembered.push(scheduledFor - START) }),
  });
  const fire = async (entry: ScheduleEntry, second: number) => {
    const at = START + second * 1000;
    if (at > clock.now()) await clock.advance(at - clock.now());
    dispatcher.fire({ entry, scheduledFor: new Date(at), fireAt: at, next: at + 60_000 });
    await clock.advance(0);
  };
  return { clock, log, bus, ledger, records, paused, remembered, dispatcher, fire };
}

const EXPANDED = { ...intervalEntry("e", 60), expandFrom: "a.b" } as ScheduleEntry;

Deno.test("a dispatch is kept with its lateness, its count and what comes next", async () => {
  const { fire, clock, records, ledger } = setUp();
  await clock.advance(60_250);
  await fire(intervalEntry("a", 60), 60);
  assert.deepEqual(records, [{
    entry: "a",
    outcome: "dispatched",
    scheduledFor: START + 60_000,
    at: START + 60_250,
    lateness: 250,
    dispatches: 1,
    expansion: null,
    error: null,
    next: START + 120_000,
  }]);
  await fire(intervalEntry("a", 60), 120);
  assert.deepEqual(ledger.of("a")!.counts, { dispatched: 2 });
  assert.equal(ledger.of("a")!.dispatches, 2);
});

Deno.test("an expansion is kept with how long it took; an empty one, and one that failed, as such", async () => {
  const results = [
    () => Promise.resolve([{ n: 1 }, { n: 2 }]),
    () => Promise.resolve([]),
    () => Promise.reject(new Error("no sessions")),
  ];
  const clockRef: { clock?: ManualClock } = {};
  const { fire, records, clock } = setUp(async () => {
    await clockRef.clock!.sleep(30);
    return await results.shift()!();
  });
  clockRef.clock = clock;
  for (const second of [60, 120, 180]) {
    await fire(EXPANDED, second);
    await clock.advance(30);
    await clock.advance(0);
  }
  assert.deepEqual(
    records.map((
      { outcome, dispatches, expansion, error },
    ) => [outcome, dispatches, Math.round(expansion!), error]),
    [["dispatched", 2, 30, null], ["empty", 0, 30, null], ["failed", 0, 30, "no sessions"]],
  );
});

Deno.test("a paused entry is skipped in silence, and what it missed is not made up for", async () => {
  const { fire, paused, records, remembered, bus, log } = setUp();
  paused.add("a");
  await fire(intervalEntry("a", 60), 60);
  await fire(intervalEntry("b", 60), 60);
  assert.deepEqual(records.map(({ entry, outcome }) => `${entry} ${outcome}`), [
    "a paused",
    "b dispatched",
  ]);
  assert.deepEqual(remembered, [60_000, 60_000]); // a restart does not catch up with it
  assert.equal(bus.published.length, 1);
  assert.equal(log.of("scheduler.fire_skipped")[0]!.level, "debug");
  paused.clear();
  await fire(intervalEntry("a", 60), 120);
  assert.equal(bus.published.length, 2);
});

Deno.test("pausing gives up what waits for the server", async () => {
  const { fire, paused, records, bus, dispatcher, clock } = setUp();
  bus.cut();
  await fire(intervalEntry("a", 60), 60);
  await fire(intervalEntry("b", 60), 60);
  paused.add("a");
  dispatcher.pause();
  bus.restore();
  await clock.advance(0);
  assert.deepEqual(records.map(({ entry, outcome }) => `${entry} ${outcome}`), [
    "a paused",
    "b dispatched",
  ]);
});

Deno.test("a paused entry fires by hand", async () => {
  const { paused, dispatcher, bus, records } = setUp();
  paused.add("a");
  assert.equal(await dispatcher.fireByHand(intervalEntry("a", 60)), 1);
  assert.equal(bus.published.length, 1);
  assert.deepEqual(records.map(({ outcome, next }) => [outcome, next]), [["dispatched", null]]);
});

Deno.test("all log lines of a firing have its id, and no other firing has it", async () => {
  const { fire, log, dispatcher } = setUp(() => Promise.resolve([{ n: 1 }]));
  await fire(EXPANDED, 60);
  await fire(EXPANDED, 120);
  await dispatcher.fireByHand(EXPANDED);
  await dispatcher.fireByHand(EXPANDED);
  const lines = log.lines.filter(({ fields }) => "firing_id" in fields);
  assert.equal(lines.length, log.lines.length);
  const ids = Map.groupBy(lines, ({ fields }) => fields.firing_id);
  assert.deepEqual([...ids.values()].map((each) => each.map(({ event }) => event)), [
    ...[1, 2].map(() => ["scheduler.firing", "scheduler.expansion_dispatched"]),
    ...[1, 2].map(() => [
      "scheduler.firing",
      "scheduler.task_dispatched",
      "scheduler.expansion_dispatched",
    ]),
  ]);
  assert.ok(ids.has("e@2026-01-01T00:01:00.000Z"));
});

Deno.test("at the end, what a person fired is let finish, and nothing more is fired", async () => {
  const release = Promise.withResolvers<void>();
  const { dispatcher, clock, bus } = setUp(async () => {
    await release.promise;
    return [{ n: 1 }];
  });
  const fired = dispatcher.fireByHand(EXPANDED);
  let isOver = false;
  const drained = dispatcher.drain(10_000).then(() => isOver = true);
  await clock.advance(5000);
  assert.equal(isOver, false);
  release.resolve();
  assert.equal(await fired, 1);
  await clock.advance(0);
  await drained;
  assert.equal(bus.published.length, 1);
  await assert.rejects(dispatcher.fireByHand(intervalEntry("a", 60)), /shutting down/);
});

Deno.test("what a person fired is given up when the end has waited long enough", async () => {
  const clock = testClock(START);
  const dispatcher = new Dispatcher({
    scheduler: "test",
    bus: new SwitchableBus(),
    expander: {
      expand: (_, { signal }) =>
        new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason))),
    },
    clock,
    logger: new LogRecorder(),
  });
  const fired = assert.rejects(dispatcher.fireByHand(EXPANDED), /shutting down/);
  const drained = dispatcher.drain(10_000);
  await clock.advance(10_000);
  await fired;
  await clock.advance(100);
  await drained;
});
