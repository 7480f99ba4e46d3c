/** Texts that other programs read: each is named for what it is, with what to write instead. */
import assert from "node:assert/strict";
import { cronCadence, CronExpressionError } from "../../../lib/time/cron/cron_cadence.ts";

function problemOf(text: string): string {
  try {
    cronCadence(text);
  } catch (error) {
    if (error instanceof CronExpressionError) return error.problem;
    throw error;
  }
  return "valid";
}

const ROWS: readonly [text: string, problem: string | RegExp][] = [
  [
    "TZ=America/New_York 0 9 * * *",
    'TZ= sets the time zone in other crons: write cron: "0 9 * * *" and timezone: America/New_York',
  ],
  ["CRON_TZ=Asia/Tokio 0 9 * * *", /^CRON_TZ= sets .* "0 9 \* \* \*" and timezone: Asia\/Tokyo$/],
  ["TZ=Mars/Olympus 0 9 * * *", /write cron: "0 9 \* \* \*" and timezone: "Mars\/Olympus"$/],
  ['TZ="UTC" @daily', /^TZ= sets .*: write cron: "@daily" and timezone: UTC$/],
  [
    "0 9 * * * America/New_York",
    'a time zone is no field: write cron: "0 9 * * *" and timezone: America/New_York',
  ],
  ["Europe/Berlin 0 9 * * *", /^a time zone is no field: .* timezone: Europe\/Berlin$/],
  ["0 9 * * MON PST", /write cron: "0 9 \* \* MON" and timezone: America\/Los_Angeles$/],

  [
    "@every 5m",
    "@every is an interval of Go's cron: write interval_seconds: 300 in place of cron",
  ],
  ["@every 1h30m10s", /interval_seconds: 5410 /],
  ["@every 500ms", /interval_seconds: 0.5 /],
  ["@every 0s", /^@every is an interval .* write interval_seconds in place of cron$/],
  ["@every five minutes", /^@every is an interval .* write interval_seconds in place of cron$/],
  [
    "rate(5 minutes)",
    "rate(…) is an interval of AWS: write interval_seconds: 300 in place of cron",
  ],
  ["rate(1 day)", /interval_seconds: 86400 /],
  [
    "every 10 seconds",
    '"every 10 seconds" is an interval: write interval_seconds: 10 in place of cron',
  ],
  ["5m", /^"5m" is an interval: write interval_seconds: 300 /],
  ["PT1H30M", /interval_seconds: 5400 /],
  ["P1DT2H", /interval_seconds: 93600 /],
  ["P1M", /^expected 5 fields/], // a month has no length

  [
    "cron(0 10 * * ? *)",
    'cron(…) is an expression of AWS, which has the year last: write "0 10 * * *"',
  ],
  ["cron(0 18 ? * 2-6 *)", /: write "0 18 \* \* MON-FRI"$/],
  ["cron(0 10 1 1 ? 2027)", /: write "0 0 10 1 1 \* 2027"$/],
  [
    "cron(0 10)",
    /^cron\(…\) is an expression of AWS, .*: write the fields alone, without the year$/,
  ],
  [
    "0 8 ? * MON-FRI *",
    "six fields begin with seconds here, and seven end with a year; for a year in the sixth, as " +
    'AWS has it, write "0 8 * * MON-FRI"',
  ],
  ["0/15 10 * * ? *", /write "0\/15 10 \* \* \*"$/],
  ["0 8 1 1 * 2027", /write "0 0 8 1 1 \* 2027"$/],
  ["0 12 24 * * *", "hour 24 is out of range 0 to 23"],

  [
    "H * * * *",
    "minute H is not a number from 0 to 59; H is Jenkins' number by the hash of a name: write a " +
    'number, such as "0 * * * *", and jitter_seconds to spread entries',
  ],
  ["H/15 * * * *", /Jenkins' number .*, such as "\*\/15 \* \* \* \*", and jitter_seconds/],
  ["H(0-29)/10 H(2-7) * * 1-5", /, such as "0-29\/10 2 \* \* 1-5", /],
  ["R R * * *", /random number of croniter: .* "0 0 \* \* \*"/],
  ["0~59 9 * * *", /random number of OpenBSD's cron: .* "0 9 \* \* \*"/],

  [
    "0 0 31 2 *",
    "it can never fire: no day matches its day, month and year fields; for an entry that is " +
    "fired by hand only, write enabled: false and an expression that can fire, and `fire NAME`",
  ],
  [
    "off",
    '"off" names no time: keep an expression and write enabled: false beside it; `fire NAME` ' +
    "still dispatches such an entry by hand",
  ],
  ...["disabled", "Disabled", "-", "never", "manual", "none", "false"].map((text) =>
    [text, /names no time: .* enabled: false/] as [string, RegExp]
  ),

  ["daily", 'daily is no expression of cron: write "@daily"'],
  ["Hourly", 'Hourly is no expression of cron: write "@hourly"'],
  ["dayly", 'dayly is no expression of cron: write "@daily"'],
  ["every minute", 'every minute is no expression of cron: write "* * * * *"'],
  ["@every_minute", '@every_minute is no expression of cron: write "* * * * *"'],
  ["@quarterly", '@quarterly is no expression of cron: write "0 0 1 */3 *"'],
  ["weekdays", /write "0 0 \* \* MON-FRI"$/],
  ["@dayly", /^unknown nickname @dayly \(did you mean "@daily"\?\); allowed are @yearly, /],
  ["@boot", "@boot names no time; run_on_start: true fires at the start"],
  ["@fortnightly", /^unknown nickname @fortnightly; allowed are @yearly, /],

  ["0 9 * * MON-FRY", /^day of week FRY in MON-FRY is not .*SAT \(did you mean "FRI"\?\)$/],
  ["0 9 * SEPT *", /^month SEPT is not .* \(did you mean "SEP"\?\)$/],
  ["0 9 * January *", /\(did you mean "JAN"\?\)$/],
  ["0 9 * * LUN", /^day of week LUN is not .* SAT$/],
  ["0 9 * * DON", /^day of week DON is not .* SAT$/],
  ["0 9 1 MAI *", /^month MAI is not .* DEC$/],
  ["0 9 1 LUG *", /^month LUG is not .* DEC$/],
  ["0 9 * * TUES,THURS", /^day of week TUES is not .* \(did you mean "TUE"\?\)$/],
  ["0 9 * * Monday", /^day of week Monday is not .* \(did you mean "MON"\?\)$/],
  ["0 0 9 * * Wednesday", /\(did you mean "WED"\?\)$/],
  ["0 9 * * XYZ", /or a name SUN, MON, TUE, WED, THU, FRI, SAT$/],

  [
    "0 9 * * *; 0 17 * * *",
    '2 expressions in one: write an entry for each of "0 9 * * *", "0 17 * * *"',
  ],
  ['["0 9 * * *", "0 17 * * *"]', /^2 expressions in one/],
  ["0 9 * * *,0 12 * * *|0 15 * * *\n@daily", /^4 expressions in one: .*"0 15 \* \* \*", …$/],
  ["0 9 * * *,0 17 * * 9", /^expected 5 fields/],
  ["'0 9 * * *'", 'the quotes are a part of the text: write "0 9 * * *"'],
  [
    "0 9 * * * root /usr/bin/backup",
    'what follows the five fields in a crontab does not stand here: write "0 9 * * *"',
  ],
  ["0 9 * * * # at nine", /^what follows the five fields/],

  ["09:30", 'a time of day is no expression of cron: write "30 9 * * *"'],
  ["9:30pm", /write "30 21 \* \* \*"$/],
  ["12am", /write "0 0 \* \* \*"$/],
  ["Mon..Fri *-*-* 09:30:00", /write "30 9 \* \* MON-FRI"$/],
  ["25:00", /^expected 5 fields/],
  [
    "2026-12-24T09:30:00",
    'a date is not a cron expression; what fires once has a year: write "0 30 9 24 12 * 2026"',
  ],
  ["2026-12-24T09:30:00+01:00", /: write "0 30 8 24 12 \* 2026" and timezone: UTC$/],
  ["at(2026-12-24T09:30:00)", /: write "0 30 9 24 12 \* 2026"$/],
  ["2026-13-45", "a date is not a cron expression; expected 5, 6 or 7 fields"],
];

for (const [text, problem] of ROWS) {
  Deno.test(`a text that is no expression of cron: ${JSON.stringify(text)}`, () => {
    const found = problemOf(text);
    if (typeof problem === "string") assert.equal(found, problem);
    else assert.match(found, problem);
  });
}

Deno.test("what is to be written in place of a text is valid", () => {
  const written = ROWS.flatMap(([text]) =>
    [...problemOf(text).matchAll(/(?:write|such as|cron:|each of|",) "([^"]+)"/g)].map(([, cron]) =>
      cron!
    )
  );
  assert.ok(written.length > 30);
  for (const cron of written) assert.equal(problemOf(cron), "valid", cron);
});

Deno.test("a text is not looked at for long, whatever is in it", () => {
  for (const part of ["a", "1h", "0 9 * * *,", "every ", "TZ=a ", "(", "Mon..", "'", "H,", "~"]) {
    const text = part.repeat(100_000);
    const before = performance.now();
    problemOf(text);
    problemOf(text.slice(0, 200));
    assert.ok(performance.now() - before < 1000, part);
  }
});
