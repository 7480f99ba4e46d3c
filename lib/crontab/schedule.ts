import {
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  type Field,
  fold,
  HOUR,
  MINUTE,
  MONTH,
} from "../time/cron/cron_field.ts";
import { shown } from "../config/config_problem.ts";
import { CrontabProblem } from "./problem.ts";

const FIELDS = [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK] as const;

/** As crontab(5) spells them; cron compares them letter by letter. */
const NICKNAMES = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/** One field of a line and the column it begins at, 1-based. */
export interface CrontabField {
  readonly text: string;
  readonly column: number;
}

/**
 * Checks that cron itself would run the line, and at the times at which the scheduler reads the
 * same five fields or nickname. The grammar is crontab(5)'s, of Vixie cron and cronie: narrower
 * than the scheduler's, which also has `L`, `5/15` and ranges that wrap.
 *
 * What only the scheduler's own reader can tell, such as a day that never comes, is not looked at.
 *
 * @throws {CrontabProblem} an error where cron refuses the line, a warning where it means something
 * that an entry cannot say
 */
export function checkCrontabSchedule(fields: readonly CrontabField[]): void {
  const [first] = fields;
  if (first?.text.startsWith("@")) return checkNickname(first);
  const [, , days, , weekdays] = FIELDS.map((field, index) => {
    const { text, column } = fields[index]!;
    const found = new Set<number>();
    for (const item of text.split(",")) addItem(found, item, field, column);
    return found;
  });
  checkDays(fields, days!.size === 31, weekdays!.size === 7);
}

function checkNickname({ text, column }: CrontabField): void {
  if (NICKNAMES.includes(text)) return;
  if (text === "@reboot") {
    throw new CrontabProblem(
      "warning",
      '"@reboot" names no time: an entry with "run_on_start: true" fires when the scheduler ' +
        'starts, and then at its "cron" or "interval_seconds", which it needs too',
      column,
    );
  }
  const known = NICKNAMES.join(", ");
  throw new CrontabProblem("error", `Unknown nickname ${shown(text)}: cron has ${known}`, column);
}

/** `*`, `5`, `5-10`, and a step after the first and the last. */
const ITEM = /^(?:(\*)|([a-z\d]+)(?:-([a-z\d]+))?)(?:\/(\d+))?$/i;
/** cronie's random ranges; either end may be left out. */
const RANDOM = /^[a-z\d]*~[a-z\d]*$/i;

function addItem(found: Set<number>, item: string, field: Field, column: number): void {
  const fail = (problem: string, severity: "error" | "warning" = "error"): never => {
    const name = field.name.charAt(0).toUpperCase() + field.name.slice(1);
    throw new CrontabProblem(severity, `${name} ${shown(item)} ${problem}`, column);
  };
  if (RANDOM.test(item)) {
    fail('is random: an entry has fixed times, and "jitter_seconds" to spread them', "warning");
  }
  const match = ITEM.exec(item);
  if (!match) return fail("is no number, range or step: cron refuses the line");
  const [, star, from, to, every] = match;
  const highest = field.alias ?? field.max;
  const value = (text: string): number => {
    const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
    const number = named >= 0 ? field.min + named : /^\d+$/.test(text) ? Number(text) : NaN;
    if (number >= field.min && number <= highest) return number;
    return fail(`is out of range: cron takes ${field.min} to ${highest}`);
  };

  const step = every === undefined ? 1 : Number(every);
  if (step === 0) fail("has a step of 0: cron wants 1 or more");
  const first = star ? field.min : value(from!);
  if (!star && to === undefined && every !== undefined) {
    fail(`has a step and no range: cron wants "${first}-${field.max}/${step}"`);
  }
  let last = star ? highest : to === undefined ? first : value(to);
  // FRI-SUN: cronie takes Sunday for 7 at the end of a range, and so does the scheduler.
  if (field === DAY_OF_WEEK && last === 0 && every === undefined) last = first === 0 ? 0 : 7;
  if (last < first) fail("goes backwards: cron never runs it, write it as two ranges");
  for (let at = first; at <= last; at += step) found.add(fold(at, field));
}

/**
 * To cron two day fields are alternatives unless one begins with `*`; to the scheduler, unless one
 * names every day. The two differ for what is between: an asterisk with a step, and `1-31`.
 */
function checkDays(fields: readonly CrontabField[], everyDay: boolean, everyWeekday: boolean) {
  const [days, weekdays] = [fields[2]!, fields[4]!];
  const both = days.text.startsWith("*") || weekdays.text.startsWith("*");
  const names = `Day fields ${shown(days.text)} and ${shown(weekdays.text)}`;
  if (both && !everyDay && !everyWeekday) {
    throw new CrontabProblem(
      "warning",
      `${names} must both match in cron, since one begins with "*": an entry would fire ` +
        "when either does",
      days.column,
    );
  }
  if (!both && everyDay !== everyWeekday) {
    throw new CrontabProblem(
      "warning",
      `${names} match every day in cron, since neither begins with "*": an entry would fire ` +
        'on fewer, so write "*" for both',
      days.column,
    );
  }
}
