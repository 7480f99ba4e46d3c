import assert from "node:assert/strict";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { cronWords } from "../../../lib/time/cron/cron_words.ts";
import { announcedSeed, random, randomExpression } from "./random_expression.ts";
import { readWords } from "./words_reader.ts";

const DAY = 86_400_000;

/** Expressions, and the words that they have exactly. */
const WORDS: [expression: string, words: string][] = [
  // Times of day.
  ["0 9 * * *", "At 09:00"],
  ["30 9 0 * * *", "At 00:09:30"],
  ["57 2-23/24 * * *", "At 02:57"],
  ["0 9,12,17 * * *", "At 09:00, 12:00 and 17:00"],
  ["15,45 9,17 * * *", "At 09:15, 09:45, 17:15 and 17:45"],
  ["0 0/5 * * *", "At 00:00, 05:00, 10:00, 15:00 and 20:00"],
  ["0 */9 * * *", "At 00:00, 09:00 and 18:00"],
  ["0 22-2 * * *", "At 00:00, 01:00, 02:00, 22:00 and 23:00"],
  ["15 */6 * * *", "At 00:15, 06:15, 12:15 and 18:15"],
  ["*/15 9,17 * * *", "At 09:00, 09:15, 09:30, 09:45, 17:00, 17:15, 17:30 and 17:45"],
  // Even distances, and ranges.
  ["* * * * *", "Every minute"],
  ["* * * * * *", "Every second"],
  ["*,5 * * * *", "Every minute"],
  ["@hourly", "Every hour"],
  ["0 0/1 1/1 * ?", "Every hour"],
  ["*/10 * * * * *", "Every 10 seconds"],
  ["0/15 * * * *", "Every 15 minutes"],
  ["0,15,30,45 * * * *", "Every 15 minutes"],
  ["0 */2 * * *", "Every 2 hours"],
  ["0 9-17 * * *", "Every hour from 09:00 through 17:00"],
  ["0-10 9 * * *", "Every minute from 09:00 through 09:10"],
  ["*/15 9-17 * * 1-5", "Every 15 minutes from 09:00 through 17:45, Monday through Friday"],
  ["30 */2 * * *", "Every 2 hours from 00:30 through 22:30"],
  ["1/2 * * * *", "Every 2 minutes from 00:01 through 23:59"],
  ["30 */5 * * * *", "Every 5 minutes from 00:00:30 through 23:55:30"],
  // Lists within the hour and the minute.
  ["*/45 * * * *", "At minutes 0 and 45 of every hour"],
  ["5/45 * * * *", "At minutes 5 and 50 of every hour"],
  ["*/45 * * * * *", "At seconds 0 and 45 of every minute"],
  ["0/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"],
  ["5/15 * * * *", "At minutes 5, 20, 35 and 50 of every hour"],
  ["5 * * * *", "At minute 5 of every hour"],
  ["30 * * * * *", "At second 30 of every minute"],
  ["15 */20 * * * *", "At second 15 of minutes 0, 20 and 40 of every hour"],
  ["0-5,30 9-17 * * *", "At minutes 0 through 5 and 30 of hours 9 through 17"],
  ["30 7,8,40 * * * *", "At second 30 of minutes 7, 8 and 40 of every hour"],
  ["15,45 * 9,17 * * *", "At seconds 15 and 45 of every minute of hours 9 and 17"],
  ["*/10 7 * * * *", "Every 10 seconds in minute 7 of every hour"],
  ["* * 9,17 * * *", "Every second in hours 9 and 17"],
  ["*/5 0,6-8 * * *", "Every 5 minutes in hours 0 and 6 through 8"],
  // Days of the month.
  ["0 0 1 * *", "At 00:00, on day 1 of the month"],
  ["0 0 */31 * *", "At 00:00, on day 1 of the month"],
  ["0 0 1-7,15 * *", "At 00:00, on days 1 through 7 and 15 of the month"],
  ["0 0 L * *", "At 00:00, on the last day of the month"],
  ["0 0 LW * ?", "At 00:00, on the last weekday of the month"],
  ["0 0 15W * *", "At 00:00, on the weekday nearest day 15 of the month"],
  ["0 0 1,15,L * *", "At 00:00, on days 1 and 15 and the last day of the month"],
  // Days of the week.
  ["0 9 * * 1-5", "At 09:00, Monday through Friday"],
  ["30 2 * * FRI-MON", "At 02:30, Friday through Monday"],
  ["0 0 * * 0,6", "At 00:00, on Saturday and Sunday"],
  ["0 0 * * 5/2", "At 00:00, on Friday"],
  ["0 0 * * MON,WED-SAT", "At 00:00, on Monday and Wednesday through Saturday"],
  ["0 0 * * 5#2", "At 00:00, on the second Friday of the month"],
  ["0 0 * * 5L,1#1", "At 00:00, on the first Monday and the last Friday of the month"],
  ["0 0 * * 2,5#1", "At 00:00, on Tuesday and the first Friday of the month"],
  // Both day fields: one of them is enough.
  ["0 0 1 * MON", "At 00:00, on day 1 of the month, or on Monday"],
  ["0 0 1,15 * MON-WED", "At 00:00, on days 1 and 15 of the month, or Monday through Wednesday"],
  [
    "0 9 */3 * 1#1",
    "At 09:00, on days 1, 4, 7, 10, 13, 16, 19, 22, 25, 28 and 31 of the month, " +
    "or on the first Monday of the month",
  ],
  ["0 9 */1 * MON", "At 09:00, on Monday"],
  // Months and years.
  ["@yearly", "At 00:00, on day 1 of the month, only in January"],
  ["0 0 1 */5 *", "At 00:00, on day 1 of the month, only in January, June and November"],
  ["0 0 * 6-8 SUN", "At 00:00, on Sunday, only from June through August"],
  ["* * * 11-2 *", "Every minute, only from November through February"],
  ["0 0 0 1 1 * 2027", "At 00:00, on day 1 of the month, only in January, only in 2027"],
  ["0 0 12 * * ? 2027-2029", "At 12:00, only from 2027 through 2029"],
  ["0 0 12 * * ? 2028/1", "At 12:00, only from 2028 on"],
  ["0 0 12 * * ? 2028/2", "At 12:00, only every 2 years from 2028 through 9998"],
];

for (const [expression, words] of WORDS) {
  Deno.test(`${expression} in words`, () => assert.equal(cronWords(expression), words));
}

Deno.test("a day field that is not open is a restriction, also where it names every day", () => {
  for (const expression of ["0 0 1-31 * 1", "0 0 1 * 0-6", "0 0 1-31 * 1-7", "0 0 0 */1,5 * 5#1"]) {
    assert.equal(cronWords(expression), "At 00:00, every day", expression);
  }
  assert.equal(cronWords("0 0 1-31 * *"), "At 00:00");
  assert.equal(cronWords("0 0 */1 * 1-7"), "At 00:00");
});

Deno.test("years that have no short words are said as they are written", () => {
  assert.equal(cronWords("0 0 9 * * ? 2026/2,2031/7"), "At 09:00, only in the years 2026/2,2031/7");
});

/** Expressions of every kind, whose words are held to what fires, as those above are. */
const OTHERS = `
  */2 * * * *; */3 * * * *; */4 * * * *; */5 * * * *; */6 * * * *; */7 * * * *; */8 * * * *;
  */9 * * * *; */11 * * * *; */13 * * * *; */20 * * * *; */25 * * * *; */29 * * * *; */30 * * * *;
  */31 * * * *; */40 * * * *; */50 * * * *; */59 * * * *; */60 * * * *; 0/60 * * * *; 3/10 * * * *;
  7/20 * * * *; 1/30 * * * *; 10/50 * * * *; 59/1 * * * *; 5-59/10 * * * *; 0-30/10 * * * *;
  0-59 * * * *; 30-59 * * * *; 50-10 * * * *; 55-5/5 * * * *; 0,1,2,3 * * * *; 5,10,20,40 * * * *;
  */5,*/7 * * * *; 0 */3 * * *; 0 */4 * * *; 0 */5 * * *; 0 */6 * * *; 0 */7 * * *; 0 */8 * * *;
  0 */10 * * *; 0 */11 * * *; 0 */12 * * *; 0 */23 * * *; 0 */24 * * *; 30 */4 * * *; 5 */3 * * *;
  0 1/2 * * *; 0 1-23/2 * * *; 0 2/6 * * *; 0 3/7 * * *; 45 0/12 * * *; 0 0-23 * * *; 0 6-22/4 * * *;
  0 0-20/2 * * *; 0 20-4 * * *; 15 21-3/2 * * *; */10 22-5 * * *; */20 8-18/2 * * *; 5/20 6-8 * * *;
  1/7 6-8 * * *; 0,30 8-17 * * 1-5; 15,45 0-6,20-23 * * *; * 9 * * *; * 9-10 * * *; * 9,17 * * *;
  * 0/2 * * *; 0-29 9 * * *; */7 9 * * *; */45 9 * * *; */45 9-17 * * *; 10-20/5 1-5 * * *;
  59 23 31 12 *; 0 0 29 2 *; 0 9 1-31/2 * MON; 0 9 2-30/2 * *; 0 0 */2 * *; 0 0 */3 * *; 0 0 */10 * *;
  0 0 */15 * *; 0 0 */16 * *; 0 0 */30 * *; 0 0 5/10 * *; 0 0 28-31 * *; 0 0 29-3 * *; 0 0 31 * *;
  0 0 30 1/2 *; 0 0 1W * *; 0 0 31W * *; 0 0 1W,15W,LW * *; 0 0 L,LW * *; 0 0 5,15W,L * *; 0 0 30W 2/5 *;
  0 0 1-31 * 1; 0 0 1 * 0-6; 0 0 1-31 * 1-7; 0 0 0 */1,5 * 5#1; 0 0 1-31 * *; 0 0 */1 * 1-7;
  0 0 ? * ?; 0 0 ? * MON; 0 0 15 * ?; 0 0 * * 7; 0 0 * * 0; 0 0 * * sun; 0 0 * * 6-7; 0 0 * * 0-2;
  0 0 * * 7-2; 0 0 * * 1/2; 0 0 * * */2; 0 0 * * */3; 0 0 * * 2/4; 0 0 * * 1-7/2; 0 0 * * SAT-TUE/2;
  0 0 * * MON-SUN; 0 0 * * 0-7; 0 0 * * 1,3,5; 0 0 * * Tue,Thu; 0 0 * * 1,2; 0 0 * * 1,2,3,5,6;
  0 0 * * 0,1; 0 0 * * 0,1,2,4; 0 0 * * 1#1; 0 0 * * 1#1,1#3; 0 0 * * MON#5; 0 0 * * SUN#1; 0 0 * * 7#4;
  0 0 * * 5L; 0 0 * * 0L; 0 0 * * FRIL,SAT; 0 0 * * 5,5#1,5L; 0 0 * * 1#1,1#2,1#3,1#4,1#5;
  0 9 1-7 * TUE; 0 9 8-14 * 1#2; 0 0 L * 5L; 0 0 15W * 1-5; 0 0 1 * 0,6; 0 0 13 * 5; 0 0 */2 * */2;
  0 0 LW * SAT-MON; 0 0 1,11,21,31 6 1; 0 0 31 2/2 1; 0 9 13 * 0-5; 0 0 * 1 *; 0 0 * JAN,jul *;
  0 0 * */2 *; 0 0 * */3 *; 0 0 * */4 *; 0 0 * */6 *; 0 0 * */7 *; 0 0 * */12 *; 0 0 * 2/3 *; 0 0 * 2/5 *;
  0 0 * 1-12 *; 0 0 * OCT-MAR *; 0 0 * 12-1 *; 0 0 * 10-2/2 *; 0 0 * 1-3,10 *; 0 0 1 1,2,3,11,12 *;
  0 0 1 5 1; 0 0 1-5 NOV-JAN MON-WED; @daily; @midnight; @weekly; @monthly; @annually; @HOURLY;
  */7 * * * * *; */15 * * * * *; */25 * * * * *; */30 * * * * *; 5/10 * * * * *; 1/2 * * * * *;
  7/20 * * * * *; 0-9 * * * * *; 58-2 * * * * *; 10,50 * * * * *; 30 0 * * * *;
  30 0 0 * * *; 15 */7 * * * *; 0,30 */15 * * * *; */20 */15 * * * *; */45 */45 * * * *;
  * 5 * * * *; * 0-4 9 * * *; */10 0 9-17 * * *; */10 * 9-17 * * *; */7 * 9 * * *; 0 0/1 * * * *;
  0 0 9-11 * * MON-FRI; 1,2,3,7 */5 8-10 * * *; 59 59 23 * * *; 0 0 0 ? * 6#3; * * * 1 1 ?;
  0 0 12 1 * ? 2027; 0 0 12 * * ? 2026,2028,2029; 0 0 12 * * ? 2026-2030/2; 0 0 12 * * ? */2;
  0 0 12 * * ? 2029/4; 0 0 12 * * ? *; 0 0 12 * * ? 1-9999; 0 0 0 L 2 ? 2028/4; 30 30 */6 15W */6 ? 2027-2032
`.split(";").map((expression) => expression.trim());

/** Holds the words to what fires: on which days of eight years, and when on the first of them. */
function assertHolds(expression: string) {
  const words = cronWords(expression);
  assert.match(words, /^[A-Z][^.]*[^., ]$/);
  const { times, isDay } = readWords(words);
  const cadence = cronCadence(expression, "UTC");
  const [start, end] = [Date.UTC(2026, 0), Date.UTC(2034, 0)];
  const firing = (from: number) => cadence.next(new Date(from - 1))?.getTime() ?? Infinity;
  const dayOf = (instant: number) => instant - (instant % DAY);

  const fired = new Set<number>();
  for (let at = firing(start); at < end; at = firing(dayOf(at) + DAY)) fired.add(dayOf(at));
  for (let day = start; day < end; day += DAY) {
    const date = new Date(day);
    if (fired.has(day) !== isDay(date)) {
      assert.fail(`${expression} (${words}): ${fired.has(day)} on ${date.toISOString()}`);
    }
  }

  const first = dayOf(firing(start));
  const firedAt = [];
  for (let at = firing(first); at < first + DAY; at = firing(at + 1000)) {
    firedAt.push((at - first) / 1000);
  }
  assert.ok(
    firedAt.length === times.size && firedAt.every((time) => times.has(time)),
    `${expression} (${words}) on ${new Date(first).toISOString()}`,
  );
}

Deno.test("the words of 200 expressions name exactly what fires", () => {
  const all = [...WORDS.map(([expression]) => expression), ...OTHERS];
  assert.ok(new Set(all).size >= 200, `${new Set(all).size} expressions`);
  all.forEach(assertHolds);
});

Deno.test("the words of 200 random expressions name exactly what fires", () => {
  const seed = announcedSeed();
  for (let round = 0; round < 200; round++) {
    const chance = random(`${seed} words ${round}`);
    const expression = randomExpression(chance, { seconds: chance() < 0.5 });
    assertHolds(expression);
  }
});
