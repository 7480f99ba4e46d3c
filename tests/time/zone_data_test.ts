/** Where zone data comes from, and that it is read as it is meant. */
import assert from "node:assert/strict";
import { cronCadence } from "../../lib/time/cron/cron_cadence.ts";
import { isTimeZone, renewZones, TimeZoneError, zoneNamed } from "../../lib/time/zone.ts";
import { ownZoneNames } from "../../lib/time/zones/zone_data.ts";
import { TZDATA_VERSION } from "../../lib/time/zones/tzdata.ts";
import { clocksOf } from "./cron/oracle.ts";
import { fixedRule, tzif, withZoneDirectory } from "./zone_files.ts";

const seconds = (text: string) => Date.parse(text) / 1000;

Deno.test("the rules of 2026 are known", () => {
  for (
    const [zone, expression, after, due] of [
      ["America/Edmonton", "0 9 * * *", "2026-11-26T00:00Z", "2026-11-26T15:00Z"],
      ["America/Vancouver", "0 9 * * *", "2026-11-26T00:00Z", "2026-11-26T16:00Z"],
      ["America/Winnipeg", "0 9 * * *", "2026-11-26T00:00Z", "2026-11-26T14:00Z"],
      ["America/Havana", "0 9 * * *", "2026-11-26T00:00Z", "2026-11-26T13:00Z"],
      ["Africa/Casablanca", "0 9 * * *", "2026-11-26T00:00Z", "2026-11-26T09:00Z"],
      ["Europe/Chisinau", "30 2 * * *", "2027-03-27T12:00Z", "2027-03-28T00:30Z"],
    ] as const
  ) {
    const next = cronCadence(expression, zone).next(new Date(after));
    assert.equal(next?.toISOString(), new Date(due).toISOString(), zone);
  }
});

/** Of the last fifty years, a zone of each kind; the data of V8 is right for them. */
const SAME_AS_INTL = [
  "Europe/Berlin",
  "Europe/Dublin", // its daylight saving time is negative, in winter
  "America/New_York",
  "America/Nuuk", // its changes come the evening before
  "America/St_Johns",
  "Asia/Gaza",
  "Asia/Kathmandu",
  "Asia/Tokyo",
  "Australia/Lord_Howe", // half an hour
  "Antarctica/Troll", // two hours
  "Pacific/Apia",
  "Pacific/Chatham",
  "Etc/GMT+12",
];

Deno.test("where V8's data is right, it says the same", () => {
  for (const name of SAME_AS_INTL) {
    const zone = zoneNamed(name);
    const clocks = clocksOf(name);
    const end = seconds("2060-01-01T00:00:00Z");
    for (let at = seconds("1976-01-01T00:00:00Z"); at < end; at += 5 * 86_400 + 3600) {
      assert.equal(zone.segmentAt(at).offset, clocks(at) - at, `${name} ${at}`);
    }
    for (let at = seconds("1976-01-01T00:00:00Z"); at < end;) {
      const { end: change, offset } = zone.segmentAt(at);
      assert.equal(clocks(change - 1) - (change - 1), offset, `${name} before ${change}`);
      at = change;
    }
  }
});

Deno.test("every name that V8 knows is known, also those that the database has dropped", () => {
  for (
    const name of [
      ...Intl.supportedValuesOf("timeZone"),
      ...["US/Pacific-New", "Canada/East-Saskatchewan", "SystemV/YST9YDT", "us/eastern", "GB"],
    ]
  ) assert.ok(isTimeZone(name), name);
  assert.equal(zoneNamed("US/Eastern"), zoneNamed("America/New_York"));
  assert.equal(zoneNamed("Europe/Kiev"), zoneNamed("Europe/Kyiv"));
  for (const name of ["constructor", "posix/Europe/Berlin", "right/UTC", "localtime", "tzdata"]) {
    assert.throws(() => zoneNamed(name), TimeZoneError, name);
  }
  assert.ok(ownZoneNames().length > 400);
});

Deno.test("what TZDIR has comes first, what it lacks or spoils from the program's own copy", async () => {
  const files = {
    "tzdata.zi": "# version 2031a\n",
    "Europe/Berlin": tzif({ offsets: [7200], rule: "XXX-2" }),
    "Mars/Olympus_Mons": tzif({ offsets: [-5000], rule: "<-0123>1:23:20" }),
    "Europe/Paris": "TZif2 and no more",
    "Europe/Madrid": "no such file",
    "Asia/Tokyo": tzif({ offsets: [32_400], rule: "", leaps: 1 }),
    "America/Lima": tzif({ offsets: [-18_000], rule: "PET" }),
    "right/Europe/Rome": tzif({ offsets: [0], rule: "" }),
  };
  await withZoneDirectory(files, (directory) => {
    assert.deepEqual(renewZones(), { directory, version: "2031a", problem: null });
    const winter = (name: string) => zoneNamed(name).segmentAt(seconds("2026-01-15T00:00Z")).offset;
    assert.equal(winter("europe/berlin"), 7200);
    assert.equal(winter("mars/OLYMPUS_mons"), -5000);
    assert.equal(winter("Europe/Paris"), 3600);
    assert.equal(winter("Europe/Madrid"), 3600);
    assert.equal(winter("Asia/Tokyo"), 32_400);
    assert.equal(winter("America/Lima"), -18_000);
    assert.equal(winter("Europe/Rome"), 3600);
    assert.equal(winter("US/Pacific"), -8 * 3600);
    for (
      const name of ["Mars", "Mars/Olympus", "tzdata", "right/Europe/Rome", "Mars//Olympus_Mons"]
    ) {
      assert.throws(() => zoneNamed(name), TimeZoneError, name);
    }
  });
  assert.throws(() => zoneNamed("Mars/Olympus_Mons"), TimeZoneError);
});

Deno.test("a TZDIR that is no directory is told of, and not used", async () => {
  await withZoneDirectory({}, (directory) => {
    Deno.env.set("TZDIR", `${directory}/none`);
    const { directory: used, version, problem } = renewZones();
    assert.notEqual(used, `${directory}/none`);
    assert.ok(version! >= TZDATA_VERSION);
    assert.equal(problem, `TZDIR "${directory}/none" cannot be read as a directory`);
    assert.equal(zoneNamed("Europe/Berlin").segmentAt(0).offset, 3600);
  });
});

Deno.test("new data makes another zone of what it changes, and of nothing else", async () => {
  const files = {
    "Europe/Berlin": tzif({ offsets: [3600], rule: "CET-1" }),
    "Europe/Paris": tzif({ offsets: [3600, 7200], rule: "XXX-2" }),
  };
  await withZoneDirectory(files, async (directory) => {
    assert.equal(renewZones().version, null);
    const berlin = zoneNamed("Europe/Berlin"), paris = zoneNamed("Europe/Paris");
    renewZones();
    assert.equal(zoneNamed("Europe/Berlin"), berlin);
    await Deno.writeFile(`${directory}/Europe/Berlin`, fixedRule("CET-1CEST,M3.5.0,M10.5.0/3"));
    assert.equal(zoneNamed("Europe/Berlin"), berlin, "not before it is looked for");
    renewZones();
    assert.notEqual(zoneNamed("Europe/Berlin"), berlin);
    assert.equal(zoneNamed("EUROPE/Paris"), paris);
    assert.equal(berlin.segmentAt(seconds("2026-07-01T00:00Z")).offset, 3600);
    assert.equal(zoneNamed("Europe/Berlin").segmentAt(seconds("2026-07-01T00:00Z")).offset, 7200);
  });
});

/** A rule, and what it comes to at an instant. */
const RULES: [rule: string, instant: string, hours: number][] = [
  ["<+03>-3", "2500-07-01T00:00Z", 3],
  ["NZST-12NZDT,M9.5.0,M4.1.0/3", "2040-01-01T00:00Z", 13],
  ["NZST-12NZDT,M9.5.0,M4.1.0/3", "2040-07-01T00:00Z", 12],
  ["IST-1GMT0,M10.5.0,M3.5.0/1", "2040-01-01T00:00Z", 0],
  ["IST-1GMT0,M10.5.0,M3.5.0/1", "2040-07-01T00:00Z", 1],
  ["XXX3EDT4,0/0,J365/23", "2040-01-01T02:59:59Z", -4], // daylight saving time all year round
  ["XXX3EDT4,0/0,J365/23", "2040-01-01T03:00:00Z", -4],
  ["XXX3EDT4,0/0,J365/23", "2040-12-31T12:00Z", -4],
  ["AAA0BBB,J60/2,J300/2", "2040-03-01T01:59:59Z", 0], // J60 is 1 March, also in a leap year
  ["AAA0BBB,J60/2,J300/2", "2040-03-01T02:00:00Z", 1],
  ["AAA0BBB,59/2,300/2", "2040-02-29T02:00:00Z", 1], // 59 is 29 February in one
  ["AAA0BBB,59/2,300/2", "2041-03-01T01:59:59Z", 0],
  ["<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T00:59:59Z", -2],
  ["<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T01:00:00Z", -1],
  ["EET-2EEST,M3.4.4/50,M10.4.4/50", "2040-03-23T23:59:59Z", 2],
  ["EET-2EEST,M3.4.4/50,M10.4.4/50", "2040-03-24T00:00:00Z", 3],
  ["AAA-1:30:30BBB-2,M2.5.0,M6.1.1", "2040-01-01T00:00Z", 1.5 + 30 / 3600],
];

Deno.test("the rule at a file's end says what comes after its last change", async () => {
  for (const [rule, instant, hours] of RULES) {
    await withZoneDirectory({ "Test/Rule": fixedRule(rule) }, () => {
      renewZones();
      const at = seconds(instant);
      const segment = zoneNamed("Test/Rule").segmentAt(at);
      assert.equal(segment.offset, hours * 3600, `${rule} ${instant}`);
      assert.ok(segment.start <= at && at < segment.end);
    });
  }
});
