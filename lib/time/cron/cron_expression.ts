/**
 * Checks the grammar of cron expressions, and parses them with croner (`cron_sets.ts`).
 * `cron_calendar.ts` and `cron_cadence.ts` find the instants that they name.
 *
 * The rules are those of crontab(5) (Vixie, Debian), with seconds and years, wrapping ranges and
 * the characters `L`, `#`, `W` and `?` of Quartz. Anything else is an error.
 *
 * @module
 */
import { excerpt, quoted } from "../../internal/excerpt.ts";
import { suggestion } from "../../internal/suggestion.ts";
import { borrowedText } from "./borrowed/borrowed_text.ts";
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

/** A cron expression is invalid. The message names the field, the value and what is allowed. */
export class CronExpressionError extends Error {
  /** The name of this class. */
  override readonly name = "CronExpressionError";

  /**
   * Makes the error for an expression.
   *
   * @param expression the whole text, as it was given
   * @param problem the problem, without the expression
   * @param field the name of the invalid field, such as `day of month`, where there is one
   * @param value the invalid part of that field
   */
  constructor(
    readonly expression: string,
    readonly problem: string,
    readonly field?: string,
    readonly value?: string,
  ) {
    // What it quotes is a word of the expression.
    const brief = problem.replaceAll(/\S+/g, excerpt);
    super(`invalid cron expression ${quoted(expression)}: ${brief}`);
  }
}

/** A parsed expression: the values that each field allows. */
export interface CronExpression extends CronSets {
  readonly source: string;
  /**
   * Whether the minute or hour field begins with `*`, as in Debian cron's *wildcard* jobs, or names
   * every value.
   */
  readonly wildcard: boolean;
  /** Whether both day fields are restricted: then a day has to match only one of them. */
  readonly eitherDay: boolean;
}

const FIELDS = [SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR];

/** A day field that restricts nothing. Any other text is a restriction, as in POSIX. */
const OPEN_DAYS = /^(?:\*(?:\/0*1)?|\?)$/;

const ALL_HOURS = (1 << 24) - 1;
const LAST_28_MINUTES = (1 << 28) - 1;

/** The nicknames of crontab(5). */
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
 * Returns the number of fields of a text; 5 for a nickname. {@link parseCronExpression} rejects
 * every number but 5, 6 and 7.
 */
export function cronFieldCount(expression: string): number {
  const text = expression.trim();
  if (NICKNAMES.has(text.toLowerCase())) return 5;
  return text === "" ? 0 : text.split(/\s+/).length;
}

/**
 * Describes how an expression of six or seven fields is read: `0 30 2 * * MON` gives
 * `second 0, minute 30, hour 2, day of month *, month *, day of week MON`.
 */
export function describeSixFields(expression: string): string {
  return expression.trim().split(/\s+/)
    .slice(0, FIELDS.length)
    .map((text, index) => `${FIELDS[index]?.name} ${text}`)
    .join(", ");
}

/**
 * Parses `source`. Does not check whether it can ever fire.
 *
 * @param known a cache of fields, which expressions may share
 * @throws {CronExpressionError} for an invalid expression
 */
export function parseCronExpression(source: string, known = new CronFields()): CronExpression {
  return parse(source, known, (problem, field, value) => {
    const words = borrowedText(source, problem, isCron) ?? problem;
    throw new CronExpressionError(source, words, field?.name, value);
  });
}

const NOT_VALID = new Error("Not a valid cron expression");

function isCron(text: string): boolean {
  try {
    parse(text, new CronFields(), () => {
      throw NOT_VALID;
    });
    return true;
  } catch (error) {
    if (error !== NOT_VALID) throw error;
    return false;
  }
}

function parse(source: string, known: CronFields, fail: Fail): CronExpression {
  const texts = splitFields(source, fail);
  const [, minute, hour, dayOfMonth, , dayOfWeek] = texts;
  const sets = known.read(texts, (text, place) => rewritten(text, FIELDS[place]!, fail));
  const wildcard = minute.startsWith("*") || hour.startsWith("*") || namesAll(sets);
  const eitherDay = !OPEN_DAYS.test(dayOfMonth) && !OPEN_DAYS.test(dayOfWeek);
  return { ...sets, source, wildcard, eitherDay };
}

/** Reports whether the minutes or the hours are all that there are. */
function namesAll({ minutes: [low, high], hours }: CronSets): boolean {
  return hours === ALL_HOURS || (low === -1 && high === LAST_28_MINUTES);
}

function splitFields(source: string, fail: Fail): CronTexts {
  const text = source.trim();
  if (text.startsWith("@")) {
    const nickname = NICKNAMES.get(text.toLowerCase());
    if (nickname) return splitFields(nickname, fail);
    fail(
      (text.toLowerCase() === "@reboot"
        ? "@reboot names no time; run_on_start fires at the start"
        : `unknown nickname ${text}${suggestion(text, [...NICKNAMES.keys()])}`) +
        `; allowed are ${[...NICKNAMES.keys()].join(", ")}`,
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

/** Checks each item of a field, and rewrites the field to a form that croner reads correctly. */
function rewritten(text: string, field: Field, fail: Fail): string {
  if (text === "*") return text;
  const list = items(text, field, fail).map((item) =>
    field === DAY_OF_MONTH
      ? dayOfMonth(item, fail)
      : field === DAY_OF_WEEK
      ? dayOfWeek(item, fail)
      : range(item, field, fail)
  );
  // croner does not read LW in a list.
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
