/** What the contract promises of every fault a clock can have, on a clock that has them on demand. */
import assert from "node:assert/strict";
import { ClockWatch } from "../../lib/engine/clock_watch.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import type { Job } from "../../lib/engine/job.ts";
import type { Due } from "../../lib/schedule/occurrences.ts";
import type { LogRecorder } from "../helpers/log_recorder.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";
import { SwitchableBus } from "./switchable_bus.ts";
import { type FoundDue, START, withLoop } from "./with_loop.ts";
import { expandedOf } from "../helpers/expanded.ts";
import { testClock } from "../helpers/test_clock.ts";

const SECOND = 1000, MINUTE = 60_000, HOUR = 3_600_000, DAY = 86_400_000;

/** To the hundredth of a second: where looks at the clock cost time, it is not known better. */
const rounded = (milliseconds: unknown) => Math.round(Number(milliseconds) / 10) * 10 + 0;

const jumps = (log: LogRecorder) =>
  log.of("scheduler.clock_jumped")
    .map(({ fields }) => [rounded(fields.jump_ms), rounded(fields.late_ms)]);

/** Every occurrence has a name of its own: the dispatch's identity is made of it. */
function assertNothingTwice(dues: readonly FoundDue[]): void {
  const names = dues.map(({ entry, scheduledFor }) =>
    `${entry.name} ${scheduledFor.toISOString()}`
  );
  assert.equal(new Set(names).size, names.length, `twice among ${names.join(", ")}`);
}

const of = (dues: readonly FoundDue[], name: string) =>
  dues.filter(({ entry }) => entry.name === name);

const passedOver = (dues: readonly FoundDue[]) =>
  dues.filter(({ passedOverSince }) => passedOverSince !== undefined);

for (const [span, back] of [["5 s", 5 * SECOND], ["1 h", HOUR], ["1 d", DAY]] as const) {
  Deno.test(`set back ${span}: cron waits out what has fired, intervals keep their spacing`, async () => {
    const entries = [cronEntry("cron", "* * * * * *"), intervalEntry("interval", 10)];
    await withLoop(entries, async ({ clock, log, dues }) => {
      await clock.advance(25 * SECOND);
      clock.jump(-back);
      await clock.advance(SECOND);
      assert.deepEqual(jumps(log), [[-back, 0]]);
      await clock.advance(back - SECOND);
      assert.equal(of(dues, "cron").length, 25, "until the clock has caught up");
      assert.equal(of(dues, "interval").length, 2 + Math.floor((back + 5 * SECOND) / 10_000));
      await clock.advance(10 * SECOND);
      assert.equal(of(dues, "cron").length, 35);
      assertNothingTwice(dues);
      assert.deepEqual(passedOver(dues), []);
    });
  });
}

for (const back of [5 * SECOND, HOUR]) {
  Deno.test(`set back ${back / SECOND} s: an interval with start_at keeps to its grid on the wall clock`, async () => {
    const startAt = new Date(Date.parse(START) - 20 * DAY);
    const entries = [
      cronEntry("cron", "*/10 * * * * *"),
      intervalEntry("grid", 10, { startAt }),
      intervalEntry("new", 10, { startAt: new Date(Date.parse(START) + HOUR) }),
    ];
    await withLoop(entries, async ({ clock, dues }) => {
      await clock.advance(25 * SECOND);
      clock.jump(-back);
      await clock.advance(back + HOUR + MINUTE);
      const instants = (name: string) => of(dues, name).map(({ scheduledFor }) => +scheduledFor);
      assert.deepEqual(instants("grid"), instants("cron"));
      assert.ok(of(dues, "grid").every(({ scheduledFor, fireAt }) => fireAt === +scheduledFor));
      assert.equal(instants("new")[0], Date.parse(START) + HOUR);
      assertNothingTwice(dues);
      assert.deepEqual(passedOver(dues), []);
    });
  });
}

Deno.test("set forward a day and right again, an interval with start_at goes on at once", async () => {
  const startAt = new Date(Date.parse(START) - 20 * DAY);
  const entries = [cronEntry("cron", "* * * * *"), intervalEntry("grid", 60, { startAt })];
  await withLoop(entries, async ({ clock, dues }) => {
    await clock.advance(90 * SECOND);
    clock.jump(DAY);
    await clock.advance(5 * MINUTE);
    clock.jump(-DAY);
    await clock.advance(DAY + HOUR);
    const instants = (name: string) => of(dues, name).map(({ scheduledFor }) => +scheduledFor);
    assert.deepEqual(instants("grid"), instants("cron"));
    assert.ok(instants("grid").length > DAY / MINUTE);
    assertNothingTwice(dues);
  });
});

Deno.test("set back twice, an interval does not come to the instants that it fired already", async () => {
  await withLoop([intervalEntry("a", 10)], async ({ clock, dues }) => {
    await clock.advance(30 * SECOND);
    clock.jump(-15 * SECOND);
    await clock.advance(10 * SECOND);
    clock.jump(-15 * SECOND);
    await clock.advance(60.5 * SECOND);
    assert.equal(dues.length, 10);
    assertNothingTwice(dues);
  });
});

Deno.test("set back and set right again, intervals are on their grid and none is late", async () => {
  await withLoop([intervalEntry("a", 10)], async ({ clock, dues, fired }) => {
    await clock.advance(15 * SECOND);
    clock.jump(-DAY);
    await clock.advance(20 * SECOND);
    clock.jump(DAY);
    await clock.advance(15 * SECOND);
    assert.deepEqual(fired(), ["a@10", "a@20", "a@30", "a@40", "a@50"]);
    assert.deepEqual(passedOver(dues), []);
  });
});

Deno.test("set forward a day and right again, cron goes on at once, and a day later fires nothing twice", async () => {
  const entries = [cronEntry("minute", "* * * * *"), cronEntry("hour", "0 * * * *")];
  await withLoop(entries, async ({ clock, load, dues, fired }) => {
    await clock.advance(90 * SECOND);
    clock.jump(DAY);
    await clock.advance(5 * MINUTE);
    clock.jump(-DAY);
    await clock.advance(5 * MINUTE);
    const minutes = fired().filter((each) => each.startsWith("minute"));
    const day = DAY / SECOND;
    assert.deepEqual(minutes, [
      "minute@60",
      ...[60, 120, 180, 240, 300, 360].map((second) => `minute@${day + second}`),
      ...[420, 480, 540, 600, 660].map((second) => `minute@${second}`),
    ]);
    await load([cronEntry("minute", "*/1 * * * *"), entries[1]!]);
    await clock.advance(DAY);
    assertNothingTwice(dues);
    assert.equal(of(dues, "minute").length, 12 + DAY / MINUTE - 6);
    assert.equal(of(dues, "hour").length, 24);
    assert.deepEqual(passedOver(dues).length, 2);
  });
});

Deno.test("set to and fro ten thousand times, nothing comes twice, nothing piles up", async () => {
  await withLoop([cronEntry("a", "* * * * * *")], async ({ clock, dues }) => {
    const started = performance.now();
    for (let time = 0; time < 5000; time++) {
      clock.jump(5 * SECOND);
      await clock.advance(1300);
      clock.jump(-5 * SECOND);
      await clock.advance(1300);
    }
    assert.ok(performance.now() - started < 5000);
    assertNothingTwice(dues);
    assert.ok(dues.length > 5000, `and it goes on: ${dues.length}`);
  });
});

Deno.test("set back before its first firing, a cron entry fires at its instants from then on", async () => {
  await withLoop([cronEntry("a", "0 * * * *")], async ({ clock, fired }) => {
    await clock.advance(10 * MINUTE);
    clock.jump(-3 * HOUR); // the machine had started with a wrong clock
    await clock.advance(2 * HOUR);
    assert.deepEqual(fired(), ["a@-7200", "a@-3600"]);
  });
});

Deno.test("set back a day and reloaded, kept, changed and new intervals go on, nothing twice", async () => {
  const before = [
    intervalEntry("keep", 10),
    intervalEntry("change", 10),
    cronEntry("c", "* * * * *"),
  ];
  const after = [intervalEntry("keep", 10), intervalEntry("change", 5), intervalEntry("new", 5)];
  await withLoop(before, async ({ clock, load, log, dues, nextFires }) => {
    await clock.advance(65 * SECOND);
    clock.jump(-DAY);
    await load([...after, cronEntry("c", "*/1 * * * *")]); // before the loop woke by itself
    assert.deepEqual(jumps(log), [[-DAY, 0]]);
    await clock.advance(20 * SECOND);
    assert.equal(of(dues, "keep").length, 8);
    assert.equal(of(dues, "change").length, 6 + 4);
    assert.equal(of(dues, "new").length, 4);
    assert.equal(of(dues, "c").length, 1);
    assertNothingTwice(dues);
    assert.deepEqual(passedOver(dues), []);
    assert.deepEqual(nextFires().map((next) => next && rounded(+next - clock.now())), [
      5 * SECOND,
      5 * SECOND,
      5 * SECOND,
      DAY + 35 * SECOND,
    ]);
  });
});

Deno.test("set back while a jittered occurrence is pending: it fires once, and only later", async () => {
  const jittered = { jitterSeconds: 50 };
  const entries = [
    cronEntry("cron", "* * * * *", jittered),
    intervalEntry("interval", 60, jittered),
  ];
  await withLoop(entries, async ({ clock, dues }) => {
    await clock.advance(MINUTE + 1);
    const late = 2 - dues.length;
    assert.ok(late > 0, "one is pending");
    clock.jump(-30 * SECOND);
    await clock.advance(10 * MINUTE);
    assertNothingTwice(dues);
    assert.deepEqual(passedOver(dues), []);
    assert.deepEqual(
      of(dues, "cron").map(({ scheduledFor }) => +scheduledFor - Date.parse(START)),
      // The first was due at the start, and its jitter still held it back.
      Array.from({ length: of(dues, "cron").length }, (_, minute) => minute * MINUTE),
    );
    assert.ok(of(dues, "cron").length >= 9 && of(dues, "interval").length >= 9);
  });
});

for (const [span, forward] of [["90 s", 90 * SECOND], ["1 d", DAY], ["1 y", 365 * DAY]] as const) {
  Deno.test(`set forward ${span}: what passed is one late occurrence, within a second, at once`, async () => {
    const entries = [cronEntry("cron", "* * * * * *"), intervalEntry("interval", 7)];
    await withLoop(entries, async ({ clock, log, dues }) => {
      await clock.advance(10 * SECOND + 500);
      const before = dues.length;
      clock.jump(forward);
      const started = performance.now();
      await clock.advance(500);
      assert.ok(performance.now() - started < 500, "no walk through the occurrences that passed");
      assert.deepEqual(jumps(log), [[forward, 0]]);
      const late = passedOver(dues);
      assert.deepEqual(late.map(({ entry }) => entry.name).sort(), ["cron", "interval"]);
      assert.deepEqual(dues.slice(before), late);
      assert.equal(+of(late, "cron")[0]!.scheduledFor, clock.now(), "the latest");
      assert.equal(+of(late, "cron")[0]!.passedOverSince!, Date.parse(START) + 11 * SECOND);
      await clock.advance(7 * SECOND);
      assert.equal(of(dues.slice(before), "cron").length, 8);
      assert.equal(of(dues.slice(before), "interval").length, 2);
      assertNothingTwice(dues);
    });
  });
}

Deno.test("set forward past the grace, the late occurrence is a misfire, and the next is none", async () => {
  const bus = new SwitchableBus();
  let fire = (_job: Job, _due: Due) => {};
  const grace = { misfireGraceSeconds: 60 };
  const entries = [
    cronEntry("late", "0 0 * * * *", grace),
    cronEntry("in_time", "*/10 * * * * *", grace),
  ];
  await withLoop(entries, async ({ clock, log }) => {
    const expander = { expand: () => Promise.resolve(expandedOf([])) };
    const dispatcher = new Dispatcher({ scheduler: "test", bus, expander, clock, logger: log });
    fire = (job, due) => dispatcher.due(job, due);
    await clock.advance(500);
    clock.jump(90 * MINUTE);
    await clock.advance(2 * SECOND);
    const skipped = log.of("scheduler.fire_skipped").map(({ fields }) => fields);
    assert.deepEqual(
      skipped.map(({ schedule, reason, scheduled_for }) => ({ schedule, reason, scheduled_for })),
      [{ schedule: "late", reason: "misfire", scheduled_for: "2026-01-01T01:00:00.000Z" }],
    );
    const firing = log.of("scheduler.firing").map(({ fields }) => fields);
    assert.deepEqual(firing.map(({ schedule }) => schedule), ["in_time"]);
    assert.equal(firing[0]!.passed_over_since, "2026-01-01T00:00:10.000Z");
    await clock.advance(30 * MINUTE);
    const last = bus.published.filter(({ headers }) => headers["Heddle-Schedule"] === "late");
    assert.deepEqual(last.map(({ headers }) => headers["Heddle-Scheduled-For"]), [
      "2026-01-01T02:00:00.000Z",
    ]);
  }, { onDue: (job, due) => fire(job, due) });
});

for (const resumes of ["where it stood", "at the right time"]) {
  Deno.test(`frozen for minutes, then going on ${resumes}: intervals never stop, nothing is lost`, async () => {
    const entries = [
      cronEntry("cron", "0 * * * * *"),
      intervalEntry("ten", 10),
      intervalEntry("tenth", 0.1),
    ];
    await withLoop(entries, async ({ clock, log, dues }) => {
      await clock.advance(5 * SECOND);
      clock.wallRate = 0;
      await clock.advance(SECOND);
      assert.ok(jumps(log).length > 0, "noticed within a second");
      await clock.advance(5 * MINUTE - SECOND);
      assert.deepEqual(of(dues, "cron"), []);
      assert.equal(of(dues, "ten").length, 30);
      // A freeze is noticed a quarter of a second at a time: what fell into it is fired once.
      assert.ok(of(dues, "tenth").length >= 50 + 5 * 60 * 3);
      clock.wallRate = 1;
      if (resumes === "at the right time") clock.jump(5 * MINUTE);
      await clock.advance(115.5 * SECOND);
      const minutes = of(dues, "cron").map(({ scheduledFor }) =>
        (+scheduledFor - Date.parse(START)) / MINUTE
      );
      assert.deepEqual(minutes, resumes === "where it stood" ? [1, 2] : [5, 6, 7]);
      assert.equal(passedOver(of(dues, "cron")).length, resumes === "where it stood" ? 0 : 1);
      assert.equal(of(dues, "ten").length, 42);
      assertNothingTwice(dues);
    });
  });
}

Deno.test("suspended while the monotonic clock stands still: one late occurrence, on the grid", async () => {
  const entries = [cronEntry("cron", "0 * * * *"), intervalEntry("interval", 300)];
  await withLoop(entries, async ({ clock, log, dues, fired }) => {
    await clock.advance(MINUTE);
    clock.jump(8 * HOUR);
    await clock.advance(SECOND);
    assert.deepEqual(jumps(log), [[8 * HOUR, 0]]);
    assert.deepEqual(fired().sort(), ["cron@28800", "interval@28800"]);
    assert.equal(passedOver(dues).length, 2);
    await clock.advance(5 * MINUTE);
    assert.equal(fired()[2], "interval@29100");
  });
});

for (const [fault, span] of [["stopped for 3 s", 3000], ["suspended for 8 h", 8 * HOUR]] as const) {
  Deno.test(`${fault} while both clocks go on: one late occurrence each, logged with the size`, async () => {
    const entries = [cronEntry("cron", "* * * * * *"), intervalEntry("interval", 0.5)];
    await withLoop(entries, async ({ clock, log, dues }) => {
      await clock.advance(2200);
      const before = dues.length;
      clock.stop(span);
      await clock.advance(0);
      assert.deepEqual(jumps(log), [[span - 300, span - 300]]); // 300 ms of it were to be slept
      assert.deepEqual(dues.slice(before).map(({ entry }) => entry.name).sort(), [
        "cron",
        "interval",
      ]);
      assert.equal(passedOver(dues).length, 2);
      await clock.advance(1800);
      assertNothingTwice(dues);
      assert.equal(passedOver(dues).length, 2);
      assert.equal(jumps(log).length, 1);
    });
  });
}

Deno.test("stopped while it dispatches: logged with the size, one late occurrence, nothing twice", async () => {
  let stop = () => {};
  const entries = [cronEntry("cron", "* * * * * *"), intervalEntry("interval", 0.5)];
  await withLoop(entries, async ({ clock, log, dues }) => {
    await clock.advance(2200);
    stop = () => {
      stop = () => {};
      clock.stop(3 * SECOND);
    };
    await clock.advance(3400); // at 2.5 s the interval is due
    assert.deepEqual(jumps(log), [[3 * SECOND, 3 * SECOND]]);
    await clock.advance(SECOND);
    assertNothingTwice(dues);
    assert.deepEqual(passedOver(dues).map(({ entry }) => entry.name).sort(), ["cron", "interval"]);
    assert.equal(jumps(log).length, 1);
  }, { onDue: () => stop() });
});

Deno.test("stopped between a look at the clock and the sleep after it: the next look tells the size", () => {
  const clock = testClock(START);
  const watch = new ClockWatch(clock);
  watch.sleeping(0);
  assert.equal(watch.look(), null);
  clock.stop(3 * SECOND);
  watch.sleeping(SECOND);
  clock.stop(SECOND);
  assert.equal(rounded(watch.look()?.late), 3 * SECOND);
});

Deno.test("stopped and set back at once: both are in the size, the intervals go on", async () => {
  await withLoop([intervalEntry("a", 0.5)], async ({ clock, log, dues }) => {
    await clock.advance(2200);
    clock.stop(3 * SECOND);
    clock.jump(-HOUR);
    await clock.advance(1000);
    assert.deepEqual(jumps(log), [[-HOUR + 2700, 2700]]);
    assert.equal(dues.length, 4 + 1 + 2);
    assertNothingTwice(dues);
  });
});

Deno.test("a wake-up less than a second late is no fault, and fires what is due", async () => {
  await withLoop([intervalEntry("a", 2)], async ({ clock, log, fired }) => {
    await clock.advance(1900);
    clock.stop(1000);
    await clock.advance(1100);
    assert.deepEqual(fired(), ["a@2", "a@4"]);
    assert.deepEqual(jumps(log), []);
  });
});

for (const rate of [1.0005, 0.9995]) {
  Deno.test(`slewed at ${rate} for a day: nothing is logged, lost or late`, async () => {
    const entries = [cronEntry("cron", "* * * * *"), intervalEntry("interval", 60)];
    await withLoop(entries, async ({ clock, log, dues }) => {
      clock.wallRate = rate;
      await clock.advance(DAY);
      assert.deepEqual(jumps(log), []);
      const minutes = Math.floor(rate * DAY / MINUTE);
      assert.equal(of(dues, "cron").length, minutes);
      assert.equal(of(dues, "interval").length, minutes);
      assert.deepEqual(passedOver(dues), []);
    });
  });
}
