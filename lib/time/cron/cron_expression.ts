/**
 * The grammar of cron expressions: text in, bit sets out. Which instants they name is the business
 * of `cron_calendar.ts` and `cron_cadence.ts`.
 *
 * The rules are those of crontab(5) (Vixie, Debian), with seconds and years, wrapping ranges and the
 * letters `L`, `#`, `W`, `?` of Quartz. What is not listed here is an error, never a guess.
 *
 * @module
 */
import {
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  type Fail,
  type Field,
  fold,
  HOUR,
  items,
  MINUTE,
  MONTH,
  parseRange,
  parseValue,
  type Range,
  SECOND,
  values,
  YEAR,
} from "./cron_field.ts";

/** The text is no cron expression that can be kept; says which field and value, and what is allowed. */
export class CronExpressionError extends Error {
  override readonly name = "CronExpressionError";

  /**
   * @param expression the whole text as it was given
   * @param problem what is wrong with it, without the expression
   * @param field the name of the offending field, such as `day of month`, where one is to blame
   * @param value the offending part of that field
   */
  constructor(
    readonly expression: string,
    readonly problem: string,
    readonly field?: string,
    readonly value?: string,
  ) {
    super(`invalid cron expression ${JSON.stringify(expression)}: ${problem}`);
  }
}

/** What the day-of-month field names. */
export interface DaysOfMonth {
  /** Bit n: the n-th. */
  readonly days: number;
  /** Bit n: the weekday nearest the n-th, within the month (`15W`). */
  readonly nearestWeekdays: number;
  /** The last day (`L`). */
  readonly last: boolean;
  /** The last day that is no Saturday or Sunday (`LW`). */
  readonly lastWeekday: boolean;
}

/** What the day-of-week field names; bit n of each number is weekday n, 0 is Sunday. */
export interface DaysOfWeek {
  /** In every week. */
  readonly days: number;
  /** Only the first, second, … fifth of the month (`5#2`). */
  readonly nth: readonly [number, number, number, number, number];
  /** Only the last of the month (`5L`). */
  readonly last: number;
}

/** A parsed expression: what each field allows. */
export interface CronExpression {
  readonly source: string;
  /** Allowed seconds: the first number holds 0–31, the second 32–59. */
  readonly seconds: readonly [number, number];
  readonly minutes: readonly [number, number];
  /** Bit n: hour n. */
  readonly hours: number;
  readonly daysOfMonth: DaysOfMonth;
  /** Bit n: month n, 1 is January. */
  readonly months: number;
  readonly daysOfWeek: DaysOfWeek;
  /** Null when every year is allowed. */
  readonly years: readonly Range[] | null;
  /** Whether the minute or hour field begins with `*`: Debian cron's *wildcard* jobs. */
  readonly wildcard: boolean;
}

const FIELDS = [SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR];

/** As crontab(5) spells them out. */
const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

/**
 * How many fields the text has, 5 for a nickname. Six put seconds first, seven end with a year;
 * every other number is an error to {@link parseCronExpression}.
 */
export function cronFieldCount(expression: string): number {
  const text = expression.trim();
  if (NICKNAMES.has(text.toLowerCase())) return 5;
  return text === "" ? 0 : text.split(/\s+/).length;
}

/**
 * How an expression of six (or seven) fields is read, for a warning: `0 30 2 * * MON` gives
 * `second 0, minute 30, hour 2, day of month *, month *, day of week MON`.
 */
export function describeSixFields(expression: string): string {
  return expression.trim().split(/\s+/)
    .slice(0, FIELDS.length)
    .map((text, index) => `${FIELDS[index]?.name} ${text}`)
    .join(", ");
}

/** Parses `source`; throws {@link CronExpressionError}. Whether it can ever fire is not looked at. */
export function parseCronExpression(source: string): CronExpression {
  const fail: Fail = (problem, field, value) => {
    throw new CronExpressionError(source, problem, field?.name, value);
  };
  const fields = splitFields(source, fail);
  const [second, minute, hour, dayOfMonth, month, dayOfWeek, year] = fields;
  const plain = (text: string, field: Field) =>
    items(text, field, fail).flatMap((item) => values(parseRange(item, field, fail), field));
  return {
    source,
    seconds: bitPair(plain(second, SECOND)),
    minutes: bitPair(plain(minute, MINUTE)),
    hours: bits(plain(hour, HOUR)),
    daysOfMonth: parseDaysOfMonth(dayOfMonth, fail),
    months: bits(plain(month, MONTH)),
    daysOfWeek: parseDaysOfWeek(dayOfWeek, fail),
    years: year === "*" ? null : items(year, YEAR, fail).map((item) => {
      const range = parseRange(item, YEAR, fail);
      if (range.last < range.first) {
        fail(`year range ${item} goes backwards, and years do not wrap`, YEAR, item);
      }
      return range;
    }),
    wildcard: minute.startsWith("*") || hour.startsWith("*"),
  };
}

type SevenFields = [string, string, string, string, string, string, string];

function splitFields(source: string, fail: Fail): SevenFields {
  const text = source.trim();
  if (text.startsWith("@")) {
    const nickname = NICKNAMES.get(text.toLowerCase());
    if (nickname) return splitFields(nickname, fail);
    fail(
      (text.toLowerCase() === "@reboot"
        ? "@reboot names no time; run_on_start fires at the start"
        : `unknown nickname ${text}`) + `; allowed are ${[...NICKNAMES.keys()].join(", ")}`,
      undefined,
      text,
    );
  }
  if (/^\d{4}-\d{2}/.test(text)) {
    fail("a date is not a cron expression; expected 5, 6 or 7 fields", undefined, text);
  }
  const parts = text === "" ? [] : text.split(/\s+/);
  if (parts.length < 5 || parts.length > 7) {
    fail(
      `expected 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first ` +
        `or 7 with a year last, got ${parts.length}`,
    );
  }
  if (parts.length === 5) parts.unshift("0");
  if (parts.length === 6) parts.push("*");
  return parts as SevenFields;
}

function parseDaysOfMonth(text: string, fail: Fail): DaysOfMonth {
  const field = DAY_OF_MONTH;
  let days = 0, nearestWeekdays = 0, last = false, lastWeekday = false;
  for (const item of items(text, field, fail)) {
    if (/^L$/i.test(item)) last = true;
    else if (/^LW$/i.test(item)) lastWeekday = true;
    else if (/^\d+W$/i.test(item)) {
      nearestWeekdays |= 1 << parseValue(item.slice(0, -1), item, field, fail);
    } else days |= bits(values(parseRange(item, field, fail), field));
  }
  return { days, nearestWeekdays, last, lastWeekday };
}

function parseDaysOfWeek(text: string, fail: Fail): DaysOfWeek {
  const field = DAY_OF_WEEK;
  const nth: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  let days = 0, last = 0;
  for (const item of items(text, field, fail)) {
    const nthMatch = /^([^-/#*]+)#(.*)$/.exec(item);
    const lastMatch = /^([^-/#*]+)L$/i.exec(item);
    if (nthMatch) {
      const day = fold(parseValue(nthMatch[1] ?? "", item, field, fail), field);
      const which = /^\d+$/.test(nthMatch[2] ?? "") ? Number(nthMatch[2]) : 0;
      if (which < 1 || which > 5) {
        fail(`day of week ${item} must name the 1st to the 5th, such as FRI#2`, field, item);
      }
      nth[which - 1] = (nth[which - 1] ?? 0) | 1 << day;
    } else if (lastMatch) {
      last |= 1 << fold(parseValue(lastMatch[1] ?? "", item, field, fail), field);
    } else days |= bits(values(parseRange(item, field, fail), field));
  }
  return { days, nth, last };
}

function bits(list: readonly number[]): number {
  return list.reduce((set, value) => set | 1 << value, 0);
}

function bitPair(list: readonly number[]): [number, number] {
  return [bits(list.filter((value) => value < 32)), bits(list.filter((value) => value >= 32))];
}
