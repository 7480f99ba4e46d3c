/**
 * Describes cron expressions in words, with cronstrue, which no other file uses.
 *
 * @module
 */
import { type CronExpression, parseCronExpression } from "./cron_expression.ts";

const EVERY_DAY_OF_MONTH = 0xffff_fffe;
const EVERY_DAY_OF_WEEK = 0x7f;

/**
 * Describes an expression in a sentence without a full stop: `At 09:00, Monday through Friday`.
 *
 * @throws {CronExpressionError} for an invalid expression
 */
export async function cronWords(expression: string): Promise<string> {
  const parsed = parseCronExpression(expression);
  const { daysOfMonth } = parsed;
  const { default: cronstrue } = await import("cronstrue");
  let words: string;
  try {
    words = cronstrue.toString(plainer(expression.trim(), parsed), { use24HourTimeFormat: true });
  } catch {
    return `When the fields match: ${expression.trim()}`; // cronstrue knows less grammar
  }
  // With several minutes in the hour, "at 09:00" would name an instant where an hour is meant.
  words = words.replace(/^(?!At \d\d:)(.*?), at (?=\d\d:\d\d)/, "$1, in the hours that begin at ");
  const isDayOfMonth = (daysOfMonth.days >>> 0) !== EVERY_DAY_OF_MONTH;
  const isDayOfWeek = !isEveryDayOfWeek(parsed);
  // As in Vixie cron, one of the fields is enough; cronstrue's "and" is ambiguous.
  return isDayOfMonth && isDayOfWeek
    ? words.replace(/(?<=of the month|month), (?:and )?/, ", or ")
    : words;
}

/**
 * Returns the same times in a form that cronstrue describes correctly: it takes every step as even,
 * such as one of 45 minutes, and a field that allows everything as a restriction.
 */
function plainer(expression: string, parsed: CronExpression): string {
  const fields = expression.split(/\s+/);
  if (fields.length < 5) return expression; // a nickname
  const minute = fields.length === 5 ? 0 : 1;
  const even = (place: number, count: number) => {
    const field = fields[place]!;
    const [, step] = /^\*\/(\d+)$/.exec(field) ?? [];
    if (field.split(",").includes("*")) return "*";
    if (step === undefined || count % Number(step) === 0) return field;
    const times = [];
    for (let at = 0; at < count; at += Number(step)) times.push(at);
    return times.join();
  };
  fields[minute] = even(minute, 60);
  fields[minute + 1] = even(minute + 1, 24);
  if (isEveryDayOfWeek(parsed)) fields[minute + 4] = "*";
  return fields.join(" ");
}

function isEveryDayOfWeek({ daysOfWeek }: CronExpression): boolean {
  return daysOfWeek.every((days) => days === EVERY_DAY_OF_WEEK);
}
