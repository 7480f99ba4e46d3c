import type { CronExpression } from "./cron_expression.ts";
import type { DaysOfMonth, DaysOfWeek } from "./cron_sets.ts";

const DAY_SECONDS = 86_400;

/** The last year of RFC 3339, the format of all instants that the program writes. */
export const LAST_YEAR = 9999;

/**
 * Finds the wall-clock times that an expression names. A wall-clock time is the number of whole
 * seconds since 1970-01-01 00:00:00 in the proleptic Gregorian calendar, without a zone.
 *
 * Days are found a month at a time: a month's matching days are one 31-bit number, cached until
 * another month is needed.
 */
export class CronCalendar {
  readonly #expression: CronExpression;
  readonly #secondsLow: number;
  readonly #secondsHigh: number;
  readonly #minutesLow: number;
  readonly #minutesHigh: number;
  readonly #hours: number;
  /** The first matching second of a matching day. */
  readonly #firstTime: number;

  // The cached month: its number, its first day since 1970-01-01, its length, its matching days.
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
  }

  /** Returns the first matching wall-clock time that is not before `from`; Infinity for none. */
  next(from: number): number {
    const day = Math.floor(from / DAY_SECONDS);
    const index = day - this.#firstDay;
    if (index < 0 || index >= this.#length) this.#seek(day);
    if ((this.#days >>> (day - this.#firstDay)) & 1) {
      const time = this.#timeOfDay(from - day * DAY_SECONDS);
      if (time >= 0) return day * DAY_SECONDS + time;
    }
    let rest = this.#days & (-2 << (day - this.#firstDay));
    while (rest === 0) {
      if (!this.#advance()) return Infinity;
      rest = this.#days;
    }
    return (this.#firstDay + lowestBit(rest)) * DAY_SECONDS + this.#firstTime;
  }

  /** Returns the first matching second of a day that is not before `second`; -1 for none. */
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

  /** Loads the month of `day`. */
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

  /** Loads the next month that the month and year fields allow; returns whether there is one. */
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
    const { daysOfMonth, daysOfWeek, eitherDay, months, years } = this.#expression;
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
    this.#days = eitherDay ? byMonth | byWeek : byMonth & byWeek;
  }
}

/** Returns the number of days from 1970-01-01 to the first of a month. */
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

function wholeMonth(length: number): number {
  return 0xffff_ffff >>> (32 - length);
}

/** Returns the matching days of a month of `length` days from `weekday` on; bit 0 is the 1st. */
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
    // Saturday moves to Friday and Sunday to Monday; at the month's edge, to the other side.
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

/** Rotates the days of a week, where bit 0 is Sunday, so that bit 0 is `weekday`. */
function rotate(week: number, weekday: number): number {
  return (week >>> weekday | week << (7 - weekday)) & 0x7f;
}

function lowestBit(set: number): number {
  return 31 - Math.clz32(set & -set);
}

/** Returns the lowest member of a set of 0–59 that is not below `from`; -1 for none. */
function nextOfSixty(low: number, high: number, from: number): number {
  if (from < 32) {
    const rest = low & (-1 << from);
    if (rest !== 0) return lowestBit(rest);
    return high === 0 ? -1 : 32 + lowestBit(high);
  }
  const rest = from < 60 ? high & (-1 << (from - 32)) : 0;
  return rest === 0 ? -1 : 32 + lowestBit(rest);
}
