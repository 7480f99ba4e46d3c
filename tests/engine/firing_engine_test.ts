/** How the engine ends. */
import assert from "node:assert/strict";
import { NoStreamError } from "../../lib/bus/stream_bus.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { intervalEntry } from "../helpers/entries.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { SwitchableBus } from "./switchable_bus.ts";
import { newEngine } from "./with_engine.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

class CountingClock extends ManualClock {
  get sleeping(): number {
    return this.sleepers.length;
  }
}

Deno.test("an engine that fails because no stream takes its dispatches leaves nothing running", async () => {
  const clock = new CountingClock(START);
  const log = new LogRecorder();
  const bus = new SwitchableBus();
  const engine = newEngine({ clock, log, bus, delivery: "jetstream" });
  bus.cut(); // the look for the stream comes after the start
  const stop = new AbortController();
  const entries = [intervalEntry("a", 1)];
  await engine.start({
    name: "test",
    timezone: "UTC",
    wire: "v1",
    expandAllow: { read: [], net: null },
    entries,
  }, stop.signal);
  const failed = assert.rejects(engine.run(stop.signal), NoStreamError);
  await clock.advance(500);
  bus.restore();
  await failed;
  assert.equal(clock.sleeping, 0);
  await clock.advance(10_000);
  assert.deepEqual(bus.published, []);
  assert.deepEqual(log.of("scheduler.firing"), []);
});
