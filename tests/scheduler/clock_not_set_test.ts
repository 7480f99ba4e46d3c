/** A machine that starts without knowing what time it is. */
import assert from "node:assert/strict";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type { ControlReply } from "../../lib/control/control_api.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";

const entry = (name: string, timing: string) =>
  `  - { name: ${name}, ${timing}, dispatch_type: task, task: { worker_type: w } }\n`;

const CONFIG = "name: unset\nschedules:\n" +
  entry("second", 'cron: "* * * * * *"') +
  entry("yearly", 'cron: "@yearly"') +
  entry("ten", "interval_seconds: 10") +
  entry("grid", 'interval_seconds: 3600, start_at: "2026-01-01T00:00:00Z"') +
  entry("start", 'cron: "@yearly", run_on_start: true');

const BUILT = new Date("2026-11-26T22:00:00Z");
/** What the clock shows once it is set. */
const RIGHT = Date.parse("2026-11-28T08:59:30.250Z");

interface Running {
  scheduler: SchedulerActor;
  clock: ManualClock;
  log: LogRecorder;
  stop: AbortController;
  running: Promise<void>;
  /** What fired, and for when. */
  fired(): string[];
  ask(action: string): Promise<ControlReply | null>;
}

async function withScheduler(
  { start, clockSetAfter }: { start: string; clockSetAfter?: Date },
  test: (running: Running) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, CONFIG);
  const clock = new ManualClock(start);
  const log = new LogRecorder();
  const bus = new MemoryBus({ clock, logger: log });
  const scheduler = new SchedulerActor("test", path, { bus, clock, logger: log, clockSetAfter });
  const stop = new AbortController();
  const running = scheduler.run({
    signal: stop.signal,
    handleSignals: false,
  });
  const event = clockSetAfter === undefined ? "scheduler.running" : "scheduler.clock_not_set";
  await eventually(event, () => log.of(event).length === 1);
  try {
    await test({
      ...{ scheduler, clock, log, stop, running },
      fired: () =>
        log.of("scheduler.firing").map(({ fields }) =>
          `${fields.schedule} ${fields.scheduled_for}`
        ),
      ask: (action) => scheduler.control.answer({ action }),
    });
  } finally {
    stop.abort();
    await clock.advance(10_000);
    await running;
    await Deno.remove(path);
  }
}

Deno.test("nothing fires, and nothing is begun, before the clock is set; nothing is late then", async () => {
  const options = { start: "1970-06-01T00:00:00Z", clockSetAfter: BUILT };
  await withScheduler(options, async ({ clock, log, fired, scheduler }) => {
    await clock.advance(4000);
    assert.equal(scheduler.engine, null);
    clock.jump(RIGHT - clock.now());
    await clock.advance(1000);
    assert.deepEqual(
      log.of("scheduler.clock_not_set").map(({ level, fields }) => [level, fields]),
      [
        ["warning", {
          now: "1970-06-01T00:00:00.000Z",
          earliest: "2026-11-26T22:00:00.000Z",
          hint: "nothing fires until the clock is set",
        }],
      ],
    );
    const [set] = log.of("scheduler.clock_set");
    assert.deepEqual(set!.fields, { now: "2026-11-28T08:59:31.250Z", waited_ms: 5000 });
    await eventually("it runs", () => log.of("scheduler.running").length === 1);
    await clock.advance(31_000);
    assert.deepEqual(fired().filter((each) => !each.startsWith("second")), [
      "start 2026-11-28T08:59:31.250Z",
      "ten 2026-11-28T08:59:41.250Z",
      "ten 2026-11-28T08:59:51.250Z",
      "grid 2026-11-28T09:00:00.000Z",
      "ten 2026-11-28T09:00:01.250Z",
    ]);
    const second = fired().find((each) => each.startsWith("second"));
    assert.equal(second, "second 2026-11-28T08:59:32.000Z");
    assert.deepEqual(log.of("scheduler.clock_jumped"), []);
    assert.equal(scheduler.waitingFor, null);
  });
});

Deno.test("while it waits for the clock it says so, and ends at once when it is told to", async () => {
  const options = { start: "1970-01-01T00:00:00Z", clockSetAfter: BUILT };
  await withScheduler(options, async ({ clock, ask, stop, running, log }) => {
    for (const action of ["health", "status"]) {
      const reply = await ask(action);
      assert.ok(reply !== null && "waiting_for" in reply);
      assert.equal(reply.running_since, null);
      assert.match(reply.waiting_for!, /is not set: it shows 1970-01-01T00:00:00.000Z, and the /);
    }
    const fire = await ask("next");
    assert.ok(fire?.status === "error" && fire.code === "starting");
    assert.match(fire.error, /is not set: it shows 1970/);
    stop.abort();
    await clock.advance(0);
    await running;
    assert.deepEqual(log.of("scheduler.running"), []);
    assert.deepEqual(log.of("scheduler.clock_set"), []);
  });
});

Deno.test("a scheduler that is not told when it was built believes any clock", async () => {
  await withScheduler({ start: "1970-01-01T00:00:00.500Z" }, async ({ clock, fired, log }) => {
    await clock.advance(1000);
    assert.ok(fired().includes("second 1970-01-01T00:00:01.000Z"));
    assert.deepEqual(log.of("scheduler.clock_not_set"), []);
  });
});
