/**
 * Reads the fields of an expression as bit sets, with croner, which no other file uses.
 *
 * @module
 */
import { CronPattern } from "croner";

/** The values that the fields of an expression allow. */
export interface CronSets {
  /** Bit n of the first number means n, of the second 32 + n. */
  readonly seconds: Pair;
  readonly minutes: Pair;
  /** Bit n means hour n. */
  readonly hours: number;
  readonly daysOfMonth: DaysOfMonth;
  /** Bit n means month n; 1 is January. */
  readonly months: number;
  readonly daysOfWeek: DaysOfWeek;
  /** Bit n of number m means the year 32 m + n; null where every year is allowed. */
  readonly years: Uint32Array | null;
}

export interface DaysOfMonth {
  /** Bit n means the n-th. */
  readonly days: number;
  /** Bit n means the weekday nearest the n-th, within the month (`15W`). */
  readonly nearestWeekdays: number;
  /** Whether the last day matches (`L`). */
  readonly last: boolean;
  /** Whether the last day from Monday to Friday matches (`LW`). */
  readonly lastWeekday: boolean;
}

/**
 * Six sets of weekdays, where bit n means weekday n and 0 is Sunday: the first of the month, …, the
 * fifth (`5#2`), and the last (`5L`). Weekdays of every week are in all six.
 */
export type DaysOfWeek = readonly number[];

/** The texts of the fields, in the order of {@link CronSets}. */
export type CronTexts = [string, string, string, string, string, string, string];

type Place = keyof CronSets;
type Pair = readonly [number, number];
type Ordered = [Pair, Pair, number, DaysOfMonth, number, DaysOfWeek, Uint32Array | null];

/** Functions that read a field from croner's pattern and from the field's text. */
const READERS: { [place in Place]: (made: CronPattern, text: string) => CronSets[place] } = {
  seconds: ({ second }) => setOfSixty(second),
  minutes: ({ minute }) => setOfSixty(minute),
  hours: ({ hour }) => setOf(hour),
  daysOfMonth: ({ day, nearestWeekdays, lastDayOfMonth }, text) => ({
    days: setOf(day, 1),
    nearestWeekdays: setOf(nearestWeekdays, 1),
    last: lastDayOfMonth,
    lastWeekday: /LW/i.test(text), // croner does not read LW in a list
  }),
  months: ({ month }) => setOf(month, 1),
  daysOfWeek: ({ dayOfWeek }) =>
    [0, 1, 2, 3, 4, 5].map((bit) => setOf(dayOfWeek.map((on) => on >> bit & 1))),
  years: ({ year, starYear }) => starYear ? null : setOfYears(year),
};
const PLACES = Object.keys(READERS) as Place[];

/** The number of texts that are cached for a field. There are 1770 lists of two minutes. */
export const MAX_KEPT_TEXTS = 5000;

/**
 * Reads the fields of many expressions, and caches the values of each text: croner takes some 30 µs
 * for an expression, mostly to fill a list of 10,000 years.
 */
export class CronFields {
  readonly #known = PLACES.map(() => new Map<string, CronSets[Place]>());

  /** The number of cached texts. */
  get size(): number {
    return this.#known.reduce((sum, { size }) => sum + size, 0);
  }

  /** Reads all fields. `rewrite` checks the field at a place and rewrites it for croner. */
  read(texts: CronTexts, rewrite: (text: string, place: number) => string): CronSets {
    const sets = texts.map((text, place) => this.#known[place]!.get(text));
    if (sets.includes(undefined)) {
      const unknown = texts.map((text, at) => sets[at] === undefined ? rewrite(text, at) : "*");
      const made = new CronPattern(unknown.join(" "));
      texts.forEach((text, at) => {
        if (sets[at] !== undefined) return;
        const known = this.#known[at]!;
        if (known.size >= MAX_KEPT_TEXTS) known.clear();
        known.set(text, sets[at] = READERS[PLACES[at]!](made, text));
      });
    }
    const [seconds, minutes, hours, daysOfMonth, months, daysOfWeek, years] = sets as Ordered;
    return { seconds, minutes, hours, daysOfMonth, months, daysOfWeek, years };
  }
}

/** Returns the set of the marked values, where the first mark means `first`. */
function setOf(marks: readonly number[], first = 0): number {
  return marks.reduce((set, mark, index) => mark === 0 ? set : set | 1 << (index + first), 0);
}

function setOfSixty(marks: readonly number[]): Pair {
  return [setOf(marks.slice(0, 32)), setOf(marks.slice(32))];
}

function setOfYears(marks: readonly number[]): Uint32Array {
  const set = new Uint32Array(Math.ceil(marks.length / 32));
  marks.forEach((mark, year) => set[year >> 5]! |= mark << (year & 31));
  return set;
}
