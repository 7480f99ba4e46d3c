/** Takes about ten seconds, so `deno task test:slow` runs it. */
import assert from "node:assert/strict";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { iso } from "./comparison.ts";
import { clocksOf, walk, windowOf } from "./oracle.ts";
import { intlZones } from "./intl_zones.ts";
import { announcedSeed, random } from "./random_expression.ts";

const DAY = 86_400;

/** One expression of each kind, with firings around every hour that a change may touch. */
const KINDS = [
  "30 0,1,2,3 * * *",
  "0,15,45 0-4,23 * * *",
  "5/20 0/2 * * *",
  "10 2 * * *",
  "0 0 * * *",
  "*/15 * * * *",
  "30 */2 * * *",
  "45 * * * *",
];

Deno.test("through a year's changes in every zone there is, what fires is what a walk counts", () => {
  const seed = announcedSeed();
  let changes = 0;
  for (const year of [2025, 1970 + Math.floor(random(seed)() * 80)]) {
    for (const zone of intlZones()) {
      const clocks = clocksOf(zone);
      const offset = (day: number) => clocks(day) - day;
      const end = Date.UTC(year + 1, 0) / 1000;
      for (let day = Date.UTC(year, 0) / 1000; day < end; day += DAY) {
        if (offset(day) === offset(day + DAY)) continue;
        changes++;
        // Long ago a zone could be off by seconds: Monrovia, until 1972, by -0:44:30.
        const isWhole = [offset(day), offset(day + DAY)].every((each) => each % 60 === 0);
        const window = windowOf(zone, day - 2 * DAY, day + 2 * DAY, isWhole ? 60 : 1);
        for (const expression of KINDS) {
          const cadence = cronCadence(expression, zone);
          const actual: number[] = [];
          let at: Date | null = new Date(day * 1000 - 1);
          while ((at = cadence.next(at)) && at.getTime() < (day + 2 * DAY) * 1000) {
            actual.push(at.getTime() / 1000);
          }
          assert.deepEqual(
            actual.map(iso),
            walk(expression, window).map(iso),
            `"${expression}" in ${zone} from ${iso(day)}`,
          );
        }
      }
    }
  }
  console.log(`${changes} changes`);
  assert.ok(changes > 200);
});
