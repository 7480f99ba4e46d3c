import { ManualClock } from "../../lib/time/manual_clock.ts";
import { RacingClock } from "./racing_clock.ts";

/**
 * Returns a manual clock; with HEDDLE_TEST_CLOCK_SEED in the environment one that finds races, so
 * that `HEDDLE_TEST_CLOCK_SEED=7 deno test -A tests/engine/` runs the same tests on it.
 */
export function testClock(start: string | number): ManualClock {
  const seed = Deno.env.get("HEDDLE_TEST_CLOCK_SEED");
  return seed === undefined ? new ManualClock(start) : new RacingClock(start, Number(seed));
}
