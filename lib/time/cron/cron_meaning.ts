import { parseCronExpression } from "./cron_expression.ts";
import type { Range } from "./cron_field.ts";
import { zoneNamed } from "../zone.ts";

/**
 * Reports whether two expressions, each in its time zone, are due at the same instants because they
 * say the same: their fields allow the same values, and both zones are names of one zone. Blanks,
 * nicknames, names of days and months, and the order of a list make no difference.
 *
 * @throws {CronExpressionError} for a text that is no expression
 * @throws {TimeZoneError} for a name that is no time zone
 */
export function sameCron(
  a: { expression: string; timezone: string },
  b: { expression: string; timezone: string },
): boolean {
  const zone = zoneNamed(a.timezone);
  if (zone !== zoneNamed(b.timezone)) return false;
  // Only where clocks change does it matter how the minutes and hours are written.
  const isFixed = zone === zoneNamed("UTC");
  return meaningOf(a.expression, isFixed) === meaningOf(b.expression, isFixed);
}

/** Everything that a cadence is made from, but for the text itself. */
function meaningOf(expression: string, isFixed: boolean): string {
  const { source: _, years, wildcard, ...fields } = parseCronExpression(expression);
  return JSON.stringify({ ...fields, years: allYears(years), wildcard: !isFixed && wildcard });
}

function allYears(ranges: readonly Range[] | null): number[] | null {
  if (ranges === null) return null;
  const years = new Set<number>();
  for (const { first, last, step } of ranges) {
    for (let year = first; year <= last; year += step) years.add(year);
  }
  return [...years].sort((a, b) => a - b);
}
