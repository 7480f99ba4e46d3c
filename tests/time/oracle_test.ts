import assert from "node:assert/strict";
import { cronCadence } from "../../lib/time/cron_cadence.ts";
import { type Random, random, randomExpression, seedOf } from "./random_expression.ts";
import { clocksOf, walk, type Window, windowOf } from "./oracle.ts";

const HOUR = 3600, DAY = 86_400;

/** A zone, and an instant close to one of its changes. */
const CHANGES: [zone: string, instant: string][] = [
  ["UTC", "2025-03-01T00:00Z"],
  ["UTC", "2024-02-29T00:00Z"],
  ["Europe/Berlin", "2025-03-30T01:00Z"],
  ["Europe/Berlin", "2025-10-26T01:00Z"],
  ["Europe/London", "2025-03-30T01:00Z"],
  ["Europe/London", "2025-10-26T01:00Z"],
  ["Europe/Dublin", "2025-03-30T01:00Z"],
  ["Europe/Dublin", "2025-10-26T01:00Z"],
  ["America/New_York", "2025-03-09T07:00Z"],
  ["America/New_York", "2025-11-02T06:00Z"],
  ["America/St_Johns", "2010-03-14T03:31Z"],
  ["America/St_Johns", "2010-11-07T02:31Z"],
  ["Australia/Lord_Howe", "2025-04-05T15:00Z"],
  ["Australia/Lord_Howe", "2025-10-04T15:30Z"],
  ["Pacific/Chatham", "2025-04-05T14:00Z"],
  ["Pacific/Chatham", "2025-09-27T14:00Z"],
  ["Asia/Kathmandu", "1985-12-31T18:30Z"],
  ["Asia/Kathmandu", "2025-06-01T00:00Z"],
  ["America/Sao_Paulo", "2018-02-18T02:00Z"],
  ["America/Sao_Paulo", "2018-11-04T03:00Z"],
  ["Asia/Beirut", "2022-03-26T22:00Z"],
  ["Asia/Beirut", "2023-03-25T22:00Z"],
  ["Asia/Beirut", "2023-03-29T22:00Z"],
  ["Asia/Beirut", "2022-10-29T21:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["Pacific/Apia", "2011-09-24T14:00Z"],
  ["Pacific/Kwajalein", "1969-09-30T13:00Z"],
  ["Pacific/Kwajalein", "1993-08-21T12:00Z"],
  ["Antarctica/Troll", "2025-03-30T01:00Z"],
  ["Antarctica/Troll", "2025-10-26T01:00Z"],
  ["Antarctica/Casey", "2018-10-06T20:00Z"],
  ["Antarctica/Casey", "2019-03-16T16:00Z"],
  ["Africa/Casablanca", "2024-03-10T02:00Z"],
  ["Africa/Casablanca", "2024-04-14T02:00Z"],
  ["Africa/Cairo", "2010-08-10T21:00Z"],
  ["America/Havana", "2025-03-09T05:00Z"],
  ["America/Nuuk", "2023-03-26T01:00Z"],
  ["America/Caracas", "2007-12-09T07:00Z"],
  ["Asia/Pyongyang", "2015-08-14T15:00Z"],
  ["Asia/Tehran", "2021-03-21T20:30Z"],
  ["Europe/Lisbon", "1992-09-27T01:00Z"],
  ["Europe/Moscow", "2011-03-26T23:00Z"],
  ["Europe/Riga", "1944-10-13T00:00Z"],
];

function compare(random: Random, expression: string, zone: string, window: Window, asks: number) {
  const cadence = cronCadence(expression, zone);
  const due = walk(expression, window);
  const first = window.from + 2 * DAY;
  const last = window.from + window.shown.length * window.step;
  for (let ask = 0; ask < asks; ask++) {
    const after = ask === 0 ? first - 1 : first + Math.floor(random() * (last - first));
    const expected = due[lowerBound(due, after + 1)];
    const actual = cadence.next(new Date(after * 1000 + Math.floor(random() * 1000)))?.getTime();
    const inWindow = actual !== undefined && actual < last * 1000 ? actual / 1000 : undefined;
    assert.equal(
      inWindow,
      expected,
      `"${expression}" in ${zone} after ${new Date(after * 1000).toISOString()}: expected ` +
        `${iso(expected)}, got ${iso(inWindow)}`,
    );
  }
  return asks;
}

/** Printed first, so that a failure can be seen again. */
function announcedSeed(): string {
  const seed = seedOf();
  console.log(`SEED=${seed}`);
  return seed;
}

function lowerBound(list: number[], value: number): number {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function iso(seconds: number | undefined): string {
  return seconds === undefined ? "none in the window" : new Date(seconds * 1000).toISOString();
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
    for (const zone of Intl.supportedValuesOf("timeZone")) {
      const clocks = clocksOf(zone);
      const offset = (day: number) => clocks(day) - day;
      const end = Date.UTC(year + 1, 0) / 1000;
      for (let day = Date.UTC(year, 0) / 1000; day < end; day += DAY) {
        if (offset(day) === offset(day + DAY)) continue;
        changes++;
        const window = windowOf(zone, day - 2 * DAY, day + 2 * DAY, 60);
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
