import assert from "node:assert/strict";
import { QUARTER_HOUR_MS } from "../../lib/engine/history.ts";
import { dayAhead } from "../../lib/forecast/day_ahead.ts";
import { instantInZone } from "../../lib/time/instant_in_zone.ts";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
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
    [`name: a, cron: "0 0 31 * MON"`, null],
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
