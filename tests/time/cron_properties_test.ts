import assert from "node:assert/strict";
import fc from "fast-check";
import { cronCadence } from "../../lib/time/cron_cadence.ts";
import { clocksOf, read } from "./oracle.ts";
import { random, randomExpression } from "./random_expression.ts";

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Africa/Casablanca",
  "Antarctica/Troll",
];

const expressions = fc.tuple(fc.integer(), fc.boolean()).map(([seed, seconds]) =>
  randomExpression(random(`property ${seed}`), { seconds })
);
const zones = fc.constantFrom(...ZONES);
const instants = fc.integer({ min: Date.UTC(1950, 0), max: Date.UTC(2100, 0) });

/** For any expression, zone and instant `after`, with the occurrence that follows it. */
function always(
  promise: string,
  holds: (case_: { expression: string; zone: string; after: number; due: number }) => void,
): void {
  Deno.test(promise, () => {
    fc.assert(
      fc.property(expressions, zones, instants, (expression, zone, after) => {
        const due = cronCadence(expression, zone).next(new Date(after));
        if (due) holds({ expression, zone, after, due: due.getTime() });
      }),
      { numRuns: 1000 },
    );
  });
}

always("an occurrence is strictly later than the instant asked about", ({ after, due }) => {
  assert.ok(due > after);
  assert.ok(due % 1000 === 0);
});

always("between an instant and its occurrence, the occurrence stays the same", (given) => {
  const cadence = cronCadence(given.expression, given.zone);
  for (const part of [0, 0.001, 0.3, 0.5, 0.77, 0.999, 1]) {
    const between = Math.floor(given.after + part * (given.due - 1 - given.after));
    assert.equal(cadence.next(new Date(between))?.getTime(), given.due, `at ${between}`);
  }
});

always("an answer does not depend on what was asked before", ({ expression, zone, after, due }) => {
  const used = cronCadence(expression, zone);
  for (const other of [due, 0, 4e12, after - 1e10, due + 1e11]) used.next(new Date(other));
  assert.equal(used.next(new Date(after))?.getTime(), due);
});

always(
  "the clocks of the zone show a time that the expression names, or have just skipped one",
  (given) => {
    const { matches, wildcard } = read(given.expression);
    const clocks = clocksOf(given.zone);
    const at = given.due / 1000;
    const shown = clocks(at);
    const skipped = shown - clocks(at - 1) - 1;
    if (wildcard || skipped <= 0) assert.ok(matches(shown), new Date(given.due).toISOString());
    else {
      const candidates = Array.from({ length: skipped + 1 }, (_, back) => shown - back);
      assert.ok(candidates.some(matches), new Date(given.due).toISOString());
    }
  },
);

Deno.test("stepping from occurrence to occurrence passes none over", () => {
  fc.assert(
    fc.property(expressions, zones, instants, (expression, zone, from) => {
      const cadence = cronCadence(expression, zone);
      const fresh = (after: number) => cronCadence(expression, zone).next(new Date(after));
      let at: Date | null = new Date(from);
      for (let step = 0; step < 5; step++) {
        const previous: Date = at;
        at = cadence.next(previous);
        if (!at) return;
        // Halving the stretch between two occurrences finds none inside.
        for (let left = previous.getTime(), right = at.getTime(); right - left > 1;) {
          const middle = Math.floor((left + right) / 2);
          assert.equal(fresh(middle)?.getTime(), at.getTime());
          left = middle;
        }
      }
    }),
    { numRuns: 200 },
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
