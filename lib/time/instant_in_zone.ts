import { zoneNamed } from "./zone.ts";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/**
 * Returns an instant as the zone's wall clock and its offset: `Sun 2027-03-28 03:00:00+02:00`. An
 * offset of the past that has seconds shows them.
 *
 * @param instant milliseconds since the epoch
 * @throws {TimeZoneError} for an unknown zone
 */
export function instantInZone(instant: number, timezone: string): string {
  const { offset } = zoneNamed(timezone).segmentAt(Math.floor(instant / 1000));
  const local = new Date(instant + offset * 1000);
  const milliseconds = local.getUTCMilliseconds();
  const [date, time = ""] = local.toISOString().split("T");
  const fraction = milliseconds === 0 ? "" : time.slice(8, 12);
  const clock = new Date(Math.abs(offset) * 1000).toISOString();
  const zone = (offset < 0 ? "-" : "+") + clock.slice(11, offset % 60 === 0 ? 16 : 19);
  return `${DAYS[local.getUTCDay()]} ${date} ${time.slice(0, 8)}${fraction}${zone}`;
}
