import { quoted } from "../../internal/excerpt.ts";
import { CronExpressionError, cronFieldCount, describeSixFields } from "./cron_cadence.ts";
import {
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  type Field,
  HOUR,
  items,
  MINUTE,
  MONTH,
  parseRange,
  type Range,
} from "./cron_field.ts";

const FIELDS = [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK];

/**
 * Returns a sentence for each part of a valid expression that croniter, which Heddle's Python
 * scheduler uses, reads differently (versions 1.3 to 6.2).
 */
export function croniterDifferences(expression: string): string[] {
  const cron = `cron ${quoted(expression)}`;
  const count = cronFieldCount(expression);
  if (count > FIELDS.length) {
    return [
      `${cron} has ${count} fields, read with seconds first (${describeSixFields(expression)}); ` +
      "Python's croniter reads the sixth as seconds",
    ];
  }
  const texts = expression.trim().split(/\s+/);
  if (texts.length < FIELDS.length) return []; // a nickname
  const differences = [
    ...everyDay(texts[2]!, DAY_OF_MONTH, texts[4]!, DAY_OF_WEEK),
    ...everyDay(texts[4]!, DAY_OF_WEEK, texts[2]!, DAY_OF_MONTH),
    ...FIELDS.flatMap((field, place) => ranges(texts[place]!, field, expression)),
  ];
  return differences.map((difference) => `${cron}: ${difference}`);
}

/** Reports a day field that allows every day: croniter ignores it only as `*` or `?`. */
function everyDay(text: string, field: Field, other: string, otherField: Field): string[] {
  if (text !== "*/1" || ["*", "?", "*/1"].includes(other)) return [];
  return [
    `${field.name} ${text} is read as * here, so that ${otherField.name} ${other} alone decides; ` +
    "Python's croniter fires on every day: write the days that are meant, with * in place of " +
    text,
  ];
}

/** Reports ranges that wrap or have one value, such as `59/5`, which ends where it begins. */
function ranges(text: string, field: Field, expression: string): string[] {
  const fail = (problem: string): never => {
    throw new CronExpressionError(expression, problem, field.name, text);
  };
  return items(text, field, fail).filter((item) => /^[^*]+[-/]/.test(item)).flatMap((item) => {
    const range = parseRange(item, field, fail);
    if (range.first < range.last) return [];
    const here = valuesHere(range, field);
    const there = valuesThere(range, field);
    if (hasSame(here, there)) return [];
    const isWhole = range.first === range.last;
    const shown = isWhole ? (range.step === 1 ? "*" : `*/${range.step}`) : there;
    return [
      `${field.name} ${item} is read as ${here} here, and as ${shown} by Python's croniter: ` +
      "write the values that are meant",
    ];
  });
}

/** Returns the values of a range; one that wraps continues at the field's start, with its step. */
function valuesHere({ first, last, step }: Range, { min, max }: Field): number[] {
  if (first === last) return [first];
  const size = max - min + 1;
  return valuesFrom(first, last + size, step).map((value) => min + (value - min) % size);
}

/**
 * Returns the values of a range in croniter: all where it ends where it begins. One that wraps
 * continues one value too late after the field's end, unless the field's first value is next.
 */
function valuesThere({ first, last, step }: Range, { min, max }: Field): number[] {
  if (first === last) return valuesFrom(min, max, step);
  const before = valuesFrom(first, max, step);
  const left = max - before.at(-1)!;
  return [...before, ...valuesFrom(left === step - 1 ? min : min + step - left, last, step)];
}

function valuesFrom(first: number, last: number, step: number): number[] {
  const values = [];
  for (let value = first; value <= last; value += step) values.push(value);
  return values;
}

function hasSame(a: readonly number[], b: readonly number[]): boolean {
  return new Set(a).symmetricDifference(new Set(b)).size === 0;
}
