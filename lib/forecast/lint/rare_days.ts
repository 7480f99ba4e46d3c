import { parsedCadence } from "../../time/cron/cron_cadence.ts";
import type { CronExpression } from "../../time/cron/cron_expression.ts";
import { dayFieldTexts } from "../../time/cron/day_fields.ts";
import type { Advice } from "./finding.ts";

/** More than from one 29 February to the next, also about the year 2100. */
const MONTHS = 12 * 9;
/** Advice is given where at least one month of so many has no day. */
const MIN_RARITY = 8;
const FEBRUARY = 2;

/** Finds the expressions that skip months because these lack the day. */
export function rareDays(cron: CronExpression, from: number): Advice | null {
  const first = monthOf(new Date(from));
  const allowed = Array.from({ length: MONTHS }, (_, n) => first + n)
    .filter((month) => isAllowed(cron, month));
  const firing = firingMonths(cron, first);
  const lacking = allowed.filter((month) => !firing.has(month));
  if (lacking.length === 0) return null;
  const names = namesOf(allowed);
  const never = names.difference(namesOf(firing));
  const [dayOfMonth, dayOfWeek] = dayFieldTexts(cron.source);
  const days = /^(?:29|30|31)W?(?:,(?:29|30|31)W?)*$/i.test(dayOfMonth) && /^[*?]$/.test(dayOfWeek)
    ? dayOfMonth.toUpperCase().split(",")
    : [];
  if (days.length > 0 && cron.months === 1 << FEBRUARY) {
    const near = days.every((day) => day.endsWith("W")) ? "the weekday nearest to " : "";
    return { message: `it fires on ${near}29 February only: once in four years` };
  }
  if (days.length > 0 && never.size > 0) {
    const last = days.every((day) => day.endsWith("W"))
      ? "`LW` is the last weekday"
      : "`L` is the last day";
    const which = names.size === 12 ? `the ${never.size} months that` : `${and(never)}, which`;
    return {
      message: `it fires on day ${and(days)} only, so not in ${which} ` +
        `${names.size < 12 && never.size === 1 ? "has" : "have"} none: ${last} of each month`,
    };
  }
  if (lacking.length * MIN_RARITY < allowed.length) return null;
  const fifth = /^(\w+)#5$/.exec(dayOfWeek);
  return {
    message: `no day matches in ${lacking.length} of the next ${allowed.length} months that its ` +
      "month field allows" +
      (fifth === null ? "" : `: \`${fifth[1]}L\` is the last of each month, the 4th or the 5th`),
  };
}

/** Returns the months in which the expression fires, as numbers since the year 0. */
function firingMonths(cron: CronExpression, first: number): Set<number> {
  const wallClock = parsedCadence(cron, "UTC");
  const firing = new Set<number>();
  for (let month = first; month < first + MONTHS; month++) {
    const begin = Date.UTC(Math.floor(month / 12), month % 12);
    const next = wallClock.next(new Date(begin - 1));
    if (next === null) break;
    month = monthOf(next);
    if (month < first + MONTHS) firing.add(month);
  }
  return firing;
}

function monthOf(date: Date): number {
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function isAllowed({ months, years }: CronExpression, month: number): boolean {
  const year = Math.floor(month / 12);
  return (months >>> (month % 12 + 1) & 1) === 1 &&
    (years === null || ((years[year >> 5] ?? 0) >>> (year & 31) & 1) === 1);
}

/** Returns the names of months, in the order of the calendar. */
function namesOf(months: Iterable<number>): Set<string> {
  const inYear = [...new Set([...months].map((month) => month % 12))].sort((a, b) => a - b);
  const format = new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" });
  return new Set(inYear.map((month) => format.format(Date.UTC(2000, month))));
}

function and(words: Iterable<string>): string {
  return new Intl.ListFormat("en-GB").format(words);
}
