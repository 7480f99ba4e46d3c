/** Checkpoints, and the time stamps of a real server. */
import assert from "node:assert/strict";
import { NatsBus } from "../../lib/bus/nats/nats_bus.ts";
import { CheckpointStore } from "../../lib/durable/checkpoint_store.ts";
import { systemClock } from "../../lib/time/clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { ALL, DAY, HEALTH, NIGHTLY } from "./checkpoints.ts";

/** The machine's clock, but for a wall clock that is ahead. */
function clockAhead(by: number) {
  return { ...systemClock, by, now: () => systemClock.now() + by };
}

Deno.test("a real server's time stamps tell a clock that was ahead, in the process and after it", async () => {
  await using server = await startNatsServer({ jetstream: true });
  const logger = new LogRecorder();
  const bus = new NatsBus({ servers: server.url, logger });
  await bus.connect();
  try {
    const store = (await bus.jetStream()).keyValue("heddle-scheduler", { replicas: 1 });
    const clock = clockAhead(0);
    clock.now = () => systemClock.now() + clock.by;
    const options = { store, scheduler: "s", logger };
    const first = new CheckpointStore({ ...options, clock });
    await first.open(ALL, [NIGHTLY, HEALTH], null);
    clock.by = 400 * DAY;
    first.of("nightly")!.done(clock.now());
    first.of("health")!.done(clock.now());
    await first.flush();
    clock.by = 0;
    const last = systemClock.now();
    const verdict = await first.clockSetBack({
      by: 400 * DAY,
      lastOf: (name) => name === "nightly" ? last : undefined,
    });
    assert.equal(verdict!.wasAhead, true);
    assert.ok(Math.abs(verdict!.aheadMs - 400 * DAY) < 5000, `${verdict!.aheadMs}`);
    await first.flush();
    first.stop();

    const next = new CheckpointStore({ ...options, clock });
    await next.open(ALL, [NIGHTLY, HEALTH], null);
    assert.equal(next.of("nightly")!.last, last);
    assert.equal(next.of("health")!.isNew, true);

    const wrong = new CheckpointStore({ ...options, clock: clockAhead(400 * DAY) });
    await wrong.open(ALL, [NIGHTLY, HEALTH], null);
    wrong.of("nightly")!.done(systemClock.now() + 400 * DAY);
    await wrong.flush();
    wrong.stop();
    assert.equal(logger.of("memory.clock_wrong").length, 0);
    const right = new CheckpointStore({ ...options, clock });
    await right.open(ALL, [NIGHTLY, HEALTH], null);
    assert.equal(right.of("nightly")!.last, null);
    assert.equal(right.of("nightly")!.isNew, true);
    assert.equal(right.of("health")!.isNew, false, "it was right");
    assert.equal(logger.of("memory.clock_wrong").length, 1);
    for (const each of [next, right]) each.stop();
  } finally {
    await bus.close();
  }
});
