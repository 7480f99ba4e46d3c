/** What the dispatcher does where a stream acknowledges, firings are remembered, and leases end. */
import assert from "node:assert/strict";
import type { DeliverOptions } from "../../lib/durable/delivery.ts";
import type { Owner, OwnerState } from "../../lib/durable/owner.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { testClock } from "../helpers/test_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { cronEntry } from "../helpers/entries.ts";
import { checkpointThat, dueAt, jobMaker } from "../helpers/jobs.ts";
import { SwitchableBus } from "./switchable_bus.ts";
import { expandedOf } from "../helpers/expanded.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

/** A dispatch that has been published and not been acknowledged. */
interface UnderWay {
  second: number;
  term: string | undefined;
  options: DeliverOptions;
  acknowledge(): void;
  fail(error: Error): void;
}

function setUp() {
  const clock = testClock(START);
  const log = new LogRecorder();
  const bus = new SwitchableBus();
  const underWay: UnderWay[] = [];
  const remembered: number[] = [];
  const lease = { state: "held" as OwnerState, term: 1 };
  const owner: Owner = {
    get state() {
      return lease.state;
    },
    get term() {
      return lease.term;
    },
    permit: () => () => lease.state === "held",
  };
  const secondOf = (instant: number) => (instant - START) / 1000;
  const dispatcher = new Dispatcher({
    scheduler: "test",
    bus,
    expander: { expand: () => Promise.resolve(expandedOf([{ n: 0 }, { n: 1 }])) },
    clock,
    logger: log,
    delivery: {
      isAcknowledged: () => true,
      publish: (_subject, _data, options) =>
        new Promise<void>((resolve, reject) => {
          const headers = options.headers!;
          underWay.push({
            second: secondOf(Date.parse(headers["Heddle-Scheduled-For"]!)),
            term: headers["Heddle-Term"],
            options,
            acknowledge: resolve,
            fail: reject,
          });
          options.signal?.addEventListener("abort", () => reject(options.signal!.reason));
        }),
    },
  });
  const jobOf = jobMaker((job) => {
    job.owner = owner;
    job.checkpoint = checkpointThat((scheduledFor) => remembered.push(secondOf(scheduledFor)));
  });
  const fire = async (entry: ScheduleEntry, second: number) => {
    const at = START + second * 1000;
    if (at > clock.now()) await clock.advance(at - clock.now());
    dispatcher.due(jobOf(entry), dueAt(at));
    await clock.advance(0);
  };
  const acknowledge = async (place: number) => {
    underWay[place]!.acknowledge();
    await clock.advance(0);
  };
  const seconds = () => underWay.map(({ second }) => second);
  const skipped = () => log.of("scheduler.fire_skipped").map(({ fields }) => fields.reason);
  return {
    clock,
    log,
    bus,
    dispatcher,
    lease,
    owner,
    underWay,
    remembered,
    fire,
    acknowledge,
    seconds,
    skipped,
  };
}

const each = (catchUp: ScheduleEntry["catchUp"], rest = {}) =>
  cronEntry("e", "* * * * * *", { catchUp, ...rest });

Deno.test("an occurrence is remembered once it is acknowledged, and not before", async () => {
  const { fire, acknowledge, remembered } = setUp();
  await fire(each("none"), 1);
  assert.deepEqual(remembered, []);
  await acknowledge(0);
  assert.deepEqual(remembered, [1]);
});

Deno.test("the next occurrence ends the attempts for one that nobody acknowledged", async () => {
  const { fire, acknowledge, seconds, skipped, underWay, remembered, log } = setUp();
  await fire(each("one"), 1);
  await fire(each("one"), 2);
  assert.deepEqual(seconds(), [1, 2]);
  assert.equal(underWay[0]!.options.signal!.aborted, true);
  assert.deepEqual(skipped(), ["superseded"]);
  assert.equal(log.of("scheduler.fire_skipped")[0]!.fields.unacknowledged, true);
  await acknowledge(1);
  assert.deepEqual(remembered, [2]);
});

Deno.test("with catch_up all, the next waits until the one before is acknowledged", async () => {
  const { fire, acknowledge, seconds, skipped, remembered } = setUp();
  for (const second of [1, 2, 3]) await fire(each("all"), second);
  assert.deepEqual(seconds(), [1]);
  for (const place of [0, 1, 2]) await acknowledge(place);
  assert.deepEqual(seconds(), [1, 2, 3]);
  assert.deepEqual([remembered, skipped()], [[1, 2, 3], []]);
});

Deno.test("with catch_up all, what is due while the server is away fires afterwards, in order", async () => {
  const { fire, acknowledge, seconds, bus, clock, skipped } = setUp();
  bus.cut();
  for (const second of [1, 2, 3]) await fire(each("all"), second);
  assert.deepEqual(seconds(), []);
  bus.restore();
  await clock.advance(0);
  for (const place of [0, 1, 2]) await acknowledge(place);
  assert.deepEqual([seconds(), skipped()], [[1, 2, 3], []]);
});

Deno.test("a thousand wait, the oldest of more is given up by name", async () => {
  const { fire, bus, log } = setUp();
  bus.cut();
  for (let second = 1; second <= 1001; second++) await fire(each("all"), second);
  const [skip] = log.of("scheduler.fire_skipped");
  assert.equal(skip!.fields.reason, "catch_up_limit");
  assert.equal(skip!.fields.scheduled_for, "2026-01-01T00:00:01.000Z");
});

Deno.test("its grace goes with a dispatch, and what waited longer is a misfire that is over", async () => {
  const { fire, underWay, bus, clock, skipped, remembered, seconds, acknowledge } = setUp();
  const entry = each("all", { misfireGraceSeconds: 5 });
  await fire(entry, 1);
  assert.equal(underWay[0]!.options.until, START + 6000);
  await acknowledge(0);
  bus.cut();
  await fire(entry, 2);
  await fire(entry, 8);
  bus.restore();
  await clock.advance(0);
  assert.deepEqual([skipped(), seconds()], [["misfire"], [1, 8]]);
  assert.deepEqual(remembered, [1, 2]);
});

Deno.test("what failed for good is over; what was given up because of us is not", async () => {
  const { fire, underWay, clock, remembered, dispatcher } = setUp();
  await fire(each("none"), 1);
  underWay[0]!.fail(new RangeError("Too large"));
  await clock.advance(0);
  assert.deepEqual(remembered, [1]);
  await fire(each("none"), 2);
  const drained = dispatcher.stop(1000);
  await clock.advance(2000);
  await drained;
  assert.deepEqual(remembered, [1]);
});

Deno.test("without its lease an entry fires nothing, and says nothing", async () => {
  const { fire, lease, seconds, log } = setUp();
  lease.state = "not_held";
  await fire(each("all"), 1);
  assert.deepEqual([seconds(), log.lines], [[], []]);
});

Deno.test("while the lease has lapsed what is due waits; what is ours again fires in the new term", async () => {
  const { fire, lease, dispatcher, clock, underWay, acknowledge } = setUp();
  await fire(each("all"), 1);
  lease.state = "lapsed";
  await fire(each("all"), 2);
  assert.equal(underWay.length, 1);
  Object.assign(lease, { state: "held", term: 2 });
  dispatcher.opened();
  await clock.advance(0);
  // The one that was under way is made anew: nothing of the old term may leave.
  assert.deepEqual(underWay.map(({ second, term }) => `${second} in ${term}`), [
    "1 in 1",
    "1 in 2",
  ]);
  assert.equal(underWay[0]!.options.signal!.aborted, true);
  await acknowledge(1);
  assert.deepEqual(underWay.at(-1)!.second, 2);
});

Deno.test("what is somebody else's is given up at once, and not remembered", async () => {
  const { fire, dispatcher, owner, underWay, clock, remembered, log } = setUp();
  await fire(each("all"), 1);
  await fire(each("all"), 2);
  dispatcher.lost(owner);
  await clock.advance(0);
  assert.equal(underWay[0]!.options.signal!.aborted, true);
  assert.deepEqual([underWay.length, remembered], [1, []]);
  assert.deepEqual(log.of("scheduler.dispatch_error"), []);
});

Deno.test("an expansion is over when all of it is acknowledged", async () => {
  const { fire, acknowledge, remembered, underWay } = setUp();
  await fire(each("none", { expandFrom: "m.f" }), 1);
  assert.equal(underWay.length, 2);
  await acknowledge(0);
  assert.deepEqual(remembered, []);
  await acknowledge(1);
  assert.deepEqual(remembered, [1]);
});
