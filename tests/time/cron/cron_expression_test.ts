import assert from "node:assert/strict";
import {
  cronCadence,
  CronExpressionError,
  cronFieldCount,
  describeSixFields,
} from "../../../lib/time/cron/cron_cadence.ts";
import { firings } from "./firings.ts";

/** Expression, then its first occurrences after 2025-01-01T00:00:00Z (a Wednesday), in UTC. */
type Row = [expression: string, ...occurrences: string[]];

function table(title: string, rows: Row[]): void {
  for (const [expression, ...expected] of rows) {
    Deno.test(`${title}: ${expression}`, () => {
      const actual = firings(expression, "UTC", "2025-01-01T00:00:00Z", expected.length);
      assert.deepEqual(actual, expected.map((text) => text.replace(" ", "T") + ":00Z"));
    });
  }
}

table("five fields are minute, hour, day of month, month, day of week", [
  ["* * * * *", "2025-01-01 00:01", "2025-01-01 00:02"],
  ["30 * * * *", "2025-01-01 00:30", "2025-01-01 01:30"],
  ["0 * * * *", "2025-01-01 01:00", "2025-01-01 02:00"],
  ["15 14 1 * *", "2025-01-01 14:15", "2025-02-01 14:15"],
  ["0 22 * * 1-5", "2025-01-01 22:00", "2025-01-02 22:00", "2025-01-03 22:00", "2025-01-06 22:00"],
  ["5 4 * * sun", "2025-01-05 04:05", "2025-01-12 04:05"],
  ["0 0 31 * *", "2025-01-31 00:00", "2025-03-31 00:00", "2025-05-31 00:00"],
  ["0 0 29 2 *", "2028-02-29 00:00", "2032-02-29 00:00"],
]);

table("Sunday is 0, 7 and SUN", [
  ["0 0 * * 0", "2025-01-05 00:00", "2025-01-12 00:00"],
  ["0 0 * * 7", "2025-01-05 00:00", "2025-01-12 00:00"],
  ["0 0 * * Sun", "2025-01-05 00:00", "2025-01-12 00:00"],
  ["0 0 * * 7-7", "2025-01-05 00:00", "2025-01-12 00:00"],
  ["0 0 * * 5-7", "2025-01-03 00:00", "2025-01-04 00:00", "2025-01-05 00:00", "2025-01-10 00:00"],
  ["0 0 * * 7-1", "2025-01-05 00:00", "2025-01-06 00:00", "2025-01-12 00:00"],
  ["0 0 * * 1-7/2", "2025-01-03 00:00", "2025-01-05 00:00", "2025-01-06 00:00"],
]);

table("names are accepted in any case, in lists and ranges too", [
  ["0 0 1 feb *", "2025-02-01 00:00", "2026-02-01 00:00"],
  ["0 0 1 Mar,JUN-aug *", "2025-03-01 00:00", "2025-06-01 00:00", "2025-07-01 00:00"],
  ["0 0 * * tUE-Wed", "2025-01-07 00:00", "2025-01-08 00:00", "2025-01-14 00:00"],
]);

table("lists, ranges and steps", [
  ["0,30 8,20 * * *", "2025-01-01 08:00", "2025-01-01 08:30", "2025-01-01 20:00"],
  ["0 9-11 * * *", "2025-01-01 09:00", "2025-01-01 10:00", "2025-01-01 11:00", "2025-01-02 09:00"],
  ["*/20 * * * *", "2025-01-01 00:20", "2025-01-01 00:40", "2025-01-01 01:00"],
  ["0 8-14/3 * * *", "2025-01-01 08:00", "2025-01-01 11:00", "2025-01-01 14:00"],
  ["0 0 */10 * *", "2025-01-11 00:00", "2025-01-21 00:00", "2025-01-31 00:00", "2025-02-01 00:00"],
  ["0 0 1 */5 *", "2025-06-01 00:00", "2025-11-01 00:00", "2026-01-01 00:00"],
  [
    "10-12,50-52/2 3 * * *",
    "2025-01-01 03:10",
    "2025-01-01 03:11",
    "2025-01-01 03:12",
    "2025-01-01 03:50",
    "2025-01-01 03:52",
  ],
  ["*/60 * * * *", "2025-01-01 01:00", "2025-01-01 02:00"],
  ["007 08 * * *", "2025-01-01 08:07"],
]);

table("5/15 is from 5, every 15, to the end of the field", [
  ["5/15 * * * *", "2025-01-01 00:05", "2025-01-01 00:20", "2025-01-01 00:35", "2025-01-01 00:50"],
  ["0 20/3 * * *", "2025-01-01 20:00", "2025-01-01 23:00", "2025-01-02 20:00"],
  ["0 0 * * 4/2", "2025-01-02 00:00", "2025-01-04 00:00", "2025-01-09 00:00"],
]);

table("a range that wraps goes through the end of its field, and its step with it", [
  ["0 22-2 * * *", "2025-01-01 01:00", "2025-01-01 02:00", "2025-01-01 22:00", "2025-01-01 23:00"],
  [
    "0 0 * * FRI-MON",
    "2025-01-03 00:00",
    "2025-01-04 00:00",
    "2025-01-05 00:00",
    "2025-01-06 00:00",
    "2025-01-10 00:00",
  ],
  ["0 0 1 nov-feb *", "2025-02-01 00:00", "2025-11-01 00:00", "2025-12-01 00:00"],
  ["0 22-4/3 * * *", "2025-01-01 01:00", "2025-01-01 04:00", "2025-01-01 22:00"],
  ["58-2 * * * *", "2025-01-01 00:01", "2025-01-01 00:02", "2025-01-01 00:58", "2025-01-01 00:59"],
  ["0 0 30-2 * *", "2025-01-02 00:00", "2025-01-30 00:00", "2025-01-31 00:00", "2025-02-01 00:00"],
  ["0 12-11 * * *", "2025-01-01 01:00", "2025-01-01 02:00"],
]);

table("two restricted day fields: either is enough", [
  ["0 0 13 * FRI", "2025-01-03 00:00", "2025-01-10 00:00", "2025-01-13 00:00", "2025-01-17 00:00"],
  ["0 0 */10 * MON", "2025-01-06 00:00", "2025-01-11 00:00", "2025-01-13 00:00"],
  ["0 0 L * MON#1", "2025-01-06 00:00", "2025-01-31 00:00", "2025-02-03 00:00"],
]);

table("a day field that is *, ? or */1 restricts nothing", [
  ["0 0 13 * *", "2025-01-13 00:00", "2025-02-13 00:00"],
  ["0 0 13 * */1", "2025-01-13 00:00", "2025-02-13 00:00"],
  ["0 0 13 * ?", "2025-01-13 00:00", "2025-02-13 00:00"],
  ["0 0 */1 * FRI", "2025-01-03 00:00", "2025-01-10 00:00"],
  ["0 0 ? * FRI", "2025-01-03 00:00", "2025-01-10 00:00"],
]);

table("any other day field is a restriction, also one that names every day", [
  ["0 0 1-31 * 1", "2025-01-02 00:00", "2025-01-03 00:00"],
  ["30 9 1 * 1-7", "2025-01-01 09:30", "2025-01-02 09:30", "2025-01-03 09:30"],
  ["0 0 1 * 0-6", "2025-01-02 00:00", "2025-01-03 00:00"],
  ["0 0 13 * 0-7", "2025-01-02 00:00"],
  ["0 0 13 * MON-SUN", "2025-01-02 00:00"],
  ["0 0 13 * THU-WED", "2025-01-02 00:00"],
  ["0 0 13 * *,1", "2025-01-02 00:00"],
  ["0 0 1-30,L * FRI", "2025-01-02 00:00", "2025-01-03 00:00"],
]);

table("L is the month's last day, LW its last weekday, 5L its last Friday", [
  ["0 0 L * *", "2025-01-31 00:00", "2025-02-28 00:00", "2025-03-31 00:00", "2025-04-30 00:00"],
  ["0 0 L 2 *", "2025-02-28 00:00", "2026-02-28 00:00", "2027-02-28 00:00", "2028-02-29 00:00"],
  ["0 0 15,L * *", "2025-01-15 00:00", "2025-01-31 00:00", "2025-02-15 00:00"],
  ["0 0 LW * *", "2025-01-31 00:00", "2025-02-28 00:00", "2025-03-31 00:00", "2025-04-30 00:00"],
  ["0 0 LW 5,8 *", "2025-05-30 00:00", "2025-08-29 00:00"],
  ["0 0 * * 5L", "2025-01-31 00:00", "2025-02-28 00:00", "2025-03-28 00:00"],
  ["0 0 * * friL", "2025-01-31 00:00", "2025-02-28 00:00", "2025-03-28 00:00"],
  ["0 0 * * 7L", "2025-01-26 00:00", "2025-02-23 00:00", "2025-03-30 00:00"],
]);

table("5#2 is the second Friday of the month", [
  ["0 0 * * 5#2", "2025-01-10 00:00", "2025-02-14 00:00", "2025-03-14 00:00"],
  ["0 0 * * FRI#2", "2025-01-10 00:00", "2025-02-14 00:00", "2025-03-14 00:00"],
  ["0 0 * * 1#1,1#3", "2025-01-06 00:00", "2025-01-20 00:00", "2025-02-03 00:00"],
  ["0 0 * * 5#5", "2025-01-31 00:00", "2025-05-30 00:00", "2025-08-29 00:00"],
  ["0 0 * * 7#1", "2025-01-05 00:00", "2025-02-02 00:00"],
  ["0 0 ? 2 1#5", "2044-02-29 00:00", "2072-02-29 00:00"],
]);

table("15W is the weekday nearest the 15th, within the month", [
  ["0 0 15W * *", "2025-01-15 00:00", "2025-02-14 00:00", "2025-03-14 00:00", "2025-04-15 00:00"],
  ["0 0 15W 6 *", "2025-06-16 00:00"],
  ["0 0 1W 2,3 *", "2025-02-03 00:00", "2025-03-03 00:00"],
  ["0 0 31w 5,8 *", "2025-05-30 00:00", "2025-08-29 00:00"],
  ["0 0 31W * *", "2025-01-31 00:00", "2025-03-31 00:00", "2025-05-30 00:00"],
]);

table("nicknames stand for what crontab(5) says, in any case", [
  ["@yearly", "2026-01-01 00:00", "2027-01-01 00:00"],
  ["@annually", "2026-01-01 00:00", "2027-01-01 00:00"],
  ["@monthly", "2025-02-01 00:00", "2025-03-01 00:00"],
  ["@weekly", "2025-01-05 00:00", "2025-01-12 00:00"],
  ["@daily", "2025-01-02 00:00", "2025-01-03 00:00"],
  ["@midnight", "2025-01-02 00:00", "2025-01-03 00:00"],
  ["@hourly", "2025-01-01 01:00", "2025-01-01 02:00"],
  [" @Daily ", "2025-01-02 00:00"],
]);

table("whitespace around and between fields does not matter", [
  ["  30   2\t* *  * ", "2025-01-01 02:30", "2025-01-02 02:30"],
]);

Deno.test("six fields put seconds first", () => {
  assert.deepEqual(firings("*/20 30 2 * * *", "UTC", "2025-01-01T00:00:00Z", 4), [
    "2025-01-01T02:30:00Z",
    "2025-01-01T02:30:20Z",
    "2025-01-01T02:30:40Z",
    "2025-01-02T02:30:00Z",
  ]);
});

Deno.test("a seventh field is a year", () => {
  assert.deepEqual(firings("0 0 12 1 1 ? 2027,2030-2034/2", "UTC", "2025-01-01T00:00:00Z", 9), [
    "2027-01-01T12:00:00Z",
    "2030-01-01T12:00:00Z",
    "2032-01-01T12:00:00Z",
    "2034-01-01T12:00:00Z",
  ]);
});

Deno.test("an expression whose years have passed is valid and has no next", () => {
  assert.equal(cronCadence("0 0 0 1 1 * 1999").next(new Date("2025-01-01T00:00:00Z")), null);
});

Deno.test("an expression whose every time the clocks of its zone skip is an error", () => {
  for (
    const [expression, zone] of [
      ["*/30 2 * 3 7L", "Europe/Berlin"],
      ["*/15 2 * 3 0#2", "America/New_York"],
      ["*/15 0 * 4 5L", "Africa/Cairo"],
    ] as const
  ) {
    const problem = new RegExp(`it can never fire in ${zone}, where a change of the clocks skips`);
    assert.throws(() => cronCadence(expression, zone), problem, expression);
    assert.ok(cronCadence(expression, "UTC").next(new Date()) !== null);
  }
  // Particular times fire after the gap; in some years the 28th is no Sunday.
  for (const expression of ["30 2 * 3 7L", "*/30 2 28 3 *"]) {
    assert.ok(cronCadence(expression, "Europe/Berlin").next(new Date()) !== null, expression);
  }
});

Deno.test("every invalid expression says which field, which value and what is allowed", () => {
  const rows: [expression: string, problem: RegExp][] = [
    ["61 * * * *", /: minute 61 is out of range 0 to 59$/],
    ["* 24 * * *", /: hour 24 is out of range 0 to 23$/],
    ["* * 0 * *", /: day of month 0 is out of range 1 to 31$/],
    ["* * 32 * *", /: day of month 32 is out of range 1 to 31$/],
    ["* * * 0 *", /: month 0 is out of range 1 to 12$/],
    ["* * * 13 *", /: month 13 is out of range 1 to 12$/],
    ["* * * * 8", /: day of week 8 is out of range 0 to 7$/],
    ["60 * * * * *", /: second 60 is out of range 0 to 59$/],
    ["0 0 0 1 1 * 0", /: year 0 is out of range 1 to 9999$/],
    ["0 0 0 1 1 * 10000", /: year 10000 is out of range 1 to 9999$/],
    ["0 0 0 1 1 * 2030-2020", /: year range 2030-2020 goes backwards/],
    ["*/61 * * * *", /: minute step 61 in \*\/61 is out of range 1 to 60$/],
    ["*/0 * * * *", /: minute step 0 in \*\/0 is out of range 1 to 60$/],
    ["* */25 * * *", /: hour step 25 in \*\/25 is out of range 1 to 24$/],
    ["*/x * * * *", /: minute step x in \*\/x is out of range/],
    ["1-70 * * * *", /: minute 70 is out of range/],
    ["-5 * * * *", /: minute -5 is not a value, a range or a step$/],
    ["1-2-3 * * * *", /: minute 1-2-3 is not a value, a range or a step$/],
    ["1-*/2 * * * *", /: minute 1-\*\/2 is not a value, a range or a step$/],
    ["*-5 * * * *", /is not a value, a range or a step$/],
    ["5/ * * * *", /is not a value, a range or a step$/],
    ["/5 * * * *", /is not a value, a range or a step$/],
    ["1/2/3 * * * *", /is not a value, a range or a step$/],
    ["** * * * *", /is not a value, a range or a step$/],
    ["1,,2 * * * *", /: minute 1,,2 has an empty list item$/],
    ["1, * * * *", /has an empty list item$/],
    ["1.5 * * * *", /: minute 1.5 is not a number from 0 to 59$/],
    ["0x5 * * * *", /: minute 0x5 is not a number from 0 to 59$/],
    ["+5 * * * *", /: minute \+5 is not a number from 0 to 59$/],
    ["٣ * * * *", /is not a number from 0 to 59$/],
    ["? * * * *", /: minute cannot be \?/],
    ["* * ?/2 * *", /: day of month \? in \?\/2 is not a number/],
    ["JAN * * * *", /: minute JAN is not a number from 0 to 59$/],
    ["* * * MON *", /: month MON is not a number from 1 to 12 or a name JAN/],
    ["* * * * JAN", /: day of week JAN is not a number from 0 to 7 or a name SUN/],
    ["* * * * MONDAY", /: day of week MONDAY is not/],
    ["* * * * L5", /: day of week L5 is not/],
    ["* * * * L", /: day of week L is not/],
    ["* * * * R", /: day of week R is not/],
    ["R * * * *", /: minute R is not/],
    ["H * * * *", /: minute H is not/],
    ["* * L-3 * *", /: day of month L in L-3 is not/],
    ["* * L5 * *", /: day of month L5 is not/],
    ["* * W * *", /: day of month W is not/],
    ["* * WL * *", /: day of month WL is not/],
    ["* * 1-5W * *", /: day of month 5W in 1-5W is not/],
    ["* * 0W * *", /: day of month 0 is out of range/],
    ["* L * * *", /: hour L is not/],
    ["* * 5#2 * *", /: day of month 5#2 is not/],
    ["* * * * 5#0", /: day of week 5#0 must name the 1st to the 5th/],
    ["* * * * 5#6", /: day of week 5#6 must name the 1st to the 5th/],
    ["* * * * 5#L", /: day of week 5#L must name the 1st to the 5th/],
    ["* * * * 1-5#2", /: day of week 5#2 in 1-5#2 is not/],
    ["* * * * +MON", /: day of week \+MON is not/],
    ["", /: expected 5 fields .* got 0$/],
    ["   ", /: expected 5 fields .* got 0$/],
    ["*", /got 1$/],
    ["* * * *", /: expected 5 fields .*, 6 with seconds first or 7 with a year last, got 4$/],
    ["* * * * * * * *", /got 8$/],
    ["@reboot", /: @reboot names no time/],
    ["@fortnightly", /: unknown nickname @fortnightly; allowed are @yearly, /],
    ["@daily *", /: unknown nickname @daily \*/],
    ["2025-03-30", /: a date is not a cron expression/],
    ["2025-03-30T02:30:00Z", /: a date is not a cron expression/],
    ["2025-03-30 02:30 * * *", /: a date is not a cron expression/],
    ["0 0 30 2 *", /: it can never fire/],
    ["0 0 31 4,6,9,11 *", /: it can never fire/],
    ["0 0 0 29 2 * 2025-2027", /: it can never fire/],
    ["0 0 30W 2 *", /: it can never fire/],
  ];
  for (const [expression, problem] of rows) {
    assert.throws(() => cronCadence(expression), (error) => {
      assert.ok(error instanceof CronExpressionError, expression);
      assert.ok(error.message.startsWith(`invalid cron expression ${JSON.stringify(expression)}`));
      assert.match(error.message, problem);
      assert.equal(error.expression, expression);
      return true;
    });
  }
});

Deno.test("the error carries the field, the value and the problem", () => {
  assert.throws(() => cronCadence("1,61 * * * *"), {
    name: "CronExpressionError",
    expression: "1,61 * * * *",
    problem: "minute 61 is out of range 0 to 59",
    field: "minute",
    value: "61",
  });
});

Deno.test("fields are counted as whitespace parts them, a nickname as five", () => {
  for (
    const [expression, count] of [
      ["* * * * *", 5],
      [" 0  30 2 * * MON ", 6],
      ["0 0 0 1 1 * 2027", 7],
      ["@hourly", 5],
      ["", 0],
      ["5 *", 2],
    ] as const
  ) assert.equal(cronFieldCount(expression), count, expression);
});

Deno.test("how six fields were read can be shown", () => {
  assert.equal(
    describeSixFields("0 30 2 * * MON"),
    "second 0, minute 30, hour 2, day of month *, month *, day of week MON",
  );
});

Deno.test("an expression and its cadence take a few hundred bytes", () => {
  const before = Deno.memoryUsage().heapUsed;
  const kept = Array.from({ length: 5000 }, (_, n) => cronCadence(`${n % 60} ${n % 24} * * 1-5`));
  const each = (Deno.memoryUsage().heapUsed - before) / kept.length;
  assert.ok(each < 4000, `${Math.round(each)} bytes, uncollected garbage included`);
});
