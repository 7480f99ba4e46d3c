/** The whole scheduler, three million firings on the manual clock: none lost, none doubled. */
import assert from "node:assert/strict";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type { JsonObject, PublishOptions } from "../../lib/bus/message_bus.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const ENTRIES = 1000;
const HOURS = 50;

/** Counts what is published, by entry, and checks that instants only ever grow. */
class CountingBus extends MemoryBus {
  readonly counts = new Map<string, number>();
  readonly #last = new Map<string, number>();

  override publish(_subject: string, data: JsonObject, options?: PublishOptions): Promise<void> {
    const { scheduled_by, scheduled_for } = data.metadata as Record<string, string>;
    const instant = Date.parse(scheduled_for!);
    assert.ok(instant > (this.#last.get(scheduled_by!) ?? 0), "later than the one before");
    assert.ok(options?.headers?.["Nats-Msg-Id"]?.includes(scheduled_for!));
    this.#last.set(scheduled_by!, instant);
    this.counts.set(scheduled_by!, (this.counts.get(scheduled_by!) ?? 0) + 1);
    return Promise.resolve();
  }
}

/** Keeps nothing but warnings and errors. */
class QuietRecorder extends LogRecorder {
  override debug = () => {};
  override info = () => {};
}

Deno.test("three million simulated firings: no message lost or doubled", async () => {
  const timings = Array.from(
    { length: ENTRIES },
    (_, index) => index % 2 === 0 ? "cron: '* * * * *'" : `interval_seconds: 60`,
  );
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(
    path,
    "name: many\nschedules:\n" +
      timings.map((timing, index) =>
        `- {name: e${index}, ${timing}, dispatch_type: task, task: {worker_type: w}}\n`
      ).join(""),
  );
  const clock = new ManualClock(START);
  const bus = new CountingBus();
  const log = new QuietRecorder();
  const scheduler = new SchedulerActor("many", path, { bus, clock, logger: log });
  const stop = new AbortController();
  const running = scheduler.run({
    signal: stop.signal,
    handleSignals: false,
  });
  while (scheduler.schedules.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));

  await clock.advance(HOURS * 3_600_000);
  stop.abort();
  await clock.advance(10_000);
  await running;
  await Deno.remove(path);

  assert.deepEqual(log.lines, []);
  assert.equal(bus.counts.size, ENTRIES);
  for (const [entry, count] of bus.counts) assert.equal(count, HOURS * 60, entry);
  const total = [...bus.counts.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(total, 3_000_000);
});
