import type { DaysOfWeek } from "./cron_sets.ts";

const NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const WHICH = ["first", "second", "third", "fourth", "fifth", "last"];
const ORDER = [1, 2, 3, 4, 5, 6, 0];

/** Returns the texts of the two day fields of a valid expression; `*` for those of a nickname. */
export function dayFieldTexts(expression: string): [dayOfMonth: string, dayOfWeek: string] {
  const fields = expression.trim().split(/\s+/);
  const at = fields.length === 5 ? 2 : 3;
  return [fields[at] ?? "*", fields[at + 2] ?? "*"];
}

/** Returns the abbreviation of a day of the week that expressions know: 1 is `MON`. */
export function weekdayName(day: number): string {
  return NAMES[day % 7]!.slice(0, 3).toUpperCase();
}

/** Returns the members of a set of days of the week, from Monday on. */
export function weekdaysIn(set: number): number[] {
  return ORDER.filter((day) => set >>> day & 1);
}

/** Names days of the week: `Tuesday to Saturday`, `the third Friday`. */
export function weekdayWords(days: DaysOfWeek): string {
  const always = days.reduce((all, set) => all & set);
  const words = always === 0 ? [] : [plainWords(always)];
  for (const [nth, set] of days.entries()) {
    const left = set & ~always;
    if (left !== 0) words.push(`the ${WHICH[nth]} ${plainWords(left)}`);
  }
  return listed(words);
}

function plainWords(set: number): string {
  const days = weekdaysIn(set);
  if (days.length === ORDER.length) return "every day";
  // A run may go through the week's end; it has one beginning.
  const [first, ...more] = days.filter((day) => (set >>> ((day + 6) % 7) & 1) === 0);
  if (days.length < 3 || more.length > 0) return listed(days.map((day) => NAMES[day]!));
  return `${NAMES[first!]} to ${NAMES[(first! + days.length - 1) % 7]}`;
}

function listed(words: readonly string[]): string {
  return new Intl.ListFormat("en-GB").format(words);
}
