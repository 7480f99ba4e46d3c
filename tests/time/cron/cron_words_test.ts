import assert from "node:assert/strict";
import { cronWords } from "../../../lib/time/cron/cron_words.ts";

for (
  const [expression, words] of [
    ["0 9 * * 1-5", "At 09:00, Monday through Friday"],
    ["*/10 * * * * *", "Every 10 seconds"],
    ["0 0 1 * MON", "At 00:00, on day 1 of the month, or on Monday"],
    ["0 0 1,15 * MON-WED", "At 00:00, on day 1 and 15 of the month, or Monday through Wednesday"],
    ["0 0 1 * *", "At 00:00, on day 1 of the month"],
    ["0 0 1-31 * MON", "At 00:00, between day 1 and 31 of the month, and on Monday"],
    ["30 2 * * FRI-MON", "At 02:30, Friday through Monday"],
    ["0 0 LW * ?", "At 00:00, on the last weekday of the month"],
    ["0 0 * * 5#2", "At 00:00, on the second Friday of the month"],
    ["0 0 0 1 1 * 2027", "At 00:00, on day 1 of the month, only in January, only in 2027"],
    ["@hourly", "Every hour"],
    ["*/15 * * * *", "Every 15 minutes"],
    ["*/45 * * * *", "At 0 and 45 minutes past the hour"],
    ["*,5 * * * *", "Every minute"],
    [
      "15,45 9,17 * * *",
      "At 15 and 45 minutes past the hour, in the hours that begin at 09:00 and 17:00",
    ],
    ["*/15 9,17 * * *", "Every 15 minutes, in the hours that begin at 09:00 and 17:00"],
    ["0 9 */2 * MON", "At 09:00, every 2 days in a month, or on Monday"],
    ["0 9 13 * 0-7", "At 09:00, on day 13 of the month"],
    ["0 */9 * * *", "At 00:00, 09:00 and 18:00"],
  ]
) {
  Deno.test(`${expression} in words`, async () =>
    assert.equal(await cronWords(expression!), words));
}

Deno.test("every expression that is valid has words", async () => {
  for (const expression of ["5/15 22-2 * * *", "0 0 15W,L * *", "1-59/7 * ? * 5L,1#1", "@YEARLY"]) {
    assert.match(await cronWords(expression), /^[A-Z].*[^.]$/);
  }
});
