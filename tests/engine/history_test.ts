/** What is counted where firings end. */
import assert from "node:assert/strict";
import { type FiringRecord, History, KINDS, QUARTER_HOUR_MS } from "../../lib/engine/history.ts";
import { Job } from "../../lib/engine/job.ts";
import { intervalEntry } from "../helpers/entries.ts";

const NOON = Date.parse("2026-11-24T12:00:00Z");
const HOUR = 3_600_000;

function setUp() {
  const history = new History();
  const job = new Job(intervalEntry("a", 60));
  const add = (outcome: FiringRecord["outcome"], at = NOON, rest: Partial<FiringRecord> = {}) =>
    history.add(job, {
      entry: "a",
      outcome,
      scheduledFor: at,
      passedOverSince: null,
      at,
      lateness: 5,
      dispatches: outcome === "dispatched" ? 1 : 0,
      expansion: null,
      error: null,
      next: null,
      occurrences: 1,
      ...rest,
    });
  /** What was worst in the quarter of an hour that begins so many hours after noon. */
  const worst = (hours: number) => {
    const quarter = Math.floor((NOON + hours * HOUR) / QUARTER_HOUR_MS);
    const found = job.history!.quarters.find((each) => Math.floor(each / 4) === quarter);
    return found === undefined ? "none" : KINDS[found % 4];
  };
  return { history, job, add, worst };
}

Deno.test("a job that has not fired has no history", () => {
  assert.equal(new Job(intervalEntry("a", 60)).history, null);
});

Deno.test("outcomes and messages of a job are counted, and the last of each kind is kept", () => {
  const { job, add } = setUp();
  add("dispatched", NOON, { dispatches: 3 });
  add("overlap", NOON + 1000);
  add("missed", NOON + 2000, { occurrences: 40 });
  const { counts, dispatches, last, lastDispatched } = job.history!;
  assert.deepEqual(counts, { dispatched: 1, overlap: 1, missed: 40 });
  assert.deepEqual([dispatches, last.outcome, lastDispatched?.at], [3, "missed", NOON]);
});

Deno.test("of a quarter of an hour the worst is kept, for a day", () => {
  const { add, worst, job } = setUp();
  add("dispatched", NOON);
  add("failed", NOON + 1000);
  add("dispatched", NOON + 2000);
  add("overlap", NOON + 2 * HOUR);
  assert.deepEqual([-1, 0, 1, 2, 3].map(worst), ["none", "failed", "none", "skipped", "none"]);
  add("dispatched", NOON + 24 * HOUR);
  assert.deepEqual([0, 2, 24].map(worst), ["failed", "skipped", "fired"]);
  add("dispatched", NOON + 25 * HOUR);
  assert.deepEqual([0, 2, 25].map(worst), ["none", "skipped", "fired"]);
  add("dispatched", NOON + 1000 * HOUR);
  assert.deepEqual([2, 25, 999, 1000].map(worst), ["none", "none", "none", "fired"]);
  assert.equal(job.history!.quarters.length, 1);
});

Deno.test("the quarters of a job are another list only where they differ", () => {
  const { add, job } = setUp();
  add("overlap");
  const { quarters } = job.history!;
  add("dispatched");
  add("overlap");
  assert.equal(job.history!.quarters, quarters);
  add("failed");
  assert.notEqual(job.history!.quarters, quarters);
});

Deno.test("after the clock was set back, a firing counts for the quarter that it shows", () => {
  const { add, worst, job } = setUp();
  add("dispatched", NOON);
  add("dispatched", NOON + 2 * HOUR);
  add("failed", NOON);
  add("overlap", NOON + HOUR);
  assert.deepEqual([0, 1, 2].map(worst), ["failed", "skipped", "fired"]);
  assert.deepEqual(job.history!.quarters, job.history!.quarters.toSorted((a, b) => a - b));
});

Deno.test("of all jobs, what ended in a quarter of an hour is counted for a day", () => {
  const { history, add } = setUp();
  for (const outcome of ["dispatched", "empty", "failed", "overlap", "missed"] as const) {
    add(outcome);
  }
  add("dispatched", NOON + HOUR);
  const { quarters } = history.totals;
  assert.deepEqual([...quarters.values()], [
    { fired: 2, skipped: 2, failed: 1 },
    { fired: 1, skipped: 0, failed: 0 },
  ]);
  add("dispatched", NOON + 25 * HOUR);
  assert.equal(quarters.size, 2);
  assert.ok(!quarters.has(NOON / QUARTER_HOUR_MS));
});

Deno.test("lateness is counted of what was not skipped, an expansion's time where there was one", () => {
  const { history, add } = setUp();
  add("dispatched", NOON, { lateness: 1 });
  add("failed", NOON, { lateness: 1.5, expansion: 400_000 });
  add("empty", NOON, { lateness: 0, expansion: 30 });
  add("misfire", NOON, { lateness: 5000 });
  const { lateness, expansion } = history.totals;
  assert.deepEqual(lateness.counts.slice(0, 3), [2, 1, 0]); // a bound counts as below itself
  assert.equal(lateness.sum, 0.0025);
  assert.equal(lateness.counts.reduce((a, b) => a + b), 3);
  assert.deepEqual([expansion.counts.at(-1), expansion.counts[2], expansion.sum], [1, 1, 400.03]);
});

Deno.test("a listener is told of each record and its job, until it ends that", () => {
  const { history, add, job } = setUp();
  const told: unknown[] = [];
  const end = history.listen((record, of) => told.push([record.outcome, of]));
  add("dispatched");
  end();
  add("failed");
  assert.deepEqual(told, [["dispatched", job]]);
});
