import assert from "node:assert/strict";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { whenClockIsSet } from "../../lib/time/set_clock.ts";

const EARLIEST = new Date("2026-11-26T00:00:00Z");

/** Whether the wait is over. */
function waiting(clock: ManualClock, signal = new AbortController().signal) {
  const state = { isOver: false };
  void whenClockIsSet(clock, EARLIEST, signal).then(() => state.isOver = true);
  return state;
}

Deno.test("a clock that shows the earliest instant, or a later one, is set", async () => {
  for (const now of ["2026-11-26T00:00:00Z", "2030-01-01T00:00:00Z"]) {
    const clock = new ManualClock(now);
    const wait = waiting(clock);
    await clock.advance(0);
    assert.equal(wait.isOver, true, now);
  }
});

Deno.test("a clock that is not set is waited for, and that it was set is seen within a second", async () => {
  const clock = new ManualClock("1970-01-01T00:00:04Z");
  const wait = waiting(clock);
  await clock.advance(3_600_000);
  assert.equal(wait.isOver, false);
  clock.jump(56 * 365 * 86_400_000); // still before
  await clock.advance(10_000);
  assert.equal(wait.isOver, false);
  clock.jump(365 * 86_400_000);
  await clock.advance(1000);
  assert.equal(wait.isOver, true);
});

Deno.test("the wait ends when it is not wanted any more", async () => {
  const clock = new ManualClock("1970-01-01T00:00:04Z");
  const stop = new AbortController();
  const wait = waiting(clock, stop.signal);
  await clock.advance(2000);
  stop.abort();
  await clock.advance(0);
  assert.equal(wait.isOver, true);
});
