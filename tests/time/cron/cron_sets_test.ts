import assert from "node:assert/strict";
import {
  CronExpressionError,
  parseCronExpression,
} from "../../../lib/time/cron/cron_expression.ts";
import { CronFields, MAX_KEPT_TEXTS } from "../../../lib/time/cron/cron_sets.ts";
import { CronCalendar } from "../../../lib/time/cron/cron_calendar.ts";
import { daysNamed, listed, MONTHS } from "./oracle.ts";
import { announcedSeed, type Random, random, randomExpression } from "./random_expression.ts";

const DAY = 86_400;

const members = (set: readonly number[], max: number) =>
  Array.from({ length: max + 1 }, (_, value) => value)
    .filter((value) => ((set[value >> 5] ?? 0) >>> (value & 31) & 1) === 1);

const sorted = (set: Set<number>) => [...set].sort((a, b) => a - b);

Deno.test("of 30,000 random texts, each field names what a reading of its own lists", () => {
  const seed = announcedSeed();
  const known = new CronFields();
  const checked = new Set<string>();
  for (let round = 0; round < 30_000; round++) {
    const expression = randomExpression(random(`${seed} sets ${round}`), { seconds: true });
    const [second = "", minute = "", hour = "", , month = "", , year = "*"] = expression.split(" ");
    const { seconds, minutes, hours, months, years } = parseCronExpression(expression, known);
    const rows: [field: string, text: string, set: readonly number[], min: number, max: number][] =
      [
        ["second", second, seconds, 0, 59],
        ["minute", minute, minutes, 0, 59],
        ["hour", hour, [hours], 0, 23],
        ["month", month, [months], 1, 12],
      ];
    if (years === null) assert.equal(year, "*");
    else rows.push(["year", year, [...years], 1, 9999]);
    for (const [field, text, set, min, max] of rows) {
      if (checked.has(`${field} ${text}`)) continue;
      checked.add(`${field} ${text}`);
      const expected = sorted(listed(text, [min, max], field === "month" ? MONTHS : undefined));
      assert.equal(members(set, max).join(), expected.join(), `${field} ${text}`);
    }
  }
});

Deno.test("of 30,000 random texts, each day field names the days that a reading of its own does", () => {
  const seed = announcedSeed();
  const known = new CronFields();
  const named = [0, 0];
  for (let round = 0; round < 30_000; round++) {
    const chance = random(`${seed} days ${round}`);
    const fields = randomExpression(chance, { seconds: true }).split(" ");
    const [dayOfMonth = "", dayOfWeek = ""] = [fields[3], fields[5]];
    const alone = [`0 0 ${dayOfMonth} * *`, `0 0 * * ${dayOfWeek}`];
    const calendars = alone.map((text) => new CronCalendar(parseCronExpression(text, known)));
    for (let ask = 0; ask < 4; ask++) {
      const day = Math.floor(chance() * 30_000) * DAY;
      const actual = calendars.map((calendar) => calendar.next(day) === day);
      const expected = daysNamed({ dayOfMonth, dayOfWeek }, day);
      assert.deepEqual(actual, expected, `${alone.join(", ")} on ${new Date(day * 1000)}`);
      expected.forEach((isNamed, field) => named[field]! += isNamed ? 1 : 0);
    }
  }
  assert.ok(Math.min(...named) > 20_000, `${named} days were named`);
});

Deno.test("a text is read or refused with an error that says what is wrong, whatever it is", () => {
  const seed = announcedSeed();
  const known = new CronFields();
  let read = 0, refused = 0;
  for (let round = 0; round < 30_000; round++) {
    const text = mutated(random(`${seed} mutated ${round}`));
    try {
      parseCronExpression(text, known);
      read++;
    } catch (error) {
      assert.ok(error instanceof CronExpressionError, `"${text}": ${error}`);
      refused++;
    }
  }
  assert.ok(read > 1000 && refused > 1000, `${read} read, ${refused} refused`);
});

Deno.test("what is kept of other expressions changes nothing", () => {
  const seed = announcedSeed();
  const known = new CronFields();
  const outcomeOf = (text: string, fields?: CronFields) => {
    try {
      return parseCronExpression(text, fields);
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (let round = 0; round < 3000; round++) {
    const text = mutated(random(`${seed} kept ${round}`));
    const expected = outcomeOf(text);
    assert.deepEqual(outcomeOf(text, known), expected, text);
    assert.deepEqual(outcomeOf(text, known), expected, `${text}, again`);
  }
});

Deno.test("of endlessly many texts a bounded number is kept", () => {
  const known = new CronFields();
  for (let n = 0; n <= 2 * MAX_KEPT_TEXTS; n++) {
    const [low, high] = [n % 100, Math.floor(n / 100)];
    const { years } = parseCronExpression(`0 0 0 1 1 * ${1 + low},${200 + high}`, known);
    assert.deepEqual(members([...years!], 400), [1 + low, 200 + high]);
    assert.ok(known.size <= MAX_KEPT_TEXTS + 6, `${known.size} are kept`);
  }
});

/** A well-formed expression with up to three characters left out, put in or replaced. */
function mutated(chance: Random): string {
  const characters = "0123456789*/-,?LW#@ +JANMONsun7.٣\t";
  let text = randomExpression(chance, { seconds: chance() < 0.5 });
  for (let edits = Math.floor(chance() * 4); edits > 0; edits--) {
    const at = Math.floor(chance() * text.length);
    const put = chance() < 0.6 ? characters[Math.floor(chance() * characters.length)]! : "";
    text = text.slice(0, at) + put + text.slice(chance() < 0.5 ? at : at + 1);
  }
  return text;
}
