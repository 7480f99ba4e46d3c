/**
 * What crontab(5) and cron(8) of Debian document, sentence by sentence, as literal instants. Examples
 * in quotation marks are theirs. What cron_expression_test.ts and daylight_saving_test.ts have already, the
 * nicknames among it, is not here again.
 */
import assert from "node:assert/strict";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { firings } from "./firings.ts";

type Row = [expression: string, after: string, ...occurrences: string[]];

/** Instants to the minute, in UTC; the expressions are evaluated in `zone`. */
function table(sentence: string, rows: Row[], zone = "UTC"): void {
  for (const [expression, after, ...expected] of rows) {
    Deno.test(`crontab(5): ${sentence}: ${expression} in ${zone} after ${after}`, () => {
      const actual = firings(expression, zone, `${after.replace(" ", "T")}:00Z`, expected.length);
      assert.deepEqual(actual, expected.map((text) => `${text.replace(" ", "T")}:00Z`));
    });
  }
}

// 2024-01-01 is a Monday.

table("the EXAMPLE CRON FILE", [
  // "run five minutes after midnight, every day"
  ["5 0 * * *", "2024-02-28 12:00", "2024-02-29 00:05", "2024-03-01 00:05"],
  // "run 23 minutes after midn, 2am, 4am ..., everyday"
  ["23 0-23/2 * * *", "2024-01-01 20:30", "2024-01-01 22:23", "2024-01-02 00:23"],
  // "run at 4:00am on the second Saturday of each month": the test for it is the shell's
  ["0 4 8-14 * *", "2024-01-13 12:00", "2024-01-14 04:00", "2024-02-08 04:00"],
]);

table('"a field may be an asterisk, which always stands for first-last"', [
  ["* 0-23 1-31 1-12 0-7", "2024-12-31 23:58", "2024-12-31 23:59", "2025-01-01 00:00"],
  ["0-59 * * * *", "2024-02-28 23:59", "2024-02-29 00:00", "2024-02-29 00:01"],
]);

table('"8-11 for an hours entry specifies execution at hours 8, 9, 10 and 11"', [
  [
    "0 8-11 * * *",
    "2024-01-01 07:59",
    "2024-01-01 08:00",
    "2024-01-01 09:00",
    "2024-01-01 10:00",
    "2024-01-01 11:00",
    "2024-01-02 08:00",
  ],
]);

table('"a list is a set of numbers (or ranges): 1,2,5,9 and 0-4,8-12"', [
  [
    "0 1,2,5,9 * * *",
    "2024-01-01 02:00",
    "2024-01-01 05:00",
    "2024-01-01 09:00",
    "2024-01-02 01:00",
  ],
  ["0 0-4,8-12 * * *", "2024-01-01 03:30", "2024-01-01 04:00", "2024-01-01 08:00"],
  // Order and repetition do not matter.
  [
    "0 9,1,9,1-2 * * *",
    "2024-01-01 00:00",
    "2024-01-01 01:00",
    "2024-01-01 02:00",
    "2024-01-01 09:00",
  ],
]);

table('"0-23/2 in the hours field ... the alternative in the V7 standard is 0,2,4,..."', [
  ["0 0-23/2 * * *", "2024-01-01 21:00", "2024-01-01 22:00", "2024-01-02 00:00"],
  ["0 */2 * * *", "2024-01-01 21:00", "2024-01-01 22:00", "2024-01-02 00:00"],
  // A step counts from the beginning of its range and starts anew in the next hour, day or month.
  ["*/25 * * * *", "2024-01-01 00:49", "2024-01-01 00:50", "2024-01-01 01:00", "2024-01-01 01:25"],
  ["0 */5 * * *", "2024-01-01 15:00", "2024-01-01 20:00", "2024-01-02 00:00"],
  ["1-9/4 0 * * *", "2024-01-01 00:00", "2024-01-01 00:01", "2024-01-01 00:05", "2024-01-01 00:09"],
  ["7-8/5 * * * *", "2024-01-01 00:00", "2024-01-01 00:07", "2024-01-01 01:07"],
  // To Vixie a step needs a range; where it does not, a value goes on to the end of the field.
  ["5/15 0 * * *", "2024-01-01 00:50", "2024-01-02 00:05", "2024-01-02 00:20"],
  ["0 0 20/5 * *", "2024-02-20 00:00", "2024-02-25 00:00", "2024-03-20 00:00", "2024-03-25 00:00"],
  ["0 0 1 10/2 *", "2024-01-01 00:00", "2024-10-01 00:00", "2024-12-01 00:00", "2025-10-01 00:00"],
]);

table('"names can also be used for the month and day of week fields ... case does not matter"', [
  ["0 0 1 jan *", "2024-01-01 00:00", "2025-01-01 00:00"],
  ["0 0 1 DEC *", "2024-01-01 00:00", "2024-12-01 00:00"],
  ["0 0 * * sat", "2024-01-01 00:00", "2024-01-06 00:00", "2024-01-13 00:00"],
  // "Ranges or lists of names are not allowed" to Vixie; here they mean what their numbers would.
  ["0 0 * * mon,wed", "2024-01-01 00:00", "2024-01-03 00:00", "2024-01-08 00:00"],
  ["0 0 1 apr-jun/2 *", "2024-01-01 00:00", "2024-04-01 00:00", "2024-06-01 00:00"],
]);

table('"day of week 0-7 (0 or 7 is Sunday)"', [
  ["0 0 * * 6,7", "2024-01-01 00:00", "2024-01-06 00:00", "2024-01-07 00:00", "2024-01-13 00:00"],
  ["0 0 * * 0,7", "2024-01-01 00:00", "2024-01-07 00:00", "2024-01-14 00:00"],
  ["0 0 * * 6-7", "2024-01-01 00:00", "2024-01-06 00:00", "2024-01-07 00:00", "2024-01-13 00:00"],
  ["0 0 * * 0-1", "2024-01-01 00:00", "2024-01-07 00:00", "2024-01-08 00:00"],
]);

table('"if both fields are restricted the command will be run when either field matches"', [
  // "30 4 1,15 * 5 ... at 4:30 am on the 1st and 15th of each month, plus every Friday"
  [
    "30 4 1,15 * 5",
    "2024-01-01 00:00",
    "2024-01-01 04:30",
    "2024-01-05 04:30",
    "2024-01-12 04:30",
    "2024-01-15 04:30",
    "2024-01-19 04:30",
  ],
  // A day that both name comes once: the 15th of March 2024 is a Friday.
  ["30 4 1,15 * 5", "2024-03-14 00:00", "2024-03-15 04:30", "2024-03-22 04:30"],
  // The month restricts both.
  [
    "0 0 31 4,5 MON",
    "2024-04-28 00:00",
    "2024-04-29 00:00",
    "2024-05-06 00:00",
    "2024-05-13 00:00",
  ],
  // Either makes up for the other: no 30th of February, but Mondays.
  ["0 0 30 2 1", "2024-01-01 00:00", "2024-02-05 00:00", "2024-02-12 00:00"],
]);

table("one restricted day field alone decides", [
  ["0 0 15 * *", "2024-01-01 00:00", "2024-01-15 00:00", "2024-02-15 00:00"],
  ["0 0 * * 5", "2024-01-01 00:00", "2024-01-05 00:00", "2024-01-12 00:00"],
]);

// To Debian a field is restricted when it does not begin with `*`; to the contract, when it is another
// text than `*`, `?` or `*/1`. The two differ here only: `*/2` and FRI are either to us, both to Debian.
table("a field that begins with * and is not open is restricted", [
  [
    "0 0 */2 * 5",
    "2024-01-01 00:00",
    "2024-01-03 00:00",
    "2024-01-05 00:00",
    "2024-01-07 00:00",
    "2024-01-09 00:00",
    "2024-01-11 00:00",
    "2024-01-12 00:00",
  ],
  ["0 0 10 * */3", "2024-01-07 00:00", "2024-01-10 00:00", "2024-01-13 00:00", "2024-01-14 00:00"],
  ["0 0 10 * *,1", "2024-01-07 00:00", "2024-01-08 00:00", "2024-01-09 00:00"],
]);

Deno.test("crontab(5): a field takes no number, name or step that its table does not list", () => {
  for (
    const expression of [
      "60 * * * *",
      "* * * january *",
      "* * * * frid",
      "mon * * * *",
      "@every_minute",
    ]
  ) assert.throws(() => cronCadence(expression), { name: "CronExpressionError" }, expression);
});

/*
 * cron(8): "Local time changes of less than three hours, such as those caused by the Daylight Saving
 * changes, are handled in a special way. This only applies to jobs that run at a specific time and
 * jobs that run with a granularity greater than one hour. Jobs that run more frequently are
 * scheduled normally." In London the clocks went from 01:00 to 02:00 on 31 March 2024 at 01:00 UTC,
 * and from 02:00 to 01:00 on 27 October 2024 at 01:00 UTC.
 */
table(
  '"if time was adjusted one hour forward, those jobs that would have run in the interval that has been skipped will be run immediately"',
  [
    ["30 1 * * *", "2024-03-30 02:00", "2024-03-31 01:00", "2024-04-01 00:30"],
    ["0 1 * * 0", "2024-03-25 00:00", "2024-03-31 01:00", "2024-04-07 00:00"],
    ["15,45 1 31 3 *", "2024-03-30 00:00", "2024-03-31 01:00", "2025-03-31 00:15"],
  ],
  "Europe/London",
);

table(
  '"if time was adjusted backward, running the same job twice is avoided"',
  [
    ["30 1 * * *", "2024-10-26 12:00", "2024-10-27 00:30", "2024-10-28 01:30"],
    ["0 1-2 * * *", "2024-10-26 12:00", "2024-10-27 00:00", "2024-10-27 02:00"],
  ],
  "Europe/London",
);

table(
  '"jobs that run more frequently are scheduled normally"',
  [
    [
      "*/30 * * * *",
      "2024-03-31 00:00",
      "2024-03-31 00:30",
      "2024-03-31 01:00",
      "2024-03-31 01:30",
    ],
    ["30 * * * *", "2024-03-31 00:00", "2024-03-31 00:30", "2024-03-31 01:30"],
    ["0 * * * *", "2024-10-26 23:30", "2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00"],
  ],
  "Europe/London",
);

// "Time changes of more than 3 hours are considered to be corrections to the clock or timezone, and
// the new time is used immediately": Samoa left out 30 December 2011 (24:00 of the 29th: 10:00 UTC).
table(
  '"the new time is used immediately"',
  [["30 6 * * *", "2011-12-28 17:00", "2011-12-29 16:30", "2011-12-30 16:30"]],
  "Pacific/Apia",
);
