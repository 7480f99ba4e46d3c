/**
 * Checks one field of a cron expression and rewrites it to numbers, which croner reads. The check
 * is here, so that an error names the item and what is allowed.
 *
 * @module
 */

import { nearest, suggestion } from "../../internal/suggestion.ts";

/** The values that a field may hold. */
export interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The names of the values, from `min` on. */
  readonly names?: readonly string[];
  /** A value above `max` that means `min`: 7 for Sunday. */
  readonly alias?: number;
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

export const SECOND: Field = { name: "second", min: 0, max: 59 };
export const MINUTE: Field = { name: "minute", min: 0, max: 59 };
export const HOUR: Field = { name: "hour", min: 0, max: 23 };
export const DAY_OF_MONTH: Field = { name: "day of month", min: 1, max: 31 };
export const MONTH: Field = { name: "month", min: 1, max: 12, names: MONTHS };
export const DAY_OF_WEEK: Field = {
  name: "day of week",
  min: 0,
  max: 6,
  names: WEEKDAYS,
  alias: 7,
};
export const YEAR: Field = { name: "year", min: 1, max: 9999 };

/** `first`, `first + step`, … up to `last`; the range wraps where `last` is below `first`. */
export interface Range {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** Throws the error of the expression, for a problem with a `value` of a field. */
export type Fail = (problem: string, field?: Field, value?: string) => never;

/** Splits a field at its commas. `?` alone means `*` in the two day fields (Quartz). */
export function items(text: string, field: Field, fail: Fail): string[] {
  if (text === "?") {
    if (field === DAY_OF_MONTH || field === DAY_OF_WEEK) return ["*"];
    fail(`${field.name} cannot be ?, which is for the two day fields`, field, text);
  }
  const list = text.split(",");
  if (list.includes("")) fail(`${field.name} ${text} has an empty list item`, field, text);
  return list;
}

/** Parses `*`, `5`, `5-10` and each with `/step`; `5/15` runs from 5 to the field's end. */
export function parseRange(item: string, field: Field, fail: Fail): Range {
  const match = /^(?:(\*)|([^-/*]+)(?:-([^-/*]+))?)(?:\/([^/]+))?$/.exec(item);
  if (!match) fail(`${field.name} ${item} is not a value, a range or a step`, field, item);
  const [, star, from, to, every] = match;
  const step = every === undefined ? 1 : parseStep(every, item, field, fail);
  if (star) return { first: field.min, last: field.max, step };
  const value = parseValue(from ?? "", item, field, fail);
  const first = fold(value, field);
  if (to === undefined) return { first, last: every === undefined ? first : field.max, step };
  const last = parseValue(to, item, field, fail);
  // Sunday is 0, but 7 as the end of a longer range.
  return { first, last: last === value ? first : last, step };
}

/** Returns 0 for Sunday's 7, and every other value as it is. */
export function fold(value: number, field: Field): number {
  return value === field.alias ? field.min : value;
}

/** Parses a number or a name of the list item `item`. */
export function parseValue(text: string, item: string, field: Field, fail: Fail): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return field.min + named;
  if (!/^\d+$/.test(text)) {
    const where = text === item ? text : `${text} in ${item}`;
    fail(`${field.name} ${where} is not ${allowed(field)}${similar(text, field)}`, field, item);
  }
  const value = Number(text);
  if (value < field.min || value > (field.alias ?? field.max)) {
    fail(
      `${field.name} ${value} is out of range ${field.min} to ${field.alias ?? field.max}`,
      field,
      item,
    );
  }
  return value;
}

/**
 * Suggests the name that `text` spells out (`Monday`, `SEPT`) or nearly is. The first letter has to
 * be the same, and no other name as near: `LUN`, `DON` and `MAI` are no days and months but those of
 * other languages, and a hint at `SUN`, `MON` and `MAR` would be wrong.
 */
function similar(text: string, { names = [] }: Field): string {
  const upper = text.toUpperCase();
  const spelt = /^[A-Z]{3,}$/.test(upper) && names.find((name) => upper.startsWith(name));
  if (spelt) return suggestion(spelt, names);
  const near = names.filter((name) => name[0] === upper[0] && nearest(text, [name]) !== undefined);
  return near.length === 1 ? suggestion(text, near) : "";
}

function parseStep(text: string, item: string, field: Field, fail: Fail): number {
  const size = field.max - field.min + 1;
  const step = /^\d+$/.test(text) ? Number(text) : 0;
  if (step < 1 || step > size) {
    fail(`${field.name} step ${text} in ${item} is out of range 1 to ${size}`, field, item);
  }
  return step;
}

function allowed(field: Field): string {
  const numbers = `a number from ${field.min} to ${field.alias ?? field.max}`;
  return field.names ? `${numbers} or a name ${field.names.join(", ")}` : numbers;
}

/**
 * Writes a range as croner reads it, in numbers and without wrapping. One that wraps becomes two,
 * with the step carried across the field's end: hours `22-4/3` are `22-23/3,1-4/3`.
 */
export function rangeText({ first, last, step }: Range, { min, max }: Field): string {
  if (first === last) return `${first}`;
  if (last > first) return `${first}-${last}/${step}`;
  const size = max - min + 1;
  const goesOn = first + Math.ceil((max + 1 - first) / step) * step - size;
  return `${first}-${max}/${step}` + (goesOn > last ? "" : `,${goesOn}-${last}/${step}`);
}
