/**
 * An independent reading of the contract's cron clauses, by brute force: it walks through real time a
 * minute (or second) at a time, looks at what the zone's clocks show, and asks each field. It shares
 * nothing with lib/time; the zone comes from `Intl` through day-by-day probing.
 *
 * It reads fields by listing them, so it knows only well-formed expressions.
 *
 * @module
 */

/** What the clocks show at `instant`, in seconds since 1970-01-01 00:00:00 on them. */
export type Clocks = (instant: number) => number;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Asks `Intl` at every call: slow, and the only authority here. */
export function clocksOf(timeZone: string): Clocks {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hourCycle: "h23",
      dateStyle: "short",
      timeStyle: "medium",
    });
    formats.set(timeZone, format);
  }
  const zoned = format;
  return (instant) => {
    const text = zoned.format(instant * 1000); // 30/03/2025, 03:00:00
    const [day = 0, month = 0, year = 0, hour = 0, minute = 0, second = 0] = text.split(/\D+/)
      .map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  };
}

/** A window of real time, and what the clocks show at every `step` seconds of it. */
export interface Window {
  /** The first instant, a multiple of `step`. */
  readonly from: number;
  readonly step: number;
  readonly shown: Float64Array;
}

/**
 * A zone's clocks through [from, to), every minute or second. The offset is taken at each quarter
 * of an hour and, where two differ, at every step between them.
 */
export function windowOf(timeZone: string, from: number, to: number, step: 1 | 60): Window {
  const clocks = clocksOf(timeZone);
  const shown = new Float64Array((to - from) / step);
  const block = 900;
  for (let start = from; start < to; start += block) {
    const end = Math.min(start + block, to);
    const offset = clocks(start) - start;
    const same = clocks(end) - end === offset;
    for (let at = start; at < end; at += step) {
      shown[(at - from) / step] = same ? at + offset : clocks(at);
    }
  }
  return { from, step, shown };
}

const NAMES = "SUN MON TUE WED THU FRI SAT".split(" ");
export const MONTHS = " JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");

function number(text: string, names: string[]): number {
  const named = names.indexOf(text.toUpperCase());
  return named >= 0 ? named : Number(text);
}

/** The plain values of a list item: `*`, `5`, `1-5`, `22-2`, each with `/step`, `5/15`. */
function plain(item: string, min: number, max: number, names: string[] = []): number[] {
  const [range = "", step] = item.split("/");
  const [first = "", last] = range === "*" ? [String(min), String(max)] : range.split("-");
  const from = number(first, names);
  const to = last === undefined ? (step === undefined ? from : max) : number(last, names);
  const all: number[] = [];
  for (let value = from;; value = value === max ? min : value + 1) {
    all.push(value);
    if (value === to) break;
  }
  return all.filter((_, index) => index % Number(step ?? 1) === 0);
}

/** The values of a list of such items. */
export function listed(
  text: string,
  [min, max]: readonly [number, number],
  names?: string[],
): Set<number> {
  return new Set(text.split(",").flatMap((item) => plain(item, min, max, names)));
}

interface Date6 {
  year: number;
  month: number;
  day: number;
  weekday: number;
  hour: number;
  minute: number;
  second: number;
}

function lastDay(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function weekdayOf(year: number, month: number, day: number): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

function dayOfMonthItem(item: string, { year, month, day }: Date6): boolean {
  const last = lastDay(year, month);
  const isWorkday = (at: number) => ![0, 6].includes(weekdayOf(year, month, at));
  if (/^L$/i.test(item)) return day === last;
  if (/^LW$/i.test(item)) {
    let at = last;
    while (!isWorkday(at)) at--;
    return day === at;
  }
  if (/^\d+W$/i.test(item)) {
    const wanted = parseInt(item);
    if (wanted > last) return false;
    const nearest = [0, -1, 1, -2, 2].map((move) => wanted + move)
      .find((at) => at >= 1 && at <= last && isWorkday(at));
    return day === nearest;
  }
  return plain(item, 1, 31).includes(day);
}

function dayOfWeekItem(item: string, { year, month, day, weekday }: Date6): boolean {
  const sunday = (value: number) => value % 7;
  if (item.includes("#")) {
    const [which = "", nth] = item.split("#");
    return sunday(number(which, NAMES)) === weekday && Math.ceil(day / 7) === Number(nth);
  }
  if (/.L$/i.test(item)) {
    return sunday(number(item.slice(0, -1), NAMES)) === weekday && day + 7 > lastDay(year, month);
  }
  // 7 is Sunday: as a range's end it comes after Saturday, everywhere else it is 0.
  const endsIn7 = /^[^/]*-(7)(\/|$)/.test(item);
  if (!endsIn7) return plain(item.replace(/^7/, "0"), 0, 6, NAMES).includes(weekday);
  if (/^7-7/.test(item)) return weekday === 0;
  return plain(item, 0, 7, NAMES).map(sunday).includes(weekday);
}

function isDayOfMonth(text: string, date: Date6): boolean {
  return text === "?" || text.split(",").some((item) => dayOfMonthItem(item, date));
}

function isDayOfWeek(text: string, date: Date6): boolean {
  return text === "?" || text.split(",").some((item) => dayOfWeekItem(item, date));
}

/** Whether each of the two day fields, alone, names the day of an instant. */
export function daysNamed(fields: { dayOfMonth: string; dayOfWeek: string }, shown: number) {
  const date = split(shown);
  return [isDayOfMonth(fields.dayOfMonth, date), isDayOfWeek(fields.dayOfWeek, date)];
}

/** Whether the two day fields, together, name the day. */
function dayMatcher(dayOfMonth: string, dayOfWeek: string): (date: Date6) => boolean {
  const byMonth = (date: Date6) => isDayOfMonth(dayOfMonth, date);
  const byWeek = (date: Date6) => isDayOfWeek(dayOfWeek, date);
  const isOpen = (text: string) => ["*", "?", "*/1"].includes(text);
  const either = !isOpen(dayOfMonth) && !isOpen(dayOfWeek);
  return (date) => either ? byMonth(date) || byWeek(date) : byMonth(date) && byWeek(date);
}

function split(shown: number): Date6 {
  const date = new Date(shown * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** Whether an expression names a wall-clock time, and whether it is a wildcard. */
export interface Reading {
  matches(shown: number): boolean;
  readonly wildcard: boolean;
}

export function read(expression: string): Reading {
  const fields = expression.trim().split(/\s+/);
  if (fields.length === 5) fields.unshift("0");
  if (fields.length === 6) fields.push("*");
  const [second = "", minute = "", hour = "", dayOfMonth = "", month = "", week = "", year = ""] =
    fields;
  const seconds = listed(second, [0, 59]);
  const minutes = listed(minute, [0, 59]);
  const hours = listed(hour, [0, 23]);
  const months = listed(month, [1, 12], MONTHS);
  const years = listed(year, [1, 9999]);
  const matchesDay = dayMatcher(dayOfMonth, week);
  const days = new Map<number, boolean>();
  return {
    wildcard: minute[0] === "*" || hour[0] === "*" || minutes.size === 60 || hours.size === 24,
    matches(shown) {
      const day = Math.floor(shown / 86_400);
      let right = days.get(day);
      if (right === undefined) {
        const date = split(shown);
        right = years.has(date.year) && months.has(date.month) && matchesDay(date);
        days.set(day, right);
      }
      const time = shown - day * 86_400;
      return right && hours.has(Math.floor(time / 3600)) &&
        minutes.has(Math.floor(time / 60) % 60) && seconds.has(time % 60);
    },
  };
}

/**
 * Every instant of the window that the expression is due at, from the window's third day on (what
 * the clocks showed before decides what is shown again).
 */
export function walk(expression: string, { from, step, shown }: Window): number[] {
  const { matches, wildcard } = read(expression);
  const due: number[] = [];
  const quiet = from + 2 * 86_400;
  let shownUntil = shown[0] ?? 0; // every earlier wall-clock time has been shown, or skipped
  for (let index = 0; index < shown.length; index++) {
    const instant = from + index * step;
    const now = shown[index] ?? 0;
    let fires: boolean;
    if (wildcard) fires = matches(now);
    else {
      fires = now >= shownUntil && matches(now);
      const change = index === 0 ? 0 : now - (shown[index - 1] ?? 0) - step;
      if (change > 0 && change < 3 * 3600) {
        for (let skipped = shownUntil; skipped < now && !fires; skipped += step) {
          fires = matches(skipped);
        }
      }
      shownUntil = Math.max(shownUntil, now + step);
    }
    if (fires && instant >= quiet) due.push(instant);
  }
  return due;
}
