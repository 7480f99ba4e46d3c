import assert from "node:assert/strict";
import { describe, differenceIn } from "./comparison.ts";
import { type Window, windowOf } from "./oracle.ts";
import { announcedSeed, type Random, random, randomExpression } from "./random_expression.ts";
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
