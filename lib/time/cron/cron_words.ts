/**
 * Describes cron expressions in words. The words are made from the values that the fields allow, so
 * that `0/45` and `0,45` have the same words, and a step that is uneven at the field's end is listed.
 *
 * @module
 */
import { LAST_YEAR } from "./cron_calendar.ts";
import { type CronExpression, parseCronExpression } from "./cron_expression.ts";

/** The number of times of day up to which they are listed, where they have no even distance. */
const MAX_LISTED_TIMES = 12;
/** The same where they have one. */
const MAX_LISTED_EVEN_TIMES = 4;
const MAX_LISTED_YEARS = 20;

const ORDINALS = ["first", "second", "third", "fourth", "fifth", "last"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const LIST = new Intl.ListFormat("en-GB");

/** The values of a field that counts `unit`s, of which there are `size` in the next larger one. */
interface Level {
  readonly unit: string;
  readonly values: readonly number[];
  readonly size: number;
}

/**
 * Describes an expression in a sentence without a full stop: `At 09:00, Monday through Friday`.
 *
 * @throws {CronExpressionError} for an invalid expression
 */
export function cronWords(expression: string): string {
  const parsed = parseCronExpression(expression);
  return [timeWords(parsed), dayWords(parsed), monthWords(parsed), yearWords(parsed)]
    .filter((words) => words !== "").join(", ");
}

function timeWords(parsed: CronExpression): string {
  const seconds: Level = { unit: "second", values: members(parsed.seconds), size: 60 };
  const minutes: Level = { unit: "minute", values: members(parsed.minutes), size: 60 };
  const hours: Level = { unit: "hour", values: members([parsed.hours]), size: 24 };
  const times = hours.values.flatMap((hour) =>
    minutes.values.flatMap((minute) =>
      seconds.values.map((second) => hour * 3600 + minute * 60 + second)
    )
  );
  const clock = (time: number) =>
    new Date(time * 1000).toISOString().slice(11, times.some((at) => at % 60 > 0) ? 19 : 16);
  const gap = gapOf(times);
  const isEvenAllDay = isEven(times, 86_400);
  if (isEvenAllDay && times[0] === 0) return `Every ${duration(gap)}`;

  const list = `At ${LIST.format(times.slice(0, MAX_LISTED_TIMES).map(clock))}`;
  if (times.length <= MAX_LISTED_EVEN_TIMES) return list;
  const { values, size } = [seconds, minutes].find(({ values }) => values.length > 1) ?? hours;
  // "At minutes 5 and 35 of every hour" is easier to read than a distance, a first and a last time.
  const cycle = [60, 3600, 86_400].find((seconds) => gap <= seconds)!;
  const isShort = isEvenAllDay && cycle / gap <= 6;
  if (!isShort && !Number.isNaN(gap) && (isEven(values, size) || gapOf(values) === 1)) {
    return `Every ${duration(gap)} from ${clock(times[0]!)} through ${clock(times.at(-1)!)}`;
  }
  if (times.length <= MAX_LISTED_TIMES) return list;
  const isOnTheMinute = seconds.values.join() === "0";
  return levelWords(isOnTheMinute ? [minutes, hours] : [seconds, minutes, hours]);
}

/** `Every 10 seconds in minutes 7 and 8 of every hour`, `At minute 30 of hours 1 through 20`. */
function levelWords([finest, ...others]: Level[]): string {
  const { unit, values, size } = finest!;
  let isEvery = isEven(values, size) && values[0] === 0;
  const parts = [isEvery ? `Every ${counted(gapOf(values), unit)}` : `At ${named(finest!)}`];
  const joint = isEvery ? " in " : " of ";
  for (const level of others) {
    const isWhole = level.values.length === level.size;
    if (!isWhole) parts.push(named(level));
    else if (!isEvery) parts.push(`every ${level.unit}`);
    isEvery = isWhole;
  }
  return parts.slice(0, 2).join(joint) + parts.slice(2).map((part) => ` of ${part}`).join("");
}

/** Where both day fields are restrictions, a day has to match only one of them, as in Vixie cron. */
function dayWords({ eitherDay, daysOfMonth, daysOfWeek }: CronExpression): string {
  const ofMonth = dayOfMonthWords(daysOfMonth);
  const ofWeek = dayOfWeekWords(daysOfWeek);
  if (ofMonth !== "" && ofWeek !== "") return `${ofMonth}, or ${ofWeek}`;
  return eitherDay ? "every day" : ofMonth || ofWeek;
}

/** Returns the words for days of the month; none where the field names every day. */
function dayOfMonthWords(
  { days, nearestWeekdays, last, lastWeekday }: CronExpression["daysOfMonth"],
): string {
  const values = members([days]);
  if (values.length === 31) return "";
  return `on ${
    LIST.format([
      ...(values.length > 0 ? [named({ unit: "day", values })] : []),
      ...members([nearestWeekdays]).map((day) => `the weekday nearest day ${day}`),
      ...(last ? ["the last day"] : []),
      ...(lastWeekday ? ["the last weekday"] : []),
    ])
  } of the month`;
}

/** Returns the words for days of the week; none where the field names every day. */
function dayOfWeekWords(sets: CronExpression["daysOfWeek"]): string {
  const weekly = sets.reduce((all, set) => all & set);
  const days = (set: number) => members([set >> 1 | (set & 1) << 6]); // Monday is 0
  const every = days(weekly);
  if (every.length === WEEKDAYS.length) return "";
  const some = sets.flatMap((set, nth) =>
    days(set & ~weekly).map((day) => `the ${ORDINALS[nth]} ${WEEKDAYS[day]}`)
  );
  const items = [...ranges(every, (day) => WEEKDAYS[day]!, WEEKDAYS.length), ...some];
  const words = LIST.format(items) + (some.length > 0 ? " of the month" : "");
  return isRange(items) ? words : `on ${words}`;
}

function monthWords({ months }: CronExpression): string {
  const values = members([months >> 1]);
  if (values.length === MONTHS.length) return "";
  return only(ranges(values, (month) => MONTHS[month]!, MONTHS.length));
}

function yearWords({ source, years }: CronExpression): string {
  const values = years === null ? [] : members(years);
  if (values.length === 0 || values.length === LAST_YEAR) return "";
  const items = ranges(values);
  if (items.length <= MAX_LISTED_YEARS) return only(items).replace(` through ${LAST_YEAR}`, " on");
  const gap = gapOf(values);
  return Number.isNaN(gap)
    ? `only in the years ${source.trim().split(/\s+/)[6]}`
    : `only every ${gap} years from ${values[0]} through ${values.at(-1)}`;
}

function only(items: string[]): string {
  return `only ${isRange(items) ? "from" : "in"} ${LIST.format(items)}`;
}

function isRange(items: string[]): boolean {
  return items.length === 1 && items[0]!.includes(" through ");
}

/** `minute 5`, `hours 9 through 12 and 17`. */
function named({ unit, values }: Pick<Level, "unit" | "values">): string {
  return `${values.length === 1 ? unit : `${unit}s`} ${LIST.format(ranges(values))}`;
}

/**
 * Names the values, three and more in a row as `1 through 3`. With a `cycle`, which is the number of
 * values from 0 on, a row may go on from the last value to the first.
 */
function ranges(values: readonly number[], name = String as (value: number) => string, cycle = 0) {
  const rows: number[][] = [];
  for (const value of values) {
    if (rows.at(-1)?.at(-1) === value - 1) rows.at(-1)!.push(value);
    else rows.push([value]);
  }
  const [first, last] = [rows[0], rows.at(-1)];
  if (first !== last && first![0] === 0 && last!.at(-1) === cycle - 1) {
    if (first!.length + last!.length > 2) last!.push(...rows.shift()!);
  }
  return rows.flatMap((row) =>
    row.length < 3 ? row.map(name) : [`${name(row[0]!)} through ${name(row.at(-1)!)}`]
  );
}

/** `second`, `15 minutes`, `2 hours`. */
function duration(seconds: number): string {
  if (seconds % 3600 === 0) return counted(seconds / 3600, "hour");
  return seconds % 60 === 0 ? counted(seconds / 60, "minute") : counted(seconds, "second");
}

function counted(count: number, unit: string): string {
  return count === 1 ? unit : `${count} ${unit}s`;
}

/** Returns the distance between neighbours; NaN where it differs, and for a single value. */
function gapOf(values: readonly number[]): number {
  const gap = values[1]! - values[0]!;
  return values.every((value, at) => at === 0 || value - values[at - 1]! === gap) ? gap : NaN;
}

/** Reports whether neighbours have the same distance, the last and the first as well. */
function isEven(values: readonly number[], size: number): boolean {
  return values[0]! + size - values.at(-1)! === gapOf(values);
}

/** Returns the members of a bit set, in order. */
function members(set: Iterable<number>): number[] {
  return [...set].flatMap((bits, at) =>
    Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => bits >>> bit & 1)
      .map((bit) => 32 * at + bit)
  );
}
