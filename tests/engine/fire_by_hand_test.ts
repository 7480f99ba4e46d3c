/** What a person fires ends when that person stops waiting, and nothing of it comes later. */
import assert from "node:assert/strict";
import type { DeliverOptions } from "../../lib/durable/delivery.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { Job } from "../../lib/engine/job.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { intervalEntry } from "../helpers/entries.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { dueAt, jobMaker } from "../helpers/jobs.ts";
import { SwitchableBus } from "./switchable_bus.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const ENTRY = intervalEntry("a", 60);
const EXPANDED = intervalEntry("e", 60, { expandFrom: "x.y" });

function setUp() {
  const clock = new ManualClock(START);
  const bus = new SwitchableBus();
  const log = new LogRecorder();
  const expander = {
    expand: (_: string, { signal }: { signal?: AbortSignal }) =>
      new Promise<never>((_resolve, reject) =>
        signal!.addEventListener("abort", () => reject(signal!.reason))
      ),
  };
  const make = (delivery?: ConstructorParameters<typeof Dispatcher>[0]["delivery"]) =>
    new Dispatcher({ scheduler: "test", bus, expander, clock, logger: log, delivery });
  return { clock, bus, log, make };
}

Deno.test("what waits for the server is withdrawn at the deadline, and never sent", async () => {
  const { clock, bus, log, make } = setUp();
  bus.cut();
  const fired = assert.rejects(
    make().fireManually(new Job(ENTRY), { until: START + 5000 }),
    /Cannot publish .* time-out passed before it was done: nothing more of it is sent/,
  );
  await clock.advance(4999);
  assert.deepEqual(log.of("scheduler.dispatch_error"), []);
  await clock.advance(1);
  await fired;
  bus.restore();
  await clock.advance(60_000);
  assert.deepEqual(bus.published, []);
  assert.equal(log.of("scheduler.dispatch_error").length, 1);
});

Deno.test("an expansion that takes longer than the deadline is given up", async () => {
  const { clock, bus, make } = setUp();
  const fired = assert.rejects(
    make().fireManually(new Job(EXPANDED), { until: START + 5000 }),
    /time-out passed/,
  );
  await clock.advance(5000);
  await fired;
  assert.deepEqual(bus.published, []);
});

Deno.test("what comes after its deadline is not begun", async () => {
  const { bus, make } = setUp();
  await assert.rejects(make().fireManually(new Job(ENTRY), { until: START }), /time-out passed/);
  assert.deepEqual(bus.published, []);
});

Deno.test("what is done in time leaves no timer behind, and a later deadline changes nothing", async () => {
  const { clock, bus, log, make } = setUp();
  assert.equal(await make().fireManually(new Job(ENTRY), { until: START + 5000 }), 1);
  await clock.advance(10_000);
  assert.equal(bus.published.length, 1);
  assert.deepEqual(log.of("scheduler.dispatch_error"), []);
});

Deno.test("what a stream refuses is final for what a person fires, and tried again for what is due", async () => {
  const { clock, make } = setUp();
  const seen: DeliverOptions[] = [];
  const dispatcher = make({
    isAcknowledged: () => true,
    publish: (_subject, _data, options) => {
      seen.push(options);
      return Promise.resolve();
    },
  });
  await dispatcher.fireManually(new Job(ENTRY));
  dispatcher.due(jobMaker()(ENTRY), dueAt(START));
  await clock.advance(0);
  assert.deepEqual(seen.map(({ isRefusalFinal = false }) => isRefusalFinal), [true, false]);
});
