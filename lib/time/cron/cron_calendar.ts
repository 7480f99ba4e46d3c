import type { CronExpression } from "./cron_expression.ts";
import type { DaysOfMonth, DaysOfWeek } from "./cron_sets.ts";

const DAY = 86_400;

/** RFC 3339, which everything that leaves the program is written in, knows no later year. */
export const LAST_YEAR = 9999;

/**
 * Which wall-clock times an expression names. A wall-clock time is a whole number of seconds: what
 * a clock that never changes shows, counted from 1970-01-01 00:00:00 on it, in the proleptic
 * Gregorian calendar. Zones do not exist here.
 *
 * Days are found a month at a time: a month's matching days are one 31-bit number, kept until
 * another month is asked for. Answers do not depend on what was asked before.
 */
export class CronCalendar {
  readonly #expression: CronExpression;
  readonly #secondsLow: number;
  readonly #secondsHigh: number;
  readonly #minutesLow: number;
  readonly #minutesHigh: number;
  readonly #hours: number;
  /** Second of the day of a matching day's first time. */
  readonly #firstTime: number;
  /** Whether one of the two day fields is enough. */
  readonly #either: boolean;

  // The month at hand: its number, its first day since 1970-01-01, its length, its matching days.
  #year = 1970;
  #month = 1;
  #firstDay = 0;
  #length = 0;
  #days = 0;

  constructor(expression: CronExpression) {
    this.#expression = expression;
    [this.#secondsLow, this.#secondsHigh] = expression.seconds;
    [this.#minutesLow, this.#minutesHigh] = expression.minutes;
    this.#hours = expression.hours;
    this.#firstTime = lowestBit(expression.hours) * 3600 +
      nextOfSixty(this.#minutesLow, this.#minutesHigh, 0) * 60 +
      nextOfSixty(this.#secondsLow, this.#secondsHigh, 0);
    // Vixie cron: two restricted day fields are alternatives. Restricted is what leaves out a day.
    const { daysOfMonth, daysOfWeek } = expression;
    this.#either = leavesOutADay((...month) => daysOfMonthMask(daysOfMonth, ...month)) &&
      leavesOutADay((...month) => daysOfWeekMask(daysOfWeek, ...month));
  }

  /** The first matching wall-clock time that is not before `from`; Infinity when there is none. */
  next(from: number): number {
    const day = Math.floor(from / DAY);
    const index = day - this.#firstDay;
    if (index < 0 || index >= this.#length) this.#seek(day);
    if ((this.#days >>> (day - this.#firstDay)) & 1) {
      const time = this.#timeOfDay(from - day * DAY);
      if (time >= 0) return day * DAY + time;
    }
    let rest = this.#days & (-2 << (day - this.#firstDay));
    while (rest === 0) {
      if (!this.#advance()) return Infinity;
      rest = this.#days;
    }
    return (this.#firstDay + lowestBit(rest)) * DAY + this.#firstTime;
  }

  /** The first matching second of a day that is not before `second`; -1 when the day is over. */
  #timeOfDay(second: number): number {
    const hour = (second / 3600) | 0;
    const inHour = second - hour * 3600;
    if ((this.#hours >>> hour) & 1) {
      const minute = (inHour / 60) | 0;
      const low = this.#minutesLow, high = this.#minutesHigh;
      if (((minute < 32 ? low >>> minute : high >>> (minute - 32)) & 1) === 1) {
        const match = nextOfSixty(this.#secondsLow, this.#secondsHigh, inHour - minute * 60);
        if (match >= 0) return hour * 3600 + minute * 60 + match;
      }
      const match = nextOfSixty(low, high, minute + 1);
      if (match >= 0) return hour * 3600 + match * 60 + this.#firstTime % 60;
    }
    const later = this.#hours & (-2 << hour);
    return later === 0 ? -1 : lowestBit(later) * 3600 + this.#firstTime % 3600;
  }

  /** Makes the month of `day` the month at hand. */
  #seek(day: number): void {
    // http://howardhinnant.github.io/date_algorithms.html#civil_from_days
    const shifted = day + 719_468;
    const era = Math.floor(shifted / 146_097);
    const ofEra = shifted - era * 146_097;
    const yearOfEra = Math.floor(
      (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) -
        Math.floor(ofEra / 146_096)) / 365,
    );
    const ofYear = ofEra -
      (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const fromMarch = Math.floor((5 * ofYear + 2) / 153);
    const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
    this.#load(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month);
  }

  /** Makes the next month that the month and year fields allow the month at hand, if there is one. */
  #advance(): boolean {
    const { months, years } = this.#expression;
    let year = this.#year;
    let later = months & (-2 << this.#month);
    if (later === 0) {
      later = months;
      year++;
    }
    while (years !== null && year <= LAST_YEAR && !yearAllowed(years, year)) {
      later = months;
      year++;
    }
    if (year > LAST_YEAR) return false;
    this.#load(year, lowestBit(later));
    return true;
  }

  #load(year: number, month: number): void {
    const { daysOfMonth, daysOfWeek, months, years } = this.#expression;
    this.#year = year;
    this.#month = month;
    this.#firstDay = dayNumber(year, month);
    this.#length = dayNumber(month === 12 ? year + 1 : year, month === 12 ? 1 : month + 1) -
      this.#firstDay;
    this.#days = 0;
    if (((months >>> month) & 1) === 0 || (years !== null && !yearAllowed(years, year))) return;
    const weekday = (((this.#firstDay + 4) % 7) + 7) % 7; // 1970-01-01 was a Thursday
    const byMonth = daysOfMonthMask(daysOfMonth, this.#length, weekday);
    const byWeek = daysOfWeekMask(daysOfWeek, this.#length, weekday);
    this.#days = this.#either ? byMonth | byWeek : byMonth & byWeek;
  }
}

/** Days from 1970-01-01 to the first of a month. */
export function dayNumber(year: number, month: number): number {
  // http://howardhinnant.github.io/date_algorithms.html#days_from_civil
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5);
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) + ofYear - 719_468;
}

function yearAllowed(years: Uint32Array, year: number): boolean {
  return ((years[year >> 5] ?? 0) >>> (year & 31) & 1) === 1;
}

/** Whether some month, whatever its length and the weekday it begins with, has a day not in the mask. */
function leavesOutADay(mask: (length: number, weekday: number) => number): boolean {
  for (let length = 28; length <= 31; length++) {
    for (let weekday = 0; weekday < 7; weekday++) {
      if (mask(length, weekday) !== wholeMonth(length)) return true;
    }
  }
  return false;
}

function wholeMonth(length: number): number {
  return 0xffff_ffff >>> (32 - length);
}

/** The matching days of a month of `length` days that begins on `weekday`; bit 0 is the 1st. */
function daysOfMonthMask(field: DaysOfMonth, length: number, weekday: number): number {
  let mask = field.days >>> 1;
  if (field.last) mask |= 1 << (length - 1);
  const weekdayOf = (day: number) => (weekday + day - 1) % 7;
  if (field.lastWeekday) {
    const past = weekdayOf(length);
    mask |= 1 << (length - 1 - (past === 6 ? 1 : past === 0 ? 2 : 0));
  }
  for (let rest = field.nearestWeekdays; rest !== 0; rest &= rest - 1) {
    const day = lowestBit(rest);
    if (day > length) continue;
    const at = weekdayOf(day);
    // Saturday gives way to Friday, Sunday to Monday, unless that is another month's.
    const move = at === 6 ? (day > 1 ? -1 : 2) : at === 0 ? (day < length ? 1 : -2) : 0;
    mask |= 1 << (day + move - 1);
  }
  return mask & wholeMonth(length);
}

function daysOfWeekMask(field: DaysOfWeek, length: number, weekday: number): number {
  let mask = 0;
  for (let nth = 0; nth < 5; nth++) mask |= rotate(field[nth]!, weekday) << (7 * nth);
  mask |= rotate(field[5]!, (weekday + length - 7) % 7) << (length - 7);
  return mask & wholeMonth(length);
}

/** A week's days, bit 0 Sunday, turned so that bit 0 is `weekday`. */
function rotate(week: number, weekday: number): number {
  return (week >>> weekday | week << (7 - weekday)) & 0x7f;
}

function lowestBit(set: number): number {
  return 31 - Math.clz32(set & -set);
}

/** The lowest member of a set of 0–59 that is not below `from`; -1 when there is none. */
function nextOfSixty(low: number, high: number, from: number): number {
  if (from < 32) {
    const rest = low & (-1 << from);
    if (rest !== 0) return lowestBit(rest);
    return high === 0 ? -1 : 32 + lowestBit(high);
  }
  const rest = from < 60 ? high & (-1 << (from - 32)) : 0;
  return rest === 0 ? -1 : 32 + lowestBit(rest);
}
