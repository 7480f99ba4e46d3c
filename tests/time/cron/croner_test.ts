import assert from "node:assert/strict";
import { Cron } from "croner";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { announcedSeed, random, randomExpression } from "./random_expression.ts";

/*
 * croner's own search is a second opinion on which wall-clock times match, without zones. It gets the
 * text as it stands, which it reads otherwise than the contract, or not at all, in some cases that are
 * left out:
 *
 * - a day field of a star with the step 1: a restriction to croner
 * - ranges that wrap, 7 at the head of a range, `LW` in a list: errors to croner
 */
Deno.test("in UTC croner agrees, wherever it reads an expression as the contract does", () => {
  const seed = announcedSeed();
  const start = Date.UTC(2000, 0), end = Date.UTC(2040, 0);
  let cases = 0, left = 0;
  for (let round = 0; round < 1500; round++) {
    const chance = random(`${seed} croner ${round}`);
    const expression = randomExpression(chance, { croner: true, seconds: chance() < 0.5 });
    if (isOpenWithoutStar(expression)) {
      left++;
      continue;
    }
    const theirs = new Cron(expression, { utcOffset: 0, sloppyRanges: true });
    const ours = cronCadence(expression);
    let at = new Date(start + Math.floor(chance() * (end - start)));
    for (let step = 0; step < 5; step++) {
      const expected = theirs.nextRun(at);
      assert.equal(
        ours.next(at)?.toISOString(),
        expected?.toISOString(),
        `"${expression}" after ${at.toISOString()}`,
      );
      if (!expected) break;
      at = chance() < 0.5 ? expected : new Date(expected.getTime() + chance() * 1e10);
      cases++;
    }
  }
  console.log(`${cases} cases, ${left} expressions left out`);
  assert.ok(cases > 5000);
});

function isOpenWithoutStar(expression: string): boolean {
  const fields = expression.split(/\s+/);
  const [dayOfMonth, , dayOfWeek] = fields.slice(fields.length === 5 ? 2 : 3);
  return dayOfMonth === "*/1" || dayOfWeek === "*/1";
}
