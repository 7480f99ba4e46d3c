/** The machine's own clock, against the machine. */
import assert from "node:assert/strict";
import { systemClock } from "../../lib/time/clock.ts";

Deno.test("until is as exact as the clock, and says 0 only when now does", () => {
  const instant = Date.now() + 50;
  for (let left = Infinity; left > 0;) {
    const before = systemClock.now();
    left = systemClock.until(instant);
    const after = systemClock.now();
    assert.ok(left <= instant - before && left > instant - after - 1, `${left} ms`);
  }
  assert.ok(systemClock.now() >= instant);
});

Deno.test("until never says 0 before now does, after the clock was set back", () => {
  const { now } = Date;
  try {
    Date.now = () => now() - 5000;
    for (let round = 0; round < 1000; round++) {
      const instant = systemClock.now() + 1;
      const left = systemClock.until(instant);
      assert.ok(left > 0 || systemClock.now() >= instant, `${left} ms`);
    }
  } finally {
    Date.now = now;
  }
});

Deno.test("until follows a clock that is set, forwards and backwards", () => {
  const { now } = Date;
  try {
    for (const jump of [3_600_000, -3_600_000]) {
      const instant = now() + 7_200_000;
      const before = systemClock.until(instant);
      Date.now = () => now() + jump;
      assert.ok(Math.abs(before - systemClock.until(instant) - jump) < 50);
      Date.now = now;
      assert.ok(Math.abs(before - systemClock.until(instant)) < 50);
    }
  } finally {
    Date.now = now;
  }
});

Deno.test("a sleep lasts at least as long as it should, and ends with its signal", async () => {
  const began = performance.now();
  await systemClock.sleep(20);
  assert.ok(performance.now() - began >= 19);
  const stop = new AbortController();
  const sleeping = systemClock.sleep(2 ** 40, stop.signal);
  stop.abort();
  await sleeping;
});
