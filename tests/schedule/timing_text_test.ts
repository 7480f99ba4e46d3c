/** Which changes of an entry's text leave its timing as it was. */
import assert from "node:assert/strict";
import { sameMeaning, sameTiming, timingText } from "../../lib/schedule/timing_text.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";

const START = new Date("2026-01-01T00:00:00Z");
const END = new Date("2027-01-01T00:00:00Z");

Deno.test("the text that is stored is the one that earlier versions read", () => {
  const zone = { timezone: "Europe/Kiev" };
  const rows: [string, string][] = [
    [timingText(cronEntry("a", "0  2 * * MON", zone)), "0  2 * * MON Europe/Kiev"],
    [timingText(intervalEntry("a", 0.5)), "0.5"],
    [
      timingText(cronEntry("a", "@daily", { startAt: START, endAt: END, jitterSeconds: 2.5 })),
      "@daily UTC from 1767225600000 to 1798761600000 jitter 2.5",
    ],
    [timingText(intervalEntry("a", 60, { startAt: START })), "60 from 1767225600000"],
    [timingText(intervalEntry("a", 60, { enabled: false })), "60 off"],
  ];
  for (const [text, expected] of rows) assert.equal(text, expected);
});

/** Two expressions, whether they mean the same, and the zone that they are read in. */
const CRON: [string, string, boolean, string?][] = [
  ["0 2 * * *", "0  2 * *\t*", true],
  ["0 2 * * *", " 0 2 * * * ", true],
  ["0 2 * * *", "00 02 * * *", true],
  ["0 2 * * *", "0 0 2 * * *", true],
  ["0 2 * * *", "0 0 2 * * * *", true],
  ["0 2 * * *", "1 0 2 * * *", false],
  ["0 0 * * *", "@daily", true],
  ["0 0 * * *", "@MIDNIGHT", true],
  ["0 0 * * *", "@hourly", false],
  ["0 2 * JAN MON-fri", "0 2 * 1 1-5", true],
  ["0 2 * * 7", "0 2 * * SUN", true],
  ["0 2 * * 5L", "0 2 * * friL", true],
  ["0 2 * * 5L", "0 2 * * 5", false],
  ["0 2 * * 5#1", "0 2 * * 5#2", false],
  ["0 2 L * *", "0 2 LW * *", false],
  ["0 2 15 * *", "0 2 15W * *", false],
  ["0 2 * * ?", "0 2 ? * *", true],
  ["0 2,14 * * *", "0 14,2 * * *", true],
  ["0 2 * * *", "0 3 * * *", false],
  ["*/20 * * * *", "0,20,40 * * * *", true],
  ["* * * * *", "*/1 * * * *", true, "Europe/Berlin"],
  // Daylight saving: the first fires on in the hour that comes twice, the second does not.
  ["*/20 */2 * * *", "0,20,40 0-23/2 * * *", false, "Europe/Berlin"],
  ["*/20 */2 * * *", "0,20,40 0-23/2 * * *", true, "UTC"],
  ["*/20 */2 * * *", "0,20,40 0-23/2 * * *", true, "Etc/UTC"],
  ["0 0 2 * * * 2026-2028", "0 0 2 * * * 2026,2027,2028", true],
  ["0 0 2 * * * 2026-2028", "0 0 2 * * * 2026,2028", false],
  ["0 0 2 * * * 2026/2", "0 0 2 * * * 2026-9999/2", true],
];

Deno.test("an expression is the one that fires at the same times, however it is written", () => {
  for (const [a, b, isSame, timezone = "Europe/Kyiv"] of CRON) {
    const stored = timingText(cronEntry("e", a, { timezone }));
    const entry = cronEntry("e", b, { timezone });
    assert.equal(sameMeaning(stored, entry), isSame, `${a} | ${b}`);
    assert.equal(sameMeaning(timingText(entry), cronEntry("e", a, { timezone })), isSame);
    assert.equal(sameTiming(cronEntry("e", a, { timezone }), entry), isSame);
  }
});

Deno.test("a zone is the one that it is a name of", () => {
  const rows: [string, string, boolean][] = [
    ["Europe/Kiev", "Europe/Kyiv", true],
    ["Asia/Calcutta", "Asia/Kolkata", true],
    ["US/Eastern", "America/New_York", true],
    ["Etc/UTC", "UTC", true],
    ["europe/berlin", "Europe/Berlin", true],
    ["Europe/Berlin", "Europe/Paris", false],
    ["Europe/London", "UTC", false],
  ];
  for (const [a, b, isSame] of rows) {
    const entry = cronEntry("e", "0 2 * * *", { timezone: b });
    assert.equal(sameMeaning(`0 2 * * * ${a}`, entry), isSame, `${a} | ${b}`);
  }
});

Deno.test("bounds, jitter, and whether it is enabled, are part of the timing", () => {
  const all = { startAt: START, endAt: END, jitterSeconds: 5, enabled: false };
  for (const entry of [cronEntry("e", "@daily", all), intervalEntry("e", 300, all)]) {
    const stored = timingText(entry).replace("@daily", "0 0 * * *").replace("300", "300.0");
    assert.equal(sameMeaning(stored, entry), true, stored);
    for (
      const other of [
        { startAt: null },
        { startAt: new Date(1) },
        { endAt: null },
        { endAt: new Date(END.getTime() + 1) },
        { jitterSeconds: 0 },
        { jitterSeconds: 6 },
        { enabled: true },
      ]
    ) assert.equal(sameMeaning(stored, { ...entry, ...other }), false, JSON.stringify(other));
  }
});

Deno.test("an interval is the same when its number is", () => {
  assert.equal(sameMeaning("300", intervalEntry("e", 300)), true);
  assert.equal(sameMeaning("3e2", intervalEntry("e", 300)), true);
  assert.equal(sameMeaning("300", intervalEntry("e", 300.5)), false);
  assert.equal(sameMeaning("300", cronEntry("e", "*/5 * * * *")), false);
  assert.equal(sameMeaning("*/5 * * * * UTC", intervalEntry("e", 300)), false);
});

Deno.test("a text that cannot be read is another timing", () => {
  const entries = [cronEntry("e", "0 2 * * *"), intervalEntry("e", 300)];
  const texts = [
    "",
    "off",
    "UTC",
    "0 2 * * *",
    "0 2 * * * Mars/Olympus",
    "0 2 * * * * * * UTC",
    "61 2 * * * UTC",
    "0 2 * * * UTC off off",
    "0 2 * * * UTC jitter x",
    "0 2 * * * UTC jitter 5 from 7",
    "0 2 * * * UTC from x",
    "300 UTC",
    "NaN",
    "Infinity",
    "-300",
    "300 since 5",
  ];
  for (const entry of entries) {
    for (const text of texts) assert.equal(sameMeaning(text, entry), false, text);
  }
});
