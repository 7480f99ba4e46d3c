import assert from "node:assert/strict";
import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";
import { clocksOf, read } from "./oracle.ts";

/** An expression in a zone, an instant, and the occurrence that follows it; in milliseconds. */
export interface Given {
  readonly expression: string;
  readonly zone: string;
  readonly after: number;
  readonly due: number;
}

/** What holds of every cron cadence, by its promise. Each throws an `AssertionError` if it does not. */
export const PROPERTIES: Record<string, (given: Given) => void> = {
  "an occurrence is strictly later than the instant asked about": ({ after, due }) => {
    assert.ok(due > after);
    assert.ok(due % 1000 === 0);
  },

  "between an instant and its occurrence, the occurrence stays the same": (given) => {
    const cadence = cronCadence(given.expression, given.zone);
    for (const part of [0, 0.001, 0.3, 0.5, 0.77, 0.999, 1]) {
      const between = Math.floor(given.after + part * (given.due - 1 - given.after));
      assert.equal(cadence.next(new Date(between))?.getTime(), given.due, `at ${between}`);
    }
  },

  "an answer does not depend on what was asked before": ({ expression, zone, after, due }) => {
    const used = cronCadence(expression, zone);
    for (const other of [due, 0, 4e12, after - 1e10, due + 1e11]) used.next(new Date(other));
    assert.equal(used.next(new Date(after))?.getTime(), due);
  },

  "the clocks of the zone show a time that the expression names, or have just skipped one": (
    given,
  ) => {
    const { matches, wildcard } = read(given.expression);
    const clocks = clocksOf(given.zone);
    const at = given.due / 1000;
    const shown = clocks(at);
    const skipped = shown - clocks(at - 1) - 1;
    if (wildcard || skipped <= 0) assert.ok(matches(shown), new Date(given.due).toISOString());
    else {
      const candidates = Array.from({ length: skipped + 1 }, (_, back) => shown - back);
      assert.ok(candidates.some(matches), new Date(given.due).toISOString());
    }
  },

  "stepping from occurrence to occurrence passes none over": ({ expression, zone, after }) => {
    const cadence = cronCadence(expression, zone);
    const fresh = (instant: number) => cronCadence(expression, zone).next(new Date(instant));
    let at: Date | null = new Date(after);
    for (let step = 0; step < 5; step++) {
      const previous: Date = at;
      at = cadence.next(previous);
      if (!at) return;
      // Halving the stretch between two occurrences finds none inside.
      for (let left = previous.getTime(), right = at.getTime(); right - left > 1;) {
        const middle = Math.floor((left + right) / 2);
        assert.equal(fresh(middle)?.getTime(), at.getTime());
        left = middle;
      }
    }
  },
};
