import assert from "node:assert/strict";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { type Expander, ExpansionError } from "../../lib/expansion/expansion.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { testClock } from "../helpers/test_clock.ts";
import { intervalEntry, messageTo } from "../helpers/entries.ts";
import { expandedOf } from "../helpers/expanded.ts";
import { dueAt, jobMaker } from "../helpers/jobs.ts";
import { NamesAhead } from "../../lib/engine/names_ahead.ts";
import { SwitchableBus } from "./switchable_bus.ts";

const START = new Date("2026-01-01T00:00:00.000Z");

type Expand = (
  ...given: Parameters<Expander["expand"]>
) => Promise<Record<string, unknown>[]>;

function setUp(expand: Expand = () => Promise.resolve([])) {
  const clock = testClock(START.getTime());
  const log = new LogRecorder();
  const bus = new SwitchableBus();
  const names = new NamesAhead();
  const dispatcher = new Dispatcher({
    scheduler: "test",
    bus,
    expander: { expand: async (...given) => expandedOf(await expand(...given)) },
    clock,
    logger: log,
    names,
  });
  const jobOf = jobMaker();
  /** Fires `entry` for the occurrence `second` seconds after START, when that is due. */
  const fire = async (entry: ScheduleEntry, second: number) => {
    const at = START.getTime() + second * 1000;
    if (at > clock.now()) await clock.advance(at - clock.now());
    dispatcher.due(jobOf(entry), dueAt(at));
    await clock.advance(0);
  };
  const sentFor = () =>
    bus.published.map(({ headers }) =>
      (new Date(headers["Heddle-Scheduled-For"]!).getTime() - START.getTime()) / 1000
    );
  const skipped = () =>
    log.of("scheduler.fire_skipped").map(({ fields }) =>
      `${fields.reason} ${
        (new Date(String(fields.scheduled_for)).getTime() - START.getTime()) / 1000
      }`
    );
  return { clock, log, bus, dispatcher, names, jobOf, fire, sentFor, skipped };
}

Deno.test("a due occurrence is published with its identity", async () => {
  const { fire, bus } = setUp();
  await fire(intervalEntry("a", 60), 60);
  const [{ subject, data, headers }] = bus.published as [typeof bus.published[0]];
  assert.equal(subject, "heddle.tasks.incoming");
  assert.equal(headers["Nats-Msg-Id"], "test/a/2026-01-01T00:01:00.000Z/0");
  assert.equal(headers["Heddle-Schedule"], "a");
  assert.equal(headers["Heddle-Scheduled-For"], "2026-01-01T00:01:00.000Z");
  assert.deepEqual(data.metadata, {
    scheduled_by: "a",
    scheduled_for: "2026-01-01T00:01:00.000Z",
  });
});

Deno.test("a message of one's own is published as it is, beside the headers of its dispatch", async () => {
  const objects = [{ tenant: "a", scope: "one" }, {}];
  const { fire, bus, log } = setUp(() => Promise.resolve(objects));
  const message = messageTo("jobs.cache.refresh", {
    payload: { scope: "all", deep: { a: 1 } },
    headers: { "X-Tenant": "a" },
  });
  const entry = { ...intervalEntry("a", 60, { expandFrom: "m.f" }), ...message };
  await fire(entry, 60);
  await fire({ ...intervalEntry("bare", 60), ...messageTo("jobs.bare") }, 60);
  const headersOf = (name: string, index: number) => ({
    "Nats-Msg-Id": `test/${name}/2026-01-01T00:01:00.000Z/${index}`,
    "Heddle-Schedule": name,
    "Heddle-Scheduled-For": "2026-01-01T00:01:00.000Z",
  });
  assert.deepEqual(bus.published.map(({ subject, data, headers }) => [subject, data, headers]), [
    ["jobs.cache.refresh", { scope: "one", deep: { a: 1 }, tenant: "a" }, {
      "X-Tenant": "a",
      ...headersOf("a", 0),
    }],
    ["jobs.cache.refresh", { scope: "all", deep: { a: 1 } }, {
      "X-Tenant": "a",
      ...headersOf("a", 1),
    }],
    ["jobs.bare", {}, headersOf("bare", 0)],
  ]);
  const [line] = log.of("scheduler.message_dispatched");
  assert.deepEqual(line!.fields, {
    schedule: "bare",
    firing_id: "bare@2026-01-01T00:01:00.000Z",
    subject: "jobs.bare",
    message_id: "test/bare/2026-01-01T00:01:00.000Z/0",
  });
});

Deno.test("a dispatch keeps the name made ahead of time, unless it was for another occurrence", async () => {
  const { clock, dispatcher, bus, names, jobOf } = setUp();
  const job = jobOf(intervalEntry("a", 60));
  const scheduledFor = START.getTime() + 60_000;
  dispatcher.nameAhead(job, scheduledFor);
  const identity = names.of(job)!;
  assert.equal(identity.messageId, "test/a/2026-01-01T00:01:00.000Z/0");
  for (const due of [scheduledFor, scheduledFor + 60_000]) {
    await clock.advance(60_000);
    dispatcher.due(job, dueAt(due));
    await clock.advance(0);
  }
  const [first, second] = bus.published;
  assert.equal(first!.headers["Nats-Msg-Id"], identity.messageId);
  assert.equal(first!.data.task_id, identity.id);
  assert.equal(second!.headers["Nats-Msg-Id"], "test/a/2026-01-01T00:02:00.000Z/0");
  assert.notEqual(second!.data.task_id, identity.id);
  const expanded = jobOf(intervalEntry("b", 60, { expandFrom: "m.f" }));
  dispatcher.nameAhead(expanded, scheduledFor);
  assert.equal(names.of(expanded), undefined);
});

Deno.test("a firing later than its grace is skipped as a misfire, at the grace it is not", async () => {
  const { fire, sentFor, skipped, clock } = setUp();
  const entry = intervalEntry("a", 60, { misfireGraceSeconds: 10 });
  await clock.advance(70_000);
  await fire(entry, 60);
  await clock.advance(60_001);
  await fire(entry, 120);
  assert.deepEqual(sentFor(), [60]);
  assert.deepEqual(skipped(), ["misfire 120"]);
});

Deno.test("what is late by no more than the timer's own floor is no misfire, whatever the grace", async () => {
  for (const misfireGraceSeconds of [0, 0.005, 0.1]) {
    const { fire, sentFor, skipped, clock } = setUp();
    const entry = intervalEntry("a", 1, { misfireGraceSeconds });
    await clock.advance(1100);
    await fire(entry, 1);
    await clock.advance(1001);
    await fire(entry, 2);
    assert.deepEqual(sentFor(), [1]);
    assert.deepEqual(skipped(), ["misfire 2"], "a process that stood still for longer");
  }
});

Deno.test("an entry never overlaps itself, and holds up no other", async () => {
  const { fire, sentFor, skipped, bus } = setUp();
  bus.slow = true;
  await fire(intervalEntry("a", 1), 1);
  await fire(intervalEntry("a", 1), 2);
  await fire(intervalEntry("b", 1), 2);
  bus.confirmAll();
  await fire(intervalEntry("a", 1), 3);
  assert.deepEqual(sentFor(), [1, 2, 3]);
  assert.deepEqual(skipped(), ["overlap 2"]);
});

Deno.test("what falls due while the server is away waits: the newest, once per entry", async () => {
  const { fire, sentFor, skipped, bus, clock } = setUp();
  bus.cut();
  await fire(intervalEntry("a", 1), 1);
  await fire(intervalEntry("a", 1), 2);
  await fire(intervalEntry("b", 2), 2);
  await fire(intervalEntry("a", 1), 3);
  assert.deepEqual(sentFor(), []);
  bus.restore();
  await clock.advance(0);
  assert.deepEqual(sentFor(), [3, 2]);
  assert.deepEqual(skipped(), ["superseded 1", "superseded 2"]);
});

Deno.test("what waited too long for the server is a misfire", async () => {
  const { fire, sentFor, skipped, bus, clock } = setUp();
  bus.cut();
  await fire(intervalEntry("a", 1, { misfireGraceSeconds: 60 }), 1);
  await clock.advance(61_000);
  bus.restore();
  await clock.advance(0);
  assert.deepEqual(sentFor(), []);
  assert.deepEqual(skipped(), ["misfire 1"]);
});

Deno.test("a firing caught unsent by an outage gives way to the newer occurrence", async () => {
  let finish = (_: Record<string, unknown>[]) => {};
  const { fire, sentFor, skipped, bus, clock } = setUp(() =>
    new Promise((resolve) => finish = resolve)
  );
  const entry = intervalEntry("a", 1, { expandFrom: "m.f" });
  await fire(entry, 1);
  bus.cut();
  finish([{ n: 1 }]);
  await fire(entry, 2);
  bus.restore();
  await clock.advance(0);
  finish([{ n: 2 }]);
  await clock.advance(0);
  assert.deepEqual(sentFor(), [2]);
  assert.deepEqual(skipped(), ["superseded 1"]);
});

Deno.test("a message that may be lost is told, and the entry goes on", async () => {
  const { fire, log, bus, sentFor } = setUp();
  bus.slow = true;
  await fire(intervalEntry("a", 1), 1);
  bus.cut();
  bus.restore();
  bus.slow = false;
  await fire(intervalEntry("a", 1), 2);
  assert.deepEqual(sentFor(), [1, 2]);
  const [line] = log.of("scheduler.dispatch_error");
  assert.equal(line?.fields.schedule, "a");
  assert.equal(line?.fields.error, "The connection broke");
});

Deno.test("each object of an expansion is one dispatch, merged over the payload, in order", async () => {
  const { fire, bus, log } = setUp(() => Promise.resolve([{ s: 1 }, { s: 2, from: "expansion" }]));
  await fire(intervalEntry("a", 60, { expandFrom: "m.f" }), 60);
  assert.deepEqual(bus.published.map(({ data }) => data.payload), [
    { from: "payload", s: 1 },
    { from: "expansion", s: 2 },
  ]);
  assert.deepEqual(bus.published.map(({ headers }) => headers["Nats-Msg-Id"]), [
    "test/a/2026-01-01T00:01:00.000Z/0",
    "test/a/2026-01-01T00:01:00.000Z/1",
  ]);
  assert.equal(log.of("scheduler.expansion_dispatched")[0]?.fields.count, 2);
});

Deno.test("each object of for_each is one dispatch like those of a function, which is not asked", async () => {
  const { fire, bus, log } = setUp(() => Promise.reject(new Error("not to be called")));
  const entry = intervalEntry("a", 60, { forEach: [{ s: 1 }, { s: 2, from: "object" }] });
  await fire(entry, 60);
  assert.deepEqual(
    bus.published.map(({ data, headers }) => [data.payload, headers["Nats-Msg-Id"]]),
    [
      [{ from: "payload", s: 1 }, "test/a/2026-01-01T00:01:00.000Z/0"],
      [{ from: "object", s: 2 }, "test/a/2026-01-01T00:01:00.000Z/1"],
    ],
  );
  assert.equal(log.of("scheduler.expansion_dispatched")[0]?.fields.count, 2);
  await fire(intervalEntry("b", 60, { forEach: [] }), 60);
  assert.equal(bus.published.length, 2);
  assert.equal(log.of("scheduler.expansion_empty").length, 1);
});

Deno.test("expand_with is handed to the function", async () => {
  const given: unknown[] = [];
  const { fire } = setUp((_, options) => {
    given.push(options.with);
    return Promise.resolve([]);
  });
  await fire(intervalEntry("a", 60, { expandFrom: "m.f", expandWith: { tenant: "acme" } }), 60);
  assert.deepEqual(given, [{ tenant: "acme" }]);
});

Deno.test("an empty expansion dispatches nothing and says so", async () => {
  const { fire, bus, log } = setUp();
  await fire(intervalEntry("a", 60, { expandFrom: "m.f" }), 60);
  assert.equal(bus.published.length, 0);
  assert.equal(log.of("scheduler.expansion_empty").length, 1);
});

for (
  const [kind, event] of [
    ["invalid", "scheduler.invalid_expand_from"],
    ["import", "scheduler.expand_from_import_failed"],
    ["call", "scheduler.expand_from_call_failed"],
    ["bad_return", "scheduler.expand_from_bad_return"],
  ] as const
) {
  Deno.test(`an expansion that fails (${kind}) is one logged error, and the entry lives`, async () => {
    let calls = 0;
    const { fire, log, sentFor } = setUp(() =>
      calls++ === 0
        ? Promise.reject(new ExpansionError(kind, "it broke", { expandFrom: "m.f" }))
        : Promise.resolve([{ ok: true }])
    );
    const entry = intervalEntry("a", 60, { expandFrom: "m.f" });
    await fire(entry, 60);
    await fire(entry, 120);
    const errors = log.lines.filter(({ level }) => level === "error");
    assert.deepEqual(errors.map((line) => [line.event, line.fields.schedule]), [[event, "a"]]);
    assert.match(String(errors[0]?.fields.error), /"m.f": it broke$/);
    assert.deepEqual(sentFor(), [120]);
  });
}

Deno.test("one message that cannot be published costs the others of its expansion nothing", async () => {
  const { fire, bus, log } = setUp(() => Promise.resolve([{ n: 0 }, { refuse: true }, { n: 2 }]));
  await fire(intervalEntry("a", 60, { expandFrom: "m.f" }), 60);
  assert.equal(bus.published.length, 2);
  assert.equal(log.of("scheduler.dispatch_error")[0]?.fields.failed, 1);
  assert.equal(log.of("scheduler.expansion_dispatched")[0]?.fields.count, 2);
});

Deno.test("draining waits for what is under way, but not for ever", async () => {
  const { fire, bus, dispatcher, clock, skipped } = setUp();
  bus.slow = true;
  await fire(intervalEntry("a", 1), 1);
  const finished = dispatcher.stop(10_000).then(() => "drained");
  await clock.advance(500);
  bus.confirmAll();
  assert.equal(await finished, "drained");

  await fire(intervalEntry("b", 1), 2);
  const abandoned = dispatcher.stop(10_000).then(() => "gave up");
  await clock.advance(10_100);
  assert.equal(await abandoned, "gave up");
  assert.deepEqual(skipped(), ["shutdown 2"]);
});

Deno.test("what a person fires has a random identity", async () => {
  const { dispatcher, bus, jobOf } = setUp();
  await dispatcher.fireManually(jobOf(intervalEntry("a", 60)));
  await dispatcher.fireManually(jobOf(intervalEntry("a", 60)));
  const ids = bus.published.map(({ data }) => String(data.task_id));
  assert.equal(new Set(ids).size, 2);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
});
