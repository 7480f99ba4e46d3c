/**
 * The grammar of cron expressions: what is wrong with a text, and what it says as croner reads it
 * (`cron_sets.ts`). Which instants that names is the business of `cron_calendar.ts` and
 * `cron_cadence.ts`.
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
  rangeText,
  SECOND,
  YEAR,
} from "./cron_field.ts";
import { CronFields, type CronSets, type CronTexts } from "./cron_sets.ts";

/** The text is no cron expression that can be kept; says which field and value, and what is allowed. */
export class CronExpressionError extends Error {
  /** The name of this class. */
  override readonly name = "CronExpressionError";

  /**
   * Says what is wrong with an expression.
   *
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

/** A parsed expression: what each field allows. */
export interface CronExpression extends CronSets {
  readonly source: string;
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

/**
 * Parses `source`; throws {@link CronExpressionError}. Whether it can ever fire is not looked at.
 *
 * @param known what has been read of the fields of other expressions; more is added
 */
export function parseCronExpression(source: string, known = new CronFields()): CronExpression {
  const fail: Fail = (problem, field, value) => {
    throw new CronExpressionError(source, problem, field?.name, value);
  };
  const texts = splitFields(source, fail);
  const [, minute, hour] = texts;
  const wildcard = minute.startsWith("*") || hour.startsWith("*");
  const sets = known.read(texts, (text, place) => rewritten(text, FIELDS[place]!, fail));
  return { ...sets, source, wildcard };
}

function splitFields(source: string, fail: Fail): CronTexts {
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
  return parts as CronTexts;
}

/** Checks a field, item by item, and returns it in the form that croner reads as it is meant. */
function rewritten(text: string, field: Field, fail: Fail): string {
  if (text === "*") return text;
  const list = items(text, field, fail).map((item) =>
    field === DAY_OF_MONTH
      ? dayOfMonth(item, fail)
      : field === DAY_OF_WEEK
      ? dayOfWeek(item, fail)
      : range(item, field, fail)
  );
  // croner reads no LW in a list.
  const others = list.filter((item) => item !== "LW");
  return others.length === 0 ? "LW" : others.join();
}

function range(item: string, field: Field, fail: Fail): string {
  const range = parseRange(item, field, fail);
  if (field === YEAR && range.last < range.first) {
    fail(`year range ${item} goes backwards, and years do not wrap`, field, item);
  }
  return rangeText(range, field);
}

function dayOfMonth(item: string, fail: Fail): string {
  if (/^LW?$/i.test(item)) return item.toUpperCase();
  if (/^\d+W$/i.test(item)) return `${parseValue(item.slice(0, -1), item, DAY_OF_MONTH, fail)}W`;
  return range(item, DAY_OF_MONTH, fail);
}

function dayOfWeek(item: string, fail: Fail): string {
  const [, name, which, last] = /^([^-/#*]+)(?:#(.*)|(L))$/i.exec(item) ?? [];
  if (name === undefined) return range(item, DAY_OF_WEEK, fail);
  const day = fold(parseValue(name, item, DAY_OF_WEEK, fail), DAY_OF_WEEK);
  if (last !== undefined) return `${day}L`;
  if (!/^0*[1-5]$/.test(which ?? "")) {
    fail(`day of week ${item} must name the 1st to the 5th, such as FRI#2`, DAY_OF_WEEK, item);
  }
  return `${day}#${Number(which)}`;
}
