import { zoneNamed } from "./zone.ts";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/**
 * Returns an instant as the zone's wall clock and its offset: `Sun 2027-03-28 03:00:00+02:00`.
 *
 * @param instant milliseconds since the epoch
 * @throws {TimeZoneError} for an unknown zone
 */
export function instantInZone(instant: number, timezone: string): string {
  const { offset } = zoneNamed(timezone).segmentAt(Math.floor(instant / 1000));
  const local = new Date(instant + offset * 1000);
  const milliseconds = local.getUTCMilliseconds();
  const text = local.toISOString();
  const fraction = milliseconds === 0 ? "" : text.slice(19, 23);
  const minutes = Math.round(Math.abs(offset) / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${DAYS[local.getUTCDay()]} ${text.slice(0, 10)} ${text.slice(11, 19)}${fraction}${zone}`;
}
