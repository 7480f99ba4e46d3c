import assert from "node:assert/strict";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { firings } from "./firings.ts";

/*
 * The changes used here, as instants, and what the clocks of the zone do then:
 *
 *   Europe/Berlin        2025-03-30T01:00Z  02:00 → 03:00
 *                        2025-10-26T01:00Z  03:00 → 02:00
 *   America/New_York     2025-03-09T07:00Z  02:00 → 03:00
 *                        2025-11-02T06:00Z  02:00 → 01:00
 *   Europe/Dublin        2025-03-30T01:00Z  01:00 → 02:00 (winter is the saving there)
 *   Australia/Lord_Howe  2025-04-05T15:00Z  02:00 → 01:30
 *                        2025-10-04T15:30Z  02:00 → 02:30
 *   America/Sao_Paulo    2018-02-18T02:00Z  24:00 → 23:00 of the 17th
 *                        2018-11-04T03:00Z  00:00 → 01:00
 *   Asia/Beirut          2022-03-26T22:00Z  00:00 → 01:00
 *   Africa/Casablanca    2024-03-10T02:00Z  03:00 → 02:00 (Ramadan begins)
 *                        2024-04-14T02:00Z  02:00 → 03:00
 *   Antarctica/Troll     2025-03-30T01:00Z  01:00 → 03:00
 *                        2025-10-26T01:00Z  03:00 → 01:00
 *   Antarctica/Casey     2018-10-06T20:00Z  04:00 → 07:00, three hours
 *                        2019-03-16T16:00Z  03:00 → 00:00, three hours
 *   Pacific/Apia         2011-12-30T10:00Z  24:00 of the 29th → 00:00 of the 31st
 *   Pacific/Kwajalein    1969-09-30T13:00Z  24:00 → 01:00 of the same day, 23 hours back
 *   Europe/Berlin        1893-03-31T23:06:32Z  00:00:00 → 00:06:32, local mean time ends
 */
type Row = [zone: string, expression: string, after: string, ...occurrences: string[]];

function table(title: string, rows: Row[]): void {
  for (const [zone, expression, after, ...expected] of rows) {
    Deno.test(`${title}: ${expression} in ${zone} after ${after}`, () => {
      const actual = firings(expression, zone, after, expected.length);
      assert.deepEqual(actual, expected.map((text) => text.length > 17 ? text : `${text}:00Z`));
    });
  }
}

table("a wildcard fires at every real minute whose wall clock matches", [
  // Spring: nothing is skipped in real time, and the spacing stays.
  [
    "Europe/Berlin",
    "*/30 * * * *",
    "2025-03-30T00:00:00Z",
    "2025-03-30T00:30",
    "2025-03-30T01:00",
    "2025-03-30T01:30",
    "2025-03-30T02:00",
  ],
  ["Europe/Berlin", "0 * * * *", "2025-03-29T23:30:00Z", "2025-03-30T00:00", "2025-03-30T01:00"],
  // Autumn: in the repeated hour it fires on.
  // The same where a field names every value without a `*`.
  ["Europe/Berlin", "0 0-23 * * *", "2025-10-25T23:30:00Z", "2025-10-26T00:00", "2025-10-26T01:00"],
  [
    "Europe/Berlin",
    "0 0 0/1 1/1 * ? *",
    "2025-10-25T23:30:00Z",
    "2025-10-26T00:00",
    "2025-10-26T01:00",
  ],
  [
    "Europe/Berlin",
    "0 0,1-23 * * *",
    "2025-10-25T23:30:00Z",
    "2025-10-26T00:00",
    "2025-10-26T01:00",
  ],
  ["Europe/Berlin", "0-59 2 * * *", "2025-10-26T00:59:30Z", "2025-10-26T01:00", "2025-10-26T01:01"],
  [
    "Europe/Berlin",
    "30 * * * *",
    "2025-10-25T23:59:00Z",
    "2025-10-26T00:30",
    "2025-10-26T01:30",
    "2025-10-26T02:30",
  ],
  [
    "America/New_York",
    "*/20 1 * * *",
    "2025-11-02T04:59:00Z",
    "2025-11-02T05:00",
    "2025-11-02T05:20",
    "2025-11-02T05:40",
    "2025-11-02T06:00",
    "2025-11-02T06:20",
    "2025-11-02T06:40",
    "2025-11-03T06:00",
  ],
  // An hour field that begins with * is enough.
  [
    "Europe/Berlin",
    "30 */2 * * *",
    "2025-10-25T22:59:00Z",
    "2025-10-26T00:30",
    "2025-10-26T01:30",
    "2025-10-26T03:30",
  ],
  ["Europe/Berlin", "@hourly", "2025-10-25T23:59:00Z", "2025-10-26T00:00", "2025-10-26T01:00"],
  // So is a minute field; a skipped hour's wall clock never matches.
  ["Europe/Berlin", "* 2 30 3 *", "2025-03-01T00:00:00Z", "2026-03-30T00:00"],
  ["Europe/Berlin", "*/30 2 * * *", "2025-03-29T02:00:00Z", "2025-03-31T00:00"],
  // Half an hour is repeated.
  [
    "Australia/Lord_Howe",
    "*/15 * * * *",
    "2025-04-05T14:20:00Z",
    "2025-04-05T14:30",
    "2025-04-05T14:45",
    "2025-04-05T15:00",
    "2025-04-05T15:15",
  ],
  [
    "Australia/Lord_Howe",
    "45 * * * *",
    "2025-04-05T14:20:00Z",
    "2025-04-05T14:45",
    "2025-04-05T15:15",
    "2025-04-05T16:15",
  ],
  // Three hours or more make no difference to it.
  [
    "Antarctica/Casey",
    "0 */1 * * *",
    "2019-03-16T14:30:00Z",
    "2019-03-16T15:00",
    "2019-03-16T16:00",
    "2019-03-16T17:00",
  ],
  [
    "Pacific/Kwajalein",
    "0 */12 * * *",
    "1969-09-30T00:30:00Z",
    "1969-09-30T01:00",
    "1969-10-01T00:00",
    "1969-10-01T12:00",
  ],
]);

table("a particular time that a change skips fires at the first instant after the gap", [
  ["Europe/Berlin", "30 2 * * *", "2025-03-29T12:00:00Z", "2025-03-30T01:00", "2025-03-31T00:30"],
  ["Europe/Berlin", "59 2 * * *", "2025-03-29T12:00:00Z", "2025-03-30T01:00", "2025-03-31T00:59"],
  ["Europe/Berlin", "0 2 * * *", "2025-03-29T12:00:00Z", "2025-03-30T01:00", "2025-03-31T00:00"],
  ["Europe/Berlin", "30 2 30 3 *", "2025-01-01T00:00:00Z", "2025-03-30T01:00", "2026-03-30T00:30"],
  ["America/New_York", "15 2 * * 0", "2025-03-08T00:00:00Z", "2025-03-09T07:00"],
  ["Europe/Dublin", "30 1 * * *", "2025-03-29T12:00:00Z", "2025-03-30T01:00", "2025-03-31T00:30"],
  [
    "Australia/Lord_Howe",
    "10 2 * * *",
    "2025-10-04T00:00:00Z",
    "2025-10-04T15:30",
    "2025-10-05T15:10",
  ],
  ["Africa/Casablanca", "30 2 * * *", "2024-04-13T12:00:00Z", "2024-04-14T02:00"],
  // Midnight does not exist.
  [
    "America/Sao_Paulo",
    "0 0 * * *",
    "2018-11-03T12:00:00Z",
    "2018-11-04T03:00",
    "2018-11-05T02:00",
  ],
  ["Asia/Beirut", "@daily", "2022-03-26T00:00:00Z", "2022-03-26T22:00", "2022-03-27T21:00"],
  // Lists, ranges and steps are particular times, too.
  [
    "Europe/Berlin",
    "30 2,14 * * *",
    "2025-03-29T14:00:00Z",
    "2025-03-30T01:00",
    "2025-03-30T12:30",
    "2025-03-31T00:30",
  ],
  [
    "Europe/Berlin",
    "5 0-4/2 * * *",
    "2025-03-29T14:00:00Z",
    "2025-03-29T23:05",
    "2025-03-30T01:00",
    "2025-03-30T02:05",
    "2025-03-30T22:05",
  ],
  // The gap of the zone's first change, to the second.
  [
    "Europe/Berlin",
    "0 0 * * *",
    "1893-03-31T12:00:00Z",
    "1893-03-31T23:06:32Z",
    "1893-04-01T23:00",
  ],
]);

table("two that fall into a gap, or one that is due at its end anyway, fire once", [
  [
    "Europe/Berlin",
    "10,50 2 * * *",
    "2025-03-29T12:00:00Z",
    "2025-03-30T01:00",
    "2025-03-31T00:10",
  ],
  ["Europe/Berlin", "0 2,3 * * *", "2025-03-29T12:00:00Z", "2025-03-30T01:00", "2025-03-31T00:00"],
  [
    "Europe/Berlin",
    "0 0-22 * * *",
    "2025-03-29T23:30:00Z",
    "2025-03-30T00:00",
    "2025-03-30T01:00",
    "2025-03-30T02:00",
  ],
  [
    "Antarctica/Troll",
    "30 1,2 * * *",
    "2025-03-29T12:00:00Z",
    "2025-03-30T01:00",
    "2025-03-30T23:30",
  ],
  // Wildcard seconds in a particular minute: the minute's sixty seconds meet at the gap's end.
  [
    "Europe/Berlin",
    "* 30 2 * * *",
    "2025-03-29T12:00:00Z",
    "2025-03-30T01:00",
    "2025-03-31T00:30:00Z",
    "2025-03-31T00:30:01Z",
  ],
]);

table("a wall-clock time that comes twice fires the first time", [
  ["Europe/Berlin", "30 2 * * *", "2025-10-25T12:00:00Z", "2025-10-26T00:30", "2025-10-27T01:30"],
  [
    "Europe/Berlin",
    "30 2,14 * * *",
    "2025-10-25T13:00:00Z",
    "2025-10-26T00:30",
    "2025-10-26T13:30",
  ],
  [
    "Europe/Berlin",
    "0 0-22 * * *",
    "2025-10-25T23:30:00Z",
    "2025-10-26T00:00",
    "2025-10-26T02:00",
    "2025-10-26T03:00",
  ],
  // Asked within the second showing, the first is over.
  ["Europe/Berlin", "30 2 * * *", "2025-10-26T01:10:00Z", "2025-10-27T01:30"],
  ["Europe/Berlin", "0 3 * * *", "2025-10-25T12:00:00Z", "2025-10-26T02:00"],
  ["Europe/Berlin", "0 2 * * *", "2025-10-25T12:00:00Z", "2025-10-26T00:00", "2025-10-27T01:00"],
  [
    "America/New_York",
    "0,30 1 * * *",
    "2025-11-02T00:00:00Z",
    "2025-11-02T05:00",
    "2025-11-02T05:30",
    "2025-11-03T06:00",
  ],
  [
    "Australia/Lord_Howe",
    "45 1 * * *",
    "2025-04-05T00:00:00Z",
    "2025-04-05T14:45",
    "2025-04-06T15:15",
  ],
  [
    "Africa/Casablanca",
    "30 2 * * *",
    "2024-03-09T12:00:00Z",
    "2024-03-10T01:30",
    "2024-03-11T02:30",
  ],
  [
    "America/Sao_Paulo",
    "30 23 * * *",
    "2018-02-17T12:00:00Z",
    "2018-02-18T01:30",
    "2018-02-19T02:30",
  ],
  [
    "Antarctica/Troll",
    "30 1,2 * * *",
    "2025-10-25T12:00:00Z",
    "2025-10-25T23:30",
    "2025-10-26T00:30",
    "2025-10-27T01:30",
  ],
  [
    "Europe/Berlin",
    "* 30 2 * * *",
    "2025-10-26T00:30:58Z",
    "2025-10-26T00:30:59Z",
    "2025-10-27T01:30",
  ],
]);

table("what a change of three hours or more skips is skipped", [
  ["Antarctica/Casey", "30 5 * * *", "2018-10-06T00:00:00Z", "2018-10-07T18:30"],
  [
    "Antarctica/Casey",
    "0 3,7 * * *",
    "2018-10-06T00:00:00Z",
    "2018-10-06T19:00",
    "2018-10-06T20:00",
    "2018-10-07T16:00",
  ],
  ["Pacific/Apia", "0 12 * * *", "2011-12-29T00:00:00Z", "2011-12-29T22:00", "2011-12-30T22:00"],
  ["Pacific/Apia", "0 0 30 12 *", "2011-01-01T00:00:00Z", "2012-12-29T10:00"],
  [
    "Pacific/Apia",
    "0 0 * * *",
    "2011-12-29T00:00:00Z",
    "2011-12-29T10:00",
    "2011-12-30T10:00",
    "2011-12-31T10:00",
  ],
]);

table("what it repeats fires the first time all the same", [
  [
    "Antarctica/Casey",
    "30 1 * * *",
    "2019-03-16T00:00:00Z",
    "2019-03-16T14:30",
    "2019-03-17T17:30",
  ],
  [
    "Pacific/Kwajalein",
    "0 12 * * *",
    "1969-09-29T12:00:00Z",
    "1969-09-30T01:00",
    "1969-10-02T00:00",
  ],
]);

Deno.test("an expression that a zone skips for ever has no next", () => {
  const cadence = cronCadence("0 0 12 30 12 ? 2011", "Pacific/Apia");
  assert.equal(cadence.next(new Date("2011-12-01T00:00:00Z")), null);
});

Deno.test("a repeated time is known for one wherever a zone's year is cut", () => {
  // Zones are found out in pieces of 2²⁵ s, one of which begins at 09:08:16, eight minutes after the
  // clocks went back from 02:00 to 01:00: the first question is about the later piece.
  const cadence = cronCadence("0,30 1 * * *", "America/Los_Angeles");
  assert.equal(
    cadence.next(new Date("2185-11-06T09:10:00Z"))?.toISOString(),
    "2185-11-07T09:00:00.000Z",
  );
});

Deno.test("the last occurrence, and one that only the repeated hour holds, are found", () => {
  assert.deepEqual(firings("0 */30 2 26 10 ? 2025", "Europe/Berlin", "2025-10-26T00:29:00Z", 9), [
    "2025-10-26T00:30:00Z",
    "2025-10-26T01:00:00Z",
    "2025-10-26T01:30:00Z",
  ]);
});

Deno.test("daylight saving goes on in the far future, and the end of the year 9999 ends all", () => {
  assert.deepEqual(firings("0 12 1 1,7 *", "Europe/Berlin", "2999-12-31T12:00:00Z", 2), [
    "3000-01-01T11:00:00Z",
    "3000-07-01T10:00:00Z",
  ]);
  assert.deepEqual(firings("0 12 31 12 *", "America/New_York", "9998-12-31T20:00:00Z", 3), [
    "9999-12-31T17:00:00Z",
  ]);
  assert.deepEqual(firings("0 20 31 12 *", "America/New_York", "9998-12-31T20:00:00Z", 3), [
    "9999-01-01T01:00:00Z",
  ]);
  for (const zone of ["UTC", "Europe/Berlin"]) {
    assert.equal(cronCadence("* * * * *", zone).next(new Date(8.64e15)), null);
  }
});

Deno.test("instants before 1970, before the zones and before the year 1 are answered", () => {
  assert.deepEqual(firings("0 0 * * *", "Europe/Berlin", "1969-12-30T00:00:00.500Z", 2), [
    "1969-12-30T23:00:00Z",
    "1969-12-31T23:00:00Z",
  ]);
  assert.deepEqual(firings("0 0 1 1 *", "Europe/Berlin", "1600-06-01T00:00:00Z", 2), [
    "1600-12-31T23:06:32Z",
    "1601-12-31T23:06:32Z",
  ]);
  assert.deepEqual(firings("0 0 1 1 *", "UTC", "-000044-03-15T00:00:00Z", 1), [
    "-000043-01-01T00:00:00Z",
  ]);
  assert.ok(cronCadence("* * * * *", "Europe/Berlin").next(new Date(-8.64e15)));
});

Deno.test("the milliseconds of the instant asked about do not matter", () => {
  const cadence = cronCadence("0 12 * * *");
  for (const ms of ["11:59:59.000", "11:59:59.001", "11:59:59.999"]) {
    assert.equal(
      cadence.next(new Date(`2025-01-01T${ms}Z`))?.toISOString(),
      "2025-01-01T12:00:00.000Z",
    );
  }
  assert.equal(
    cadence.next(new Date("2025-01-01T12:00:00Z"))?.toISOString(),
    "2025-01-02T12:00:00.000Z",
  );
});

Deno.test("an invalid date is refused", () => {
  assert.throws(() => cronCadence("* * * * *").next(new Date(NaN)), RangeError);
});
