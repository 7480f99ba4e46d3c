import assert from "node:assert/strict";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { describe, differenceIn, iso } from "./comparison.ts";
import { clocksOf, walk, type Window, windowOf } from "./oracle.ts";
import { announcedSeed, type Random, random, randomExpression } from "./random_expression.ts";
import { intlZones } from "./intl_zones.ts";
import { CHANGES } from "../zone_changes.ts";

const HOUR = 3600, DAY = 86_400;

/** @returns how many questions were asked */
function compare(chance: Random, expression: string, zone: string, window: Window, asks: number) {
  const difference = differenceIn(window, { chance, expression, zone, asks });
  if (difference) assert.fail(describe(difference));
  return asks;
}

Deno.test("around changes of every kind, random expressions are due when a walk through the minutes says", () => {
  const seed = announcedSeed();
  let cases = 0;
  for (const [zone, instant] of CHANGES) {
    const change = Date.parse(instant) / 1000;
    const window = windowOf(zone, change - 4 * DAY, change + 3 * DAY, 60);
    for (let round = 0; round < 100; round++) {
      const chance = random(`${seed} ${zone} ${instant} ${round}`);
      cases += compare(chance, randomExpression(chance, { near: change }), zone, window, 6);
    }
  }
  console.log(`${cases} cases`);
  assert.ok(cases >= 20_000);
});

Deno.test("to the second, random expressions of six and seven fields are due when a walk says", () => {
  const seed = announcedSeed();
  let cases = 0;
  for (const [zone, instant] of CHANGES) {
    const change = Date.parse(instant) / 1000;
    const window = windowOf(zone, change - 2 * DAY - 3 * HOUR, change + 3 * HOUR, 1);
    for (let round = 0; round < 6; round++) {
      const chance = random(`${seed} ${zone} ${instant} ${round} seconds`);
      const expression = randomExpression(chance, { near: change, seconds: true });
      cases += compare(chance, expression, zone, window, 20);
    }
  }
  console.log(`${cases} cases`);
});

Deno.test("a random year long, expressions are due when a walk through its minutes says", () => {
  const seed = announcedSeed();
  let cases = 0;
  for (const [zone, instant] of CHANGES.filter((_, index) => index % 5 === 1)) {
    const year = new Date(instant).getUTCFullYear();
    const window = windowOf(zone, Date.UTC(year, 0, 1) / 1000, Date.UTC(year + 1, 0) / 1000, 60);
    for (let round = 0; round < 6; round++) {
      const chance = random(`${seed} ${zone} ${instant} ${round} year`);
      cases += compare(chance, randomExpression(chance), zone, window, 200);
    }
  }
  console.log(`${cases} cases`);
});

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
