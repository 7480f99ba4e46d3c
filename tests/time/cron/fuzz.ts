/**
 * The random comparisons and properties of the cron tests, for as long as asked, in every zone and
 * year there is:
 *
 *     deno task fuzz [--minutes 1] [--seed TEXT] [--round NUMBER]
 *
 * Prints the seed first. At the first difference it prints the expression, the zone, the instant,
 * both answers and the command that shows the same difference again, and exits with 1.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { describe, differenceIn } from "./comparison.ts";
import { PROPERTIES } from "./cron_properties.ts";
import { clocksOf, windowOf } from "./oracle.ts";
import { type Random, random, randomExpression } from "./random_expression.ts";
import { intlZones } from "./intl_zones.ts";
import { CHANGES } from "../zone_changes.ts";

const HOUR = 3600, DAY = 86_400;

const ZONES = ["UTC", ...intlZones()];

/** How many expressions share a window: to look at the zone's clocks costs the most. */
const EXPRESSIONS = 10;

/** A zone and an instant, in seconds, most often near a change of the zone's clocks. */
function place(chance: Random): { zone: string; instant: number } {
  const below = (count: number) => Math.floor(chance() * count);
  if (chance() < 0.3) {
    const [zone, instant] = CHANGES[below(CHANGES.length)]!;
    return { zone, instant: Date.parse(instant) / 1000 };
  }
  const zone = ZONES[below(ZONES.length)]!;
  const clocks = clocksOf(zone);
  const offset = (instant: number) => clocks(instant) - instant;
  const somewhere = Date.UTC(1900 + below(200), below(12), 1 + below(28)) / 1000;
  for (let day = somewhere; day < somewhere + 366 * DAY; day += DAY) {
    if (offset(day) !== offset(day + DAY)) return { zone, instant: day + DAY / 2 };
  }
  return { zone, instant: somewhere };
}

/** One round, which depends on nothing but `seed` and `round`: what is wrong, or null. */
function play(seed: string, round: number): string | null {
  const chance = random(`${seed} fuzz ${round}`);
  const { zone, instant } = place(chance);
  const minutes = windowOf(zone, instant - 4 * DAY, instant + 3 * DAY, 60);
  // Local mean time is no whole minute off: a walk in minutes misses where its minutes begin.
  const seconds = chance() < 0.2 || minutes.shown.some((shown) => shown % 60 !== 0);
  const window = seconds ? windowOf(zone, instant - 3 * DAY, instant + DAY, 1) : minutes;
  for (let count = 0; count < (seconds ? 2 : EXPRESSIONS); count++) {
    const expression = randomExpression(chance, { near: instant, seconds });
    const after = (instant + Math.floor((chance() - 0.5) * 6 * HOUR)) * 1000;
    try {
      const difference = differenceIn(window, { chance, expression, zone, asks: 20 });
      if (difference) return describe(difference);
      const promise = brokenPromise(expression, zone, after);
      if (promise !== null) return promise;
    } catch (error) {
      return `"${expression}" in ${zone} near ${new Date(after).toISOString()}: ${error}`;
    }
  }
  return null;
}

/** The first property that does not hold of the occurrence after `after`, in milliseconds. */
function brokenPromise(expression: string, zone: string, after: number): string | null {
  const due = cronCadence(expression, zone).next(new Date(after))?.getTime();
  if (due === undefined) return null;
  for (const [promise, holds] of Object.entries(PROPERTIES)) {
    try {
      holds({ expression, zone, after, due });
    } catch (error) {
      const [from, to] = [after, due].map((time) => new Date(time).toISOString());
      return `"${expression}" in ${zone} after ${from}: got ${to}, but it is not so that ` +
        `${promise}: ${error}`;
    }
  }
  return null;
}
function main(): number {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
      round: { type: "string" },
    },
  });
  const { minutes, seed } = values;
  console.log(`seed ${seed}`);
  const end = performance.now() + Number(minutes) * 60_000;
  const only = values.round === undefined ? null : Number(values.round);
  let round = only ?? 0;
  do {
    const wrong = play(seed, round);
    if (wrong !== null) {
      console.error(`${wrong}\nAgain: deno task fuzz --seed '${seed}' --round ${round}`);
      return 1;
    }
    round++;
  } while (only === null && performance.now() < end);
  console.log(`${only === null ? round : 1} rounds, no difference`);
  return 0;
}

if (import.meta.main) Deno.exit(main());
