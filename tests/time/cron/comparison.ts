import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { walk, type Window } from "./oracle.ts";
import type { Random } from "./random_expression.ts";

const DAY = 86_400;

/** Where a cadence and the walk through real time do not agree; instants in seconds. */
export interface Difference {
  readonly expression: string;
  readonly zone: string;
  readonly after: number;
  readonly expected: number | undefined;
  readonly actual: number | undefined;
}

export interface Questions {
  readonly chance: Random;
  readonly expression: string;
  readonly zone: string;
  /** How many instants to ask about: the first is the window's third day's, the rest are random. */
  readonly asks: number;
}

/** The first difference between the cadence and a walk through the window, or null. */
export function differenceIn(window: Window, questions: Questions): Difference | null {
  const { chance, expression, zone, asks } = questions;
  const cadence = cronCadence(expression, zone);
  const due = walk(expression, window);
  const first = window.from + 2 * DAY;
  const last = window.from + window.shown.length * window.step;
  for (let ask = 0; ask < asks; ask++) {
    const after = ask === 0 ? first - 1 : first + Math.floor(chance() * (last - first));
    const expected = due[lowerBound(due, after + 1)];
    const next = cadence.next(new Date(after * 1000 + Math.floor(chance() * 1000)))?.getTime();
    const actual = next !== undefined && next < last * 1000 ? next / 1000 : undefined;
    if (actual !== expected) return { expression, zone, after, expected, actual };
  }
  return null;
}

export function describe({ expression, zone, after, expected, actual }: Difference): string {
  return `"${expression}" in ${zone} after ${iso(after)}: expected ${iso(expected)}, ` +
    `got ${iso(actual)}`;
}

export function iso(seconds: number | undefined): string {
  return seconds === undefined ? "none in the window" : new Date(seconds * 1000).toISOString();
}

function lowerBound(list: number[], value: number): number {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
