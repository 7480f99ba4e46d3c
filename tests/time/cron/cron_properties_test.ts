import assert from "node:assert/strict";
import { fc } from "../../deps.ts";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { CronCalendar } from "../../../lib/time/cron/cron_calendar.ts";
import { PROPERTIES } from "./cron_properties.ts";
import { announcedSeed, random, randomExpression } from "./random_expression.ts";

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Asia/Gaza",
  "Antarctica/Troll",
];

const expressions = fc.tuple(fc.integer(), fc.boolean()).map(([seed, seconds]) =>
  randomExpression(random(`property ${seed}`), { seconds })
);
const zones = fc.constantFrom(...ZONES);
const instants = fc.integer({ min: Date.UTC(1950, 0), max: Date.UTC(2100, 0) });

for (const [promise, holds] of Object.entries(PROPERTIES)) {
  Deno.test(promise, () => {
    const seed = Math.floor(random(announcedSeed())() * 2 ** 31);
    fc.assert(
      fc.property(expressions, zones, instants, (expression, zone, after) => {
        const due = cronCadence(expression, zone).next(new Date(after));
        if (due) holds({ expression, zone, after, due: due.getTime() });
      }),
      { numRuns: 1000, seed },
    );
  });
}

/** Returns how often `work` looks for the next match of a calendar, its only unbounded part. */
function looksOf(work: () => void): number {
  const { next } = CronCalendar.prototype;
  let looks = 0;
  CronCalendar.prototype.next = function (from) {
    looks++;
    return next.call(this, from);
  };
  try {
    work();
  } finally {
    CronCalendar.prototype.next = next;
  }
  return looks;
}

Deno.test("what is due next takes a bounded amount of work, for every expression and zone", () => {
  // Whatever falls in the hours that changes of the clocks skip is the worst case.
  const hours = fc.constantFrom("0", "1", "2", "3", "23");
  const minutes = fc.constantFrom("*", "*/7", "*/15", "*/30", "0-59");
  const days = fc.constantFrom("* 3 7L", "* 3 0#2", "* 4 5L", "* 10 0#1", "8-14 3 *", "29 2 0");
  const skipped = fc.tuple(minutes, hours, days).map((fields) => fields.join(" "));
  const seed = Math.floor(random(announcedSeed())() * 2 ** 31);
  const anywhere = fc.constantFrom(...ZONES, "Africa/Cairo", "America/Havana");
  fc.assert(
    fc.property(fc.oneof(expressions, skipped), anywhere, instants, (expression, zone, after) => {
      const looks = looksOf(() => {
        try {
          cronCadence(expression, zone).next(new Date(after));
        } catch (error) {
          assert.match(String(error), /it can never fire/);
        }
      });
      assert.ok(looks < 2500, `${expression} in ${zone}: ${looks}`);
    }),
    { numRuns: 1000, seed },
  );
});

Deno.test("an expression that matches once in decades is answered within a few milliseconds", () => {
  const zone = "Europe/Berlin";
  cronCadence("* * * * *", zone).next(new Date("2001-01-01T00:00:00Z"));
  for (const expression of ["0 0 29 2 *", "0 0 ? 2 1#5", "0 0 29W 2 *", "0 0 0 1 1 * 9999"]) {
    const cadence = cronCadence(expression, zone);
    const start = performance.now();
    for (let day = 1; day <= 20; day++) cadence.next(new Date(Date.UTC(2073, 3, day)));
    const each = (performance.now() - start) / 20;
    assert.ok(each < 20, `${expression}: ${each} ms`); // far above what it takes, for busy machines
  }
});
