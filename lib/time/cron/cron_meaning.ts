import { parseCronExpression } from "./cron_expression.ts";
import { CronFields } from "./cron_sets.ts";
import { zoneNamed } from "../zone.ts";

/**
 * Reports whether two expressions, each in its time zone, have the same meaning: their fields allow
 * the same values, and both zones are names of one zone. Blanks, nicknames, names of days and
 * months, and the order of a list make no difference.
 *
 * @throws {CronExpressionError} for an invalid expression
 * @throws {TimeZoneError} for an unknown time zone
 */
export function sameCron(
  a: { expression: string; timezone: string },
  b: { expression: string; timezone: string },
): boolean {
  const zone = zoneNamed(a.timezone);
  if (zone !== zoneNamed(b.timezone)) return false;
  // The wildcard rule matters only where clocks change.
  const isFixed = zone === zoneNamed("UTC");
  const fields = new CronFields();
  // Everything that determines the cadence, so all but the text itself.
  const meaningOf = (expression: string) => {
    const { source: _, years, wildcard, ...sets } = parseCronExpression(expression, fields);
    return JSON.stringify({ ...sets, years: years && [...years], wildcard: !isFixed && wildcard });
  };
  return meaningOf(a.expression) === meaningOf(b.expression);
}
