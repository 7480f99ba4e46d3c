import assert from "node:assert/strict";
import { isTimeZone, TimeZoneError, zoneNamed } from "../../lib/time/zone.ts";
import { ABBREVIATIONS, WINDOWS } from "../../lib/time/zones/borrowed_names.ts";

const seconds = (text: string) => Date.parse(text) / 1000;

Deno.test("IANA names are time zones, in any case", () => {
  for (
    const name of [
      "UTC",
      "utc",
      "Etc/UTC",
      "GMT",
      "Etc/GMT+5",
      "EST5EDT",
      "Europe/Berlin",
      "europe/berlin",
      "AMERICA/ARGENTINA/BUENOS_AIRES",
      "Asia/Kolkata",
      "Asia/Calcutta",
      "Europe/Kyiv",
      "CET",
      "NZ",
    ]
  ) assert.ok(isTimeZone(name), name);
});

Deno.test("offsets, abbreviations and other texts are no time zones", () => {
  for (
    const name of [
      "",
      " ",
      "+02:00",
      "-05",
      "UTC+2",
      "Z",
      "PST",
      "BST",
      "ist",
      "local",
      "Europe",
      "Europe/",
      "Europe/Berlin ",
      "../etc/passwd",
      "Europe/\u212ayiv", // the Kelvin sign, whose lower case is k
      "Mars/Olympus",
    ]
  ) {
    assert.ok(!isTimeZone(name), name);
    assert.throws(() => zoneNamed(name), TimeZoneError, name);
  }
});

Deno.test("an unknown zone's error quotes it and suggests the nearest name", () => {
  for (
    const [name, suggestion] of [
      ["Europe/Berln", "Europe/Berlin"],
      ["Europa/Berlin", "Europe/Berlin"],
      ["berlin", "Europe/Berlin"],
      ["New York", "America/New_York"],
      ["America/NewYork", "America/New_York"],
      ["UTX", "UTC"],
      ["Mars/Olympus", undefined],
      ["+02:00", undefined],
    ] as const
  ) {
    assert.throws(() => zoneNamed(name), (error) => {
      assert.ok(error instanceof TimeZoneError);
      assert.equal(error.suggestion, suggestion, name);
      assert.equal(error.timezone, name);
      assert.ok(error.message.includes(`Unknown time zone "${name}"`), error.message);
      assert.equal(error.message.includes("did you mean"), suggestion !== undefined);
      return true;
    });
  }
});

Deno.test("a zone by another name is named for what it is, with what to write", () => {
  for (
    const [name, what, suggestion] of [
      ["Eastern Standard Time", "a name of Windows", "America/New_York"],
      ["eastern daylight time", "a name of Windows", "America/New_York"],
      ["(UTC-05:00) Eastern Time (US & Canada)", "a name of Windows", "America/New_York"],
      ["Central Standard Time (Mexico)", "a name of Windows", "America/Mexico_City"],
      ["W. Europe Standard Time", "a name of Windows", "Europe/Berlin"],
      ["PST", "an abbreviation", "America/Los_Angeles"],
      ["cest", "an abbreviation", "Europe/Berlin"],
      ["Z", "an abbreviation", "UTC"],
      ["Local", "the machine's own zone, which is not asked for", undefined],
      ["UTC+2", "an offset, which has no daylight saving time (that is Etc/GMT-2)", undefined],
      // The signs of Etc are the other way round, so that Etc/GMT-5 would be another offset.
      ["GMT-5", "an offset, which has no daylight saving time (that is Etc/GMT+5)", undefined],
      ["+14:00", "an offset, which has no daylight saving time (that is Etc/GMT-14)", undefined],
      ["-13:00", "an offset, which has no daylight saving time", undefined],
      ["+05:30", "an offset, which has no daylight saving time", undefined],
    ] as const
  ) {
    assert.throws(() => zoneNamed(name), {
      suggestion,
      message:
        `Unknown time zone ${JSON.stringify(name)}, ${what}: expected an IANA name such as ` +
        "Europe/Berlin or UTC" + (suggestion ? ` (did you mean "${suggestion}"?)` : ""),
    });
  }
});

Deno.test("what is suggested for a zone of another name is a zone, and the name is none", () => {
  const names = [...WINDOWS, ...ABBREVIATIONS];
  assert.ok(names.length > 150);
  for (const [, zone] of names) assert.ok(isTimeZone(zone), zone);
  for (const [name] of ABBREVIATIONS) assert.ok(!isTimeZone(name), name);
});

Deno.test("all that name one zone share what is known of it", () => {
  assert.equal(zoneNamed("Europe/Berlin"), zoneNamed("EUROPE/berlin"));
  assert.equal(zoneNamed("UTC"), zoneNamed("Etc/UTC"));
});

Deno.test("a segment holds the instant, and its offset is what the clocks show", () => {
  for (
    const [name, instant, hours] of [
      ["Europe/Berlin", "2025-03-30T00:59:59Z", 1],
      ["Europe/Berlin", "2025-03-30T01:00:00Z", 2],
      ["Europe/Berlin", "2025-10-26T00:59:59Z", 2],
      ["Europe/Berlin", "2025-10-26T01:00:00Z", 1],
      ["Asia/Kathmandu", "2025-01-01T00:00:00Z", 5.75],
      ["Asia/Kathmandu", "1985-12-31T18:29:59Z", 5.5],
      ["Asia/Kathmandu", "1985-12-31T18:30:00Z", 5.75],
      ["Pacific/Chatham", "2025-01-01T00:00:00Z", 13.75],
      ["Pacific/Chatham", "2025-07-01T00:00:00Z", 12.75],
      ["Pacific/Apia", "2011-12-30T09:59:59Z", -10],
      ["Pacific/Apia", "2011-12-30T10:00:00Z", 14],
      ["Europe/Berlin", "1893-03-31T23:06:31Z", 3208 / 3600],
      ["Europe/Berlin", "1893-03-31T23:06:32Z", 1],
      ["Europe/Berlin", "0100-01-01T00:00:00Z", 3208 / 3600],
      ["Europe/Berlin", "2500-07-01T00:00:00Z", 2],
      ["UTC", "2025-07-01T00:00:00Z", 0],
    ] as const
  ) {
    const at = seconds(instant);
    const segment = zoneNamed(name).segmentAt(at);
    assert.ok(segment.start <= at && at < segment.end, `${name} ${instant}`);
    assert.equal(segment.offset, Math.round(hours * 3600), `${name} ${instant}`);
  }
});

Deno.test("segments follow each other without a hole, and change where the offset does", () => {
  for (const name of ["Europe/Berlin", "Africa/Casablanca", "Pacific/Apia", "Asia/Gaza"]) {
    const zone = zoneNamed(name);
    const last = seconds("2041-01-01T00:00:00Z");
    for (let at = seconds("1799-01-01T00:00:00Z"); at < last;) {
      const segment = zone.segmentAt(at);
      assert.ok(segment.start <= at && segment.end > at);
      assert.deepEqual(zone.segmentAt(segment.end - 1), segment);
      assert.ok(segment.freshFrom >= segment.start + segment.offset);
      assert.ok(segment.dueFrom <= segment.freshFrom);
      at = segment.end;
    }
  }
});

Deno.test("a walk through all ages keeps answering the same", () => {
  const zone = zoneNamed("America/New_York");
  const at = seconds("2025-07-01T00:00:00Z");
  const before = zone.segmentAt(at);
  for (let year = 1850; year < 2500; year++) zone.segmentAt(Date.UTC(year, 0) / 1000);
  assert.deepEqual(zone.segmentAt(at), before);
});
