/** What is kept of firings, what is paused, and what the log lines of one firing share. */
import assert from "node:assert/strict";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { type FiringRecord, History } from "../../lib/engine/history.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { Job } from "../../lib/engine/job.ts";
import type { ManualClock } from "../../lib/time/manual_clock.ts";
import { testClock } from "../helpers/test_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { intervalEntry } from "../helpers/entries.ts";
import { expandedOf } from "../helpers/expanded.ts";
import { checkpointThat, dueAt, jobMaker } from "../helpers/jobs.ts";
import { SwitchableBus } from "./switchable_bus.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");

function setUp(expand: () => Promise<Record<string, unknown>[]> = () => Promise.resolve([])) {
  const clock = testClock(START);
  const log = new LogRecorder();
  const bus = new SwitchableBus();
  const history = new History();
  const records: FiringRecord[] = [];
  history.listen((record) => records.push(record));
  const paused = new Set<string>();
  const remembered: number[] = [];
  const dispatcher = new Dispatcher({
    scheduler: "test",
    bus,
    expander: { expand: async () => expandedOf(await expand()) },
    clock,
    logger: log,
    history,
    isPaused: (name) => paused.has(name),
  });
  const jobOf = jobMaker((job) => {
    job.checkpoint = checkpointThat((scheduledFor) => remembered.push(scheduledFor - START));
  });
  const fire = async (entry: ScheduleEntry, second: number) => {
    const at = START + second * 1000;
    if (at > clock.now()) await clock.advance(at - clock.now());
    const job = jobOf(entry);
    job.next = at + 60_000;
    dispatcher.due(job, dueAt(at));
    await clock.advance(0);
  };
  return { clock, log, bus, records, paused, remembered, dispatcher, jobOf, fire };
}

const EXPANDED = { ...intervalEntry("e", 60), expandFrom: "a.b" } as ScheduleEntry;

Deno.test("a dispatch is kept with its lateness, its count and what comes next", async () => {
  const { fire, clock, records, jobOf } = setUp();
  await clock.advance(60_250);
  await fire(intervalEntry("a", 60), 60);
  assert.deepEqual(records, [{
    entry: "a",
    outcome: "dispatched",
    scheduledFor: START + 60_000,
    passedOverSince: null,
    at: START + 60_250,
    lateness: 250,
    dispatches: 1,
    expansion: null,
    error: null,
    next: START + 120_000,
    occurrences: 1,
  }]);
  await fire(intervalEntry("a", 60), 120);
  const { counts, dispatches } = jobOf(intervalEntry("a", 60)).history!;
  assert.deepEqual(counts, { dispatched: 2 });
  assert.equal(dispatches, 2);
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

Deno.test("what waits for the server when its entry is paused goes on at resume", async () => {
  const { fire, paused, records, bus, dispatcher, clock } = setUp();
  bus.cut();
  await fire(intervalEntry("a", 60), 60);
  await fire(intervalEntry("b", 60), 60);
  paused.add("a");
  dispatcher.pauseChanged();
  bus.restore();
  await clock.advance(0);
  const outcomes = () => records.map(({ entry, outcome }) => `${entry} ${outcome}`);
  assert.deepEqual(outcomes(), ["b dispatched"]);
  paused.clear();
  dispatcher.pauseChanged();
  await clock.advance(0);
  assert.deepEqual(outcomes(), ["b dispatched", "a dispatched"]);
});

Deno.test("a paused entry fires by hand", async () => {
  const { paused, dispatcher, bus, records, jobOf } = setUp();
  paused.add("a");
  assert.equal(await dispatcher.fireManually(jobOf(intervalEntry("a", 60))), 1);
  assert.equal(bus.published.length, 1);
  assert.deepEqual(records.map(({ outcome, next }) => [outcome, next]), [["dispatched", null]]);
});

Deno.test("all log lines of a firing have its id, and no other firing has it", async () => {
  const { fire, log, dispatcher, jobOf } = setUp(() => Promise.resolve([{ n: 1 }]));
  await fire(EXPANDED, 60);
  await fire(EXPANDED, 120);
  await dispatcher.fireManually(jobOf(EXPANDED));
  await dispatcher.fireManually(jobOf(EXPANDED));
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
  const { dispatcher, clock, bus, jobOf } = setUp(async () => {
    await release.promise;
    return [{ n: 1 }];
  });
  const fired = dispatcher.fireManually(jobOf(EXPANDED));
  let isOver = false;
  const drained = dispatcher.stop(10_000).then(() => isOver = true);
  await clock.advance(5000);
  assert.equal(isOver, false);
  release.resolve();
  assert.equal(await fired, 1);
  await clock.advance(0);
  await drained;
  assert.equal(bus.published.length, 1);
  await assert.rejects(dispatcher.fireManually(jobOf(intervalEntry("a", 60))), /shutting down/);
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
  const fired = assert.rejects(dispatcher.fireManually(new Job(EXPANDED)), /shutting down/);
  const drained = dispatcher.stop(10_000);
  await clock.advance(10_000);
  await fired;
  await clock.advance(100);
  await drained;
});
