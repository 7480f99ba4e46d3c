import assert from "node:assert/strict";
import { instantInZone } from "../../lib/time/instant_in_zone.ts";

for (
  const [instant, zone, text] of [
    ["2027-03-28T01:00:00Z", "Europe/Berlin", "Sun 2027-03-28 03:00:00+02:00"],
    ["2027-03-28T01:00:00.250Z", "UTC", "Sun 2027-03-28 01:00:00.250+00:00"],
    // Liberia kept this offset until 1972, the others their own noon until 1883 and 1911.
    ["1971-06-01T12:00:00Z", "Africa/Monrovia", "Tue 1971-06-01 11:15:30-00:44:30"],
    ["1880-01-01T12:00:00Z", "America/New_York", "Thu 1880-01-01 07:03:58-04:56:02"],
    ["1900-01-01T00:00:00Z", "Europe/Paris", "Mon 1900-01-01 00:09:21+00:09:21"],
  ] as const
) {
  Deno.test(`an instant in its zone: ${text}`, () => {
    assert.equal(instantInZone(Date.parse(instant), zone), text);
  });
}
