import assert from "node:assert/strict";
import { QUARTER_HOUR_MS } from "../../lib/engine/history.ts";
import { dayAhead } from "../../lib/forecast/day_ahead.ts";
import { instantInZone } from "../../lib/time/instant_in_zone.ts";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { namesOf } from "../../lib/forecast/lint/finding.ts";
import { lint } from "../../lib/forecast/lint/lint.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { Upcoming } from "../../lib/forecast/upcoming.ts";

const FROM = Date.parse("2026-11-24T00:00:00Z");

/** Entries of lines such as `name: a, cron: "* * * * *"`. */
function entries(...lines: string[]): readonly ScheduleEntry[] {
  const schedules = lines.map((line) =>
    `  - { dispatch_type: task, task: { worker_type: w }, ${line} }`
  );
  const { config, problems } = parseSchedulerConfig(
    ["name: ahead", "schedules:", ...schedules].join("\n"),
  );
  assert.deepEqual(problems.filter(({ severity }) => severity === "error"), []);
  return config!.entries;
}

const findings = (...lines: string[]) =>
  lint(entries(...lines), FROM).map(({ kind, message }) => `${kind}: ${message}`);

const BERLIN = "timezone: Europe/Berlin";

for (
  const [line, expected] of [
    [
      `name: a, cron: "30 2 * * *", ${BERLIN}`,
      /^daylight_saving: on 2027-03-28 the clock in Europe\/Berlin skips 02:30: it fires at Sun 2027-03-28 03:00:00\+02:00$/,
    ],
    [
      `name: a, cron: "0,30 2 * * *", ${BERLIN}`,
      /skips 02:00, 02:30: 2 occurrences become one, at Sun 2027-03-28 03:00/,
    ],
    [
      `name: a, cron: "0 2-3 * * *", ${BERLIN}`,
      /skips 02:00: 2 occurrences become one, at Sun 2027-03-28 03:00/,
    ],
    [`name: a, cron: "30 2 * * MON", ${BERLIN}`, null],
    [`name: a, cron: "30 2 * * *", timezone: UTC`, null],
    [`name: a, cron: "30 * * * *", ${BERLIN}`, null], // a wildcard keeps its spacing
    [`name: a, cron: "30 2 * * *", ${BERLIN}, enabled: false`, null],
    [
      `name: a, cron: "30 1 * * *", timezone: Australia/Lord_Howe`,
      null, // its clock leaps half an hour, from 02:00
    ],
    [
      `name: a, cron: "15 2 * * *", timezone: Australia/Lord_Howe`,
      /on 2027-10-03 the clock in Australia\/Lord_Howe skips 02:15: it fires at Sun 2027-10-03 02:30:00\+11:00/,
    ],
    [`name: a, cron: "0 0 31 * *"`, /^rare_day: it fires on day 31 only, so not in the 5 months/],
    [`name: a, cron: "0 0 30,31 * *"`, /on day 30 and 31 only, so not in the 1 months/],
    [`name: a, cron: "0 0 29 * *"`, null], // February has one every four years
    [`name: a, cron: "0 0 29 2 *"`, /on 29 February only: once in four years/],
    [`name: a, cron: "0 0 31 12 *"`, null],
    [`name: a, cron: "0 0 L * *"`, null],
    // What fires every so often keeps its spacing, but in an hour that a day lacks.
    [
      `name: a, cron: "*/30 2 * * *", ${BERLIN}`,
      /^daylight_saving: on 2027-03-28 the clock in Europe\/Berlin skips 02:00, 02:30: it does not fire on that day$/,
    ],
    [`name: a, cron: "*/30 2,5 * * *", ${BERLIN}`, null],
    [`name: a, cron: "*/30 2 * * MON-SAT", ${BERLIN}`, null],
    [
      `name: a, cron: "0 0 31 */2 *"`,
      /^rare_day: it fires on day 31 only, so not in September and November, which have none: `L`/,
    ],
    [
      `name: a, cron: "0 0 31W * *"`,
      /^rare_day: it fires on day 31W only, so not in the 5 months that have none: `LW` is the last weekday of each month$/,
    ],
    [
      `name: a, cron: "0 0 29W 2 *"`,
      /^rare_day: it fires on the weekday nearest to 29 February only: once in four years$/,
    ],
    [`name: a, cron: "0 0 29W * *"`, null],
    [
      `name: a, cron: "0 0 * * FRI#5"`,
      /^rare_day: no day matches in \d+ of the next 108 months that its month field allows: `FRIL` is the last of each month, the 4th or the 5th$/,
    ],
    [`name: a, cron: "0 0 ? 2 1#5"`, /^rare_day: no day matches in 9 of the next 9 months/],
    [`name: a, cron: "0 0 * * FRI#4"`, null],
    [`name: a, cron: "0 0 * * 5L"`, null],
    [`name: a, cron: "0 0 0 31 12 ? 2026"`, null],
    [
      `name: a, cron: "0 9 1-7 * tue"`,
      /^both_day_fields: both day fields are restricted, and it fires on either: day of month 1-7, and also day of week tue; the first Tuesday is `TUE#1`$/,
    ],
    [`name: a, cron: "0 9 8-14 * 0"`, /; the second Sunday is `SUN#2`$/],
    [`name: a, cron: "0 9 15-21 * 1,3"`, /; the third Monday and Wednesday is `MON#3,WED#3`$/],
    [`name: a, cron: "0 0 9 22-28 * FRI *"`, /; the fourth Friday is `FRI#4`$/],
    [`name: a, cron: "0 9 1,2,3,4,5,6,7 * TUE"`, /; the first Tuesday is `TUE#1`$/],
    [
      `name: a, cron: "0 9 13 * FRI"`,
      /either: day of month 13, and also day of week FRI; write \*/,
    ],
    [`name: a, cron: "0 9 L * FRI"`, /^both_day_fields: .*either: day of month L/],
    [`name: a, cron: "0 9 1-7,L * TUE"`, /write \* in place of the one that is not to count$/],
    [`name: a, cron: "0 9 1-7 * 2#1"`, /write \* in place of the one that is not to count$/],
    [
      `name: a, cron: "0 0 31 * MON"`,
      /^both_day_fields: .*day of month 31, and also day of week MON/,
    ],
    [`name: a, cron: "0 9 ? * TUE"`, null],
    [`name: a, cron: "0 9 */1 * TUE"`, null],
    [`name: a, cron: "0 9 1-7 * ?"`, null],
    [`name: a, cron: "@monthly"`, null],
    // Quartz and AWS count weekdays from 1 for Sunday, and write `?` for one of the day fields.
    [
      `name: a, cron: "0 0 12 ? * 2-6"`,
      /^weekday_numbers: day of week 2-6 is Tuesday to Saturday here; Quartz and AWS, which write \? for the other day field, count from 1 for Sunday: write `MON-FRI` for Monday to Friday$/,
    ],
    [`name: a, cron: "0 12 ? * 1"`, /1 is Monday here; .*: write `SUN` for Sunday$/],
    [
      `name: a, cron: "0 0 12 ? * 6#3 *"`,
      /is the third Saturday here; .* `FRI#3` for the third Friday/,
    ],
    [`name: a, cron: "0 0 12 ? * 6L"`, /is the last Saturday here; .* `FRIL` for the last Friday/],
    [`name: a, cron: "0 0 12 ? * 1,7"`, /is Monday and Sunday here; .* `SUN,SAT` for Saturday and/],
    [`name: a, cron: "0 0 12 ? * 1-7"`, null],
    [`name: a, cron: "0 0 12 ? * 0-4"`, null], // Quartz has no 0
    [`name: a, cron: "0 0 12 ? * MON-FRI"`, null],
    [`name: a, cron: "0 0 12 * * 2-6"`, null],
    // What is over, or never begins.
    [
      `name: a, cron: "0 0 0 1 1 * 2020-2022"`,
      /^never_due: it does not fire any more: the years of "0 0 0 1 1 \* 2020-2022" are over$/,
    ],
    [
      `name: a, cron: "0 9 * * *", end_at: "2026-11-01T00:00:00Z"`,
      /^never_due: it does not fire any more: its end_at, 2026-11-01T00:00:00.000Z, has passed$/,
    ],
    [
      `name: a, cron: "0 9 1 1 *", start_at: "2027-02-01T00:00:00Z", end_at: "2027-03-01T00:00:00Z"`,
      /^never_due: it never fires: nothing is due between its start_at, 2027-02-01T00:00:00.000Z, and its end_at, 2027-03-01T00:00:00.000Z$/,
    ],
    [
      `name: a, cron: "0 9 1 1 *", end_at: "2026-12-01T00:00:00Z"`,
      /^never_due: it does not fire any more: nothing is due before its end_at, 2026-12-01/,
    ],
    [
      `name: a, interval_seconds: 3600, end_at: "2026-11-24T00:30:00Z"`,
      /^never_due: it does not fire any more: nothing is due before its end_at, 2026-11-24T00:30/,
    ],
    [`name: a, interval_seconds: 3600, start_at: "2026-12-01T00:00:00Z"`, null],
    [`name: a, cron: "0 9 * * *", end_at: "2026-11-01T00:00:00Z", enabled: false`, null],
    [`name: a, cron: "30 31 0 1 * *"`, null],
    // Nothing is read out of an entry's name.
    [`name: hourly_sum, interval_seconds: 3500`, null],
    [`name: monthly, interval_seconds: 2592000`, null],
  ] as const
) {
  Deno.test(`lint of { ${line} }`, () => {
    const found = findings(line);
    if (expected === null) assert.deepEqual(found, []);
    else assert.match(found.join("\n"), expected);
  });
}

Deno.test("many entries in the same second are told, with a jitter that spreads them", () => {
  const atOnce = (count: number, rest: string) =>
    Array.from({ length: count }, (_, n) => `name: e${n}, ${rest}`);
  assert.deepEqual(findings(...atOnce(19, `cron: "0 4 * * *"`)), []);
  assert.deepEqual(findings(...atOnce(100, `cron: "0 4 * * *"`)), [
    "same_second: 100 entries are due in the same second, 2026-11-24T04:00:00.000Z " +
    '("e0", "e1", "e2" …): `jitter_seconds: 20` on each would spread them',
  ]);
  // Not more than half of what lies between two occurrences.
  assert.match(findings(...atOnce(1000, `cron: "* * * * *"`)).join(), /`jitter_seconds: 30`/);
  assert.match(
    findings(...atOnce(50, "interval_seconds: 10")).join(),
    /50 entries.*`jitter_seconds: 5`/,
  );
  assert.deepEqual(findings(...atOnce(100, `cron: "0 4 * * *", jitter_seconds: 60`)), []);
  const mixed = [
    ...atOnce(15, `cron: "0 * * * *"`),
    ...atOnce(15, `cron: "0 4 * * *", timezone: UTC`),
  ];
  const named = mixed.map((line, n) => line.replace(/e\d+/, `m${n}`));
  assert.match(findings(...named).join(), /30 entries are due in the same second, 2026-11-24T04/);
});

Deno.test("entries of which the same is to be said share one finding", () => {
  const named = (count: number, rest: string) => new Array<string>(count).fill(rest);
  const found = lint(
    entries(...[
      ...named(3, `cron: "15 2 * * *", ${BERLIN}`),
      ...named(5, `cron: "30 2 * * *", ${BERLIN}`),
      ...named(2, `cron: "0,30 2 * * *", ${BERLIN}`),
      ...named(2, `cron: "*/20 2 * * *", ${BERLIN}`),
      ...named(2, `cron: "30 2 * * *", timezone: America/New_York`),
      ...named(4, `cron: "0 9 13 * FRI", ${BERLIN}`),
    ].map((line, n) => `name: e${n}, ${line}`)),
    FROM,
  );
  assert.deepEqual(found.map((finding) => `${namesOf(finding)}: ${finding.message}`), [
    '"e0", "e1", "e2" and 7 more: on 2027-03-28 the clock in Europe/Berlin skips 02:00 to 03:00: ' +
    "what is due there fires once, at Sun 2027-03-28 03:00:00+02:00",
    '"e10", "e11": on 2027-03-28 the clock in Europe/Berlin skips 02:00, 02:20, 02:40: it does ' +
    "not fire on that day",
    '"e12", "e13": on 2027-03-14 the clock in America/New_York skips 02:30: it fires at ' +
    "Sun 2027-03-14 03:00:00-04:00",
    '"e14", "e15", "e16" and 1 more: both day fields are restricted, and it fires on either: day ' +
    "of month 13, and also day of week FRI; write * in place of the one that is not to count",
  ]);
  assert.deepEqual(found[1]!.entries, ["e10", "e11"]);
  assert.ok(found.every(({ advice, entry, entries }) => advice && entry === entries[0]));
});

Deno.test("coming firings are in due order, then in the order of the file", () => {
  const upcoming = new Upcoming(
    entries(
      `name: b, cron: "0 1 * * *"`,
      "name: a, interval_seconds: 1800",
      `name: off, cron: "* * * * *", enabled: false`,
      `name: past, cron: "0 0 1 1 * 2020", enabled: true`.replace(` 2020`, ""),
    ),
    FROM,
  );
  const firings = upcoming.firings({ count: 4 });
  assert.deepEqual(
    firings.map(({ entry, scheduledFor }) => `${entry} ${(scheduledFor - FROM) / 60_000}`),
    ["a 30", "b 60", "a 60", "a 90"],
  );
  assert.equal(upcoming.firings({ count: 9, until: FROM + 3_600_000 }).length, 3);
  assert.deepEqual(upcoming.silent(), [{ entry: "off", reason: "disabled" }]);
});

Deno.test("of a hundred thousand entries the next are found in no time", () => {
  const cadence = entries(`name: a, cron: "* * * * *"`)[0]!;
  const many = Array.from({ length: 100_000 }, (_, n) => ({ ...cadence, name: `e${n}` }));
  assert.equal(new Upcoming(many, FROM).firings({ count: 10 }).length, 10);
});

Deno.test("a day ahead counts each quarter of an hour", () => {
  const counts = (...lines: string[]) => {
    return dayAhead(new Upcoming(entries(...lines), FROM).recurrences(), FROM).counts;
  };
  const sum = (of: readonly number[]) => of.reduce((total, each) => total + each, 0);
  assert.equal(sum(counts(`name: a, cron: "* * * * *"`)), 1439); // what is due at `from` has passed
  assert.equal(counts(`name: a, cron: "*/5 * * * *"`)[1], 3);
  assert.equal(counts("name: a, interval_seconds: 0.01")[5], QUARTER_HOUR_MS / 10);
  assert.equal(sum(counts("name: a, interval_seconds: 3600")), 23);
  const bounded = counts(`name: a, cron: "0 * * * *", end_at: "2026-11-24T05:00:00Z"`);
  assert.equal(sum(bounded), 5);
  const twins = counts(`name: a, cron: "0 4 * * *"`, `name: b, cron: "0 4 * * *"`);
  assert.deepEqual([twins[16], sum(twins)], [2, 2]);
});

Deno.test("a day ahead that has more occurrences than may be looked up is cut, and says so", () => {
  const many = entries(
    `name: first, cron: "* * * * * *"`,
    `name: twin, cron: "* * * * * *"`,
    `name: later, cron: "0 * * * *"`,
    "name: even, interval_seconds: 3600",
  );
  const day = (lookups?: number) => {
    return dayAhead(new Upcoming(many, FROM).recurrences(), FROM, { lookups });
  };
  const cut = day(1000);
  assert.ok(cut.isCut);
  // What is alike is looked up once, and what is evenly spaced not at all.
  assert.deepEqual(cut.counts.slice(0, 5), [2 * 899, 2 * 101, 0, 0, 1]);
  const whole = day();
  assert.equal(whole.isCut, false);
  assert.deepEqual(whole.counts.slice(0, 5), [1798, 1800, 1800, 1800, 1802]);
});

Deno.test("an instant is shown by its zone's clock", () => {
  for (
    const [instant, zone, expected] of [
      ["2026-07-01T12:00:00Z", "Europe/Berlin", "Wed 2026-07-01 14:00:00+02:00"],
      ["2026-12-31T23:30:00Z", "Asia/Kolkata", "Fri 2027-01-01 05:00:00+05:30"],
      ["2026-01-01T00:00:00.250Z", "America/St_Johns", "Wed 2025-12-31 20:30:00.250-03:30"],
      ["2026-01-01T00:00:00Z", "UTC", "Thu 2026-01-01 00:00:00+00:00"],
    ] as const
  ) {
    assert.equal(instantInZone(Date.parse(instant), zone), expected);
  }
});
