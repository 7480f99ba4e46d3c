/** A function of the embedding program's own in place of publishing. */
import assert from "node:assert/strict";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type { Subscription } from "../../lib/bus/message_bus.ts";
import type { StatusReply } from "../../lib/control/control_api.ts";
import type { FiredOccurrence, OnFire } from "../../lib/engine/firing.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { Job } from "../../lib/engine/job.ts";
import { ManualClock, settle } from "../../lib/time/manual_clock.ts";
import { intervalEntry } from "../helpers/entries.ts";
import { checkpointThat, dueAt } from "../helpers/jobs.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Embedded, KeepingBus, withScheduler } from "./with_scheduler.ts";
import { expandedOf } from "../helpers/expanded.ts";

const entry = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  interval_seconds: 60,
  dispatch_type: "task",
  task: { worker_type: "w" },
  ...more,
});

const config = (...schedules: unknown[]) => ({ name: "embedded", schedules });

async function statusOf({ scheduler }: Embedded, name: string) {
  const { entries } = await scheduler.ask({ action: "status", entry: name }) as StatusReply;
  return entries[0]!;
}

Deno.test("onFire is called for each firing, and nothing is published", async () => {
  const calls: { name: string; occurrence: FiredOccurrence }[] = [];
  const onFire: OnFire = ({ name }, occurrence) => void calls.push({ name, occurrence });
  await withScheduler(config(entry("a")), async (embedded) => {
    const { clock, bus, log } = embedded;
    await clock.advance(120_000);
    assert.deepEqual(calls.map(({ name }) => name), ["a", "a"]);
    const { signal, ...occurrence } = calls[1]!.occurrence;
    assert.deepEqual(occurrence, {
      id: "a@2026-01-01T00:02:00.000Z",
      scheduledFor: new Date("2026-01-01T00:02:00Z"),
      passedOverSince: null,
      lateness: 0,
      isManual: false,
      objects: null,
    });
    assert.equal(signal.aborted, false);
    assert.deepEqual(bus.published, []);
    const { counts, dispatches, last } = await statusOf(embedded, "a");
    assert.deepEqual([counts, dispatches], [{ dispatched: 2 }, 2]);
    assert.equal(last!.outcome, "dispatched");
    assert.deepEqual(log.lines.filter(({ level }) => level !== "info" && level !== "debug"), []);
  }, { onFire });
});

for (
  const [how, onFire] of [
    ["throws", () => {
      throw new Error("boom");
    }],
    ["rejects with", () => Promise.reject(new Error("boom"))],
  ] as [string, OnFire][]
) {
  Deno.test(`what onFire ${how} is the failure of the firing, and of no other`, async () => {
    await withScheduler(config(entry("a")), async (embedded) => {
      await embedded.clock.advance(120_000);
      const { counts, last } = await statusOf(embedded, "a");
      assert.deepEqual(counts, { failed: 2 });
      assert.equal(last!.error, "boom");
      const [line] = embedded.log.of("scheduler.dispatch_error");
      assert.deepEqual(line!.fields, {
        schedule: "a",
        firing_id: "a@2026-01-01T00:01:00.000Z",
        scheduled_for: "2026-01-01T00:01:00.000Z",
        failed: 1,
        error: "boom",
      });
    }, { onFire });
  });
}

Deno.test("an entry whose onFire still runs does not overlap itself; others are not affected", async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  const onFire: OnFire = async ({ name }) => {
    calls.push(name);
    if (name === "slow") await gate.promise;
  };
  await withScheduler(config(entry("slow"), entry("b")), async (embedded) => {
    await embedded.clock.advance(120_000);
    assert.deepEqual(calls, ["slow", "b", "b"]);
    gate.resolve();
    await settle();
    assert.deepEqual((await statusOf(embedded, "slow")).counts, { overlap: 1, dispatched: 1 });
    await embedded.clock.advance(60_000);
    assert.deepEqual(calls, ["slow", "b", "b", "slow", "b"]);
  }, { onFire });
});

Deno.test("onFire is not called while its entry is paused", async () => {
  let calls = 0;
  await withScheduler(config(entry("a")), async ({ scheduler, clock }) => {
    await scheduler.ask({ action: "pause", entry: "a" });
    await clock.advance(60_000);
    assert.equal(calls, 0);
    await scheduler.ask({ action: "resume", entry: "a" });
    await clock.advance(60_000);
    assert.equal(calls, 1);
  }, { onFire: () => void calls++ });
});

Deno.test("onFire is called for a firing by hand, whose answer waits for it", async () => {
  const gate = Promise.withResolvers<void>();
  const seen: FiredOccurrence[] = [];
  const onFire: OnFire = async (_, occurrence) => {
    seen.push(occurrence);
    await gate.promise;
  };
  await withScheduler(config(entry("a")), async ({ scheduler }) => {
    const first = scheduler.ask({ action: "fire", entry: "a" });
    await eventually("it is called", () => seen.length === 1);
    assert.equal(seen[0]!.isManual, true);
    gate.resolve();
    assert.deepEqual(await first, { status: "ok", entry: "a", dispatches: 1 });
  }, { onFire });
});

Deno.test("what onFire throws is the answer to whoever fires by hand", async () => {
  const onFire = () => Promise.reject(new Error("boom"));
  await withScheduler(config(entry("a")), async ({ scheduler }) => {
    const reply = await scheduler.ask({ action: "fire", entry: "a" });
    assert.deepEqual(reply, { status: "error", code: "failed", error: "boom" });
  }, { onFire });
});

Deno.test("onFire has what the entry's expansion returned, once; for an empty one it is not called", async () => {
  const seen: FiredOccurrence["objects"][] = [];
  const onFire: OnFire = (_, { objects }) => void seen.push(objects);
  const expandFrom = (name: string) => ({ expand_from: `./shop/sessions.ts#${name}` });
  const schedules = config(
    entry("two", expandFrom("get_active")),
    entry("none", expandFrom("none")),
  );
  const options = { onFire, expandRoot: "tests/fixtures/expansions" };
  await withScheduler(schedules, async (embedded) => {
    await embedded.clock.advance(60_000);
    const { log } = embedded;
    await eventually("both are over", () =>
      log.of("scheduler.expansion_dispatched").length === 1 &&
      log.of("scheduler.expansion_empty").length === 1);
    assert.deepEqual(seen.map((objects) => objects!.map(({ id }) => id)), [["s1", "s2"]]);
    assert.equal((await statusOf(embedded, "two")).dispatches, 2);
  }, options);
});

Deno.test("onFire is called whether or not there is a connection", async () => {
  class Away extends KeepingBus {
    isAway = false;
    override get connected() {
      return !this.isAway;
    }
  }
  let calls = 0;
  const bus = new Away();
  await withScheduler(config(entry("a")), async ({ clock }) => {
    bus.isAway = true;
    await clock.advance(60_000);
    assert.equal(calls, 1);
  }, { bus, onFire: () => void calls++ });
});

Deno.test("a stop waits seven seconds for onFire, and then tells it by its signal", async () => {
  const signals: AbortSignal[] = [];
  const onFire: OnFire = async (_, { signal }) => {
    signals.push(signal);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    signal.throwIfAborted();
  };
  await withScheduler(config(entry("a")), async ({ clock, stopping, stop, log }) => {
    await clock.advance(60_000);
    assert.equal(signals.length, 1);
    stopping.abort();
    await clock.advance(6_999);
    assert.equal(signals[0]!.aborted, false);
    await stop();
    assert.equal(signals[0]!.aborted, true);
    const [skipped] = log.of("scheduler.fire_skipped");
    assert.equal(skipped!.fields.reason, "shutdown");
  }, { onFire });
});

Deno.test("onFire is not called once the lease is gone; the occurrence is left to its next holder", async () => {
  let calls = 0;
  const noted: number[] = [];
  const clock = new ManualClock("2026-01-01T00:00:00Z");
  const log = new LogRecorder();
  const dispatcher = new Dispatcher({
    scheduler: "test",
    bus: new KeepingBus({ clock, logger: log }),
    expander: { expand: () => Promise.resolve(expandedOf([])) },
    clock,
    logger: log,
    onFire: () => void calls++,
  });
  const job = new Job(intervalEntry("a", 60));
  job.checkpoint = checkpointThat((scheduledFor) => void noted.push(scheduledFor));
  const lease = { isValid: false };
  job.owner = { state: "held", term: 1, permit: () => () => lease.isValid };
  dispatcher.due(job, dueAt(clock.now()));
  await settle();
  assert.deepEqual([calls, noted, job.history!.counts], [0, [], { failed: 1 }]);
  assert.match(String(job.history!.last.error), /Cannot fire "a": its lease is not held/);
  lease.isValid = true;
  dispatcher.due(job, dueAt(clock.now()));
  await settle();
  assert.deepEqual([calls, noted], [1, [clock.now()]]);
});

/** A bus that never confirms that it has ended a subscription. */
class EndlessBus extends MemoryBus {
  override async subscribe(subject: string): Promise<Subscription> {
    const subscription = await super.subscribe(subject);
    const unsubscribe = async () => {
      await subscription.unsubscribe();
      await new Promise(() => {});
    };
    return {
      subject,
      unsubscribe,
      [Symbol.asyncIterator]: () => subscription[Symbol.asyncIterator](),
    };
  }
}

Deno.test("a stop takes at most eight seconds, whatever onFire and the bus do and an option says", async () => {
  const options = { onFire: () => new Promise<void>(() => {}), shutdownGraceSeconds: 60 };
  await using bus = new EndlessBus();
  await withScheduler(config(entry("a")), async ({ clock, log, stopping }) => {
    await clock.advance(60_000);
    stopping.abort();
    await clock.advance(7999);
    assert.equal(log.of("actor.disconnected").length, 0);
    await clock.advance(1);
    await eventually("it ended", () => log.of("actor.disconnected").length === 1);
    assert.equal(log.of("actor.shutdown_cut_short").length, 1);
  }, { bus, ...options });
});
