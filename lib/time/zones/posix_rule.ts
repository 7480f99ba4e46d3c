/**
 * The rule at the end of a time zone file, such as `CET-1CEST,M3.5.0,M10.5.0/3`: POSIX's form of TZ,
 * with times of day from -167 to 167 hours.
 *
 * @module
 */
import type { Change } from "./tzif.ts";

/** What the clocks show after the changes that a file lists; in seconds. */
export interface PosixRule {
  /** Whether there are no changes. */
  readonly isFixed: boolean;
  /** Returns the offset at an instant. */
  offsetAt(instant: number): number;
  /** Returns the changes after `from` and before `to`, in order. */
  changesBetween(from: number, to: number): Change[];
}

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 365.2425 * DAY_SECONDS;
const DEFAULT_CHANGE_TIME = 2 * 3600;

const NAME = "(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)";
const TIME = "[+-]?\\d{1,3}(?::\\d{2}){0,2}";
const DATE = `(?:J?\\d{1,3}|M\\d{1,2}\\.[1-5]\\.[0-6])(?:/${TIME})?`;
const FORM = new RegExp(`^${NAME}(${TIME})(?:${NAME}(${TIME})?,(${DATE}),(${DATE}))?$`);

/** @throws {RangeError} for a text of another form */
export function posixRule(text: string): PosixRule {
  const [isRight, standard = "", summer, begins, ends] = FORM.exec(text) ?? [];
  if (isRight === undefined) {
    throw new RangeError(`The file's rule ${JSON.stringify(text)} has another form than POSIX's`);
  }
  const offset = 0 - secondsOf(standard); // no -0
  if (begins === undefined || ends === undefined) {
    return { isFixed: true, offsetAt: () => offset, changesBetween: () => [] };
  }
  const summerOffset = summer === undefined ? offset + 3600 : 0 - secondsOf(summer);
  const [beginsAt, endsAt] = [dateOf(begins), dateOf(ends)];

  /** The changes of all years that may matter from one instant to another, in order. */
  const changesOfYears = (from: number, to: number): Change[] => {
    const changes: Change[] = [];
    for (let year = yearOf(from) - 1; year <= yearOf(to) + 1; year++) {
      changes.push({ at: endsAt(year) - summerOffset, offset });
      changes.push({ at: beginsAt(year) - offset, offset: summerOffset });
    }
    changes.sort((a, b) => a.at - b.at); // stable: a summer that begins when one ends goes on
    return changes.filter(({ at }, index) => at !== changes[index + 1]?.at)
      .filter((change, index, all) => change.offset !== all[index - 1]?.offset);
  };
  return {
    isFixed: false,
    offsetAt: (instant) =>
      changesOfYears(instant, instant).findLast(({ at }) => at <= instant)?.offset ?? offset,
    changesBetween: (from, to) =>
      changesOfYears(from, to).filter(({ at }, index) => index > 0 && at > from && at < to),
  };
}

/** Returns the year, give or take one at its ends. */
function yearOf(instant: number): number {
  return 1970 + Math.floor(instant / YEAR_SECONDS);
}

/** Returns what `[+-]h[hh][:mm[:ss]]` is in seconds. */
function secondsOf(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, "").split(":").map(Number);
  const size = hours * 3600 + minutes * 60 + seconds;
  return text.startsWith("-") ? -size : size;
}

/** Returns a function from a year to the wall-clock time of the change in it. */
function dateOf(text: string): (year: number) => number {
  const [day = "", time] = text.split("/");
  const timeOfDay = time === undefined ? DEFAULT_CHANGE_TIME : secondsOf(time);
  const dayIn = dayOf(day);
  return (year) => dayIn(year) * DAY_SECONDS + timeOfDay;
}

/** Returns a function from a year to a day, counted from 1970-01-01. */
function dayOf(text: string): (year: number) => number {
  if (text.startsWith("M")) {
    const [month = 1, week = 1, weekday = 0] = text.slice(1).split(".").map(Number);
    return (year) => {
      const first = dayNumber(year, month - 1, 1);
      const ofFirst = ((first + 4) % 7 + 7) % 7; // 1970-01-01 was a Thursday
      const day = first + (weekday - ofFirst + 7) % 7 + (week - 1) * 7;
      return day < dayNumber(year, month, 1) ? day : day - 7;
    };
  }
  const number = Number(text.replace("J", ""));
  if (!text.startsWith("J")) return (year) => dayNumber(year, 0, 1) + number;
  const date = new Date((number - 1) * DAY_SECONDS * 1000); // 29 February is never counted
  return (year) => dayNumber(year, date.getUTCMonth(), date.getUTCDate());
}

/** Returns a day counted from 1970-01-01; `month` from 0 to 12. */
function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month, day) / 1000 / DAY_SECONDS;
}
