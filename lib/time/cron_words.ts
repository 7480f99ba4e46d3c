/**
 * The only file that knows cronstrue: a cron expression in words.
 *
 * @module
 */
import { parseCronExpression } from "./cron_expression.ts";

const EVERY_DAY_OF_MONTH = 0xffff_fffe;
const EVERY_DAY_OF_WEEK = 0x7f;

/**
 * What the expression says, in a sentence without a full stop: `At 09:00, Monday through Friday`.
 *
 * @throws {CronExpressionError} when it is none
 */
export async function cronWords(expression: string): Promise<string> {
  const { daysOfMonth, daysOfWeek } = parseCronExpression(expression);
  const { default: cronstrue } = await import("cronstrue");
  let words: string;
  try {
    words = cronstrue.toString(expression.trim(), { use24HourTimeFormat: true });
  } catch {
    return `When the fields match: ${expression.trim()}`; // it knows less than we read
  }
  const isDayOfMonth = (daysOfMonth.days >>> 0) !== EVERY_DAY_OF_MONTH;
  const isDayOfWeek = daysOfWeek.days !== EVERY_DAY_OF_WEEK;
  // Either is enough, as in Vixie cron; its "and" can be read as both.
  return isDayOfMonth && isDayOfWeek
    ? words.replace(/(?<=of the month|month), (?:and )?/, ", or ")
    : words;
}
