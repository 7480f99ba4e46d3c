/** Where an entry begins that is taken up where somebody left it. */
import assert from "node:assert/strict";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { catchUpInEffect } from "../../lib/schedule/catch_up.ts";
import {
  advance,
  begin as beginAt,
  type Beginning,
  fireAtOf,
  type Known,
  limitCatchUp,
} from "../../lib/schedule/occurrences.ts";
import type { CatchUp } from "../../lib/wire/vocabulary.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";

const NOW = Date.parse("2026-01-01T12:00:30.500Z");
const seconds = (instant: number) => (instant - NOW) / 1000;

/** @param known what the checkpoint says, but for what is the same in most tests */
function begin(entry: ScheduleEntry, known: Partial<Known>, hasReplicas = false): Beginning {
  return beginAt(entry, {
    now: NOW,
    catchUp: catchUpInEffect(entry, hasReplicas),
    known: {
      since: NOW - 1_000_000,
      last: null,
      isNew: false,
      startsAt: null,
      firedUntil: null,
      ...known,
    },
  });
}

/** Returns what fires at once and what after that, in seconds from now. */
function firings(
  entry: ScheduleEntry,
  known: Partial<Known>,
  { count = 3, hasReplicas = false } = {},
): number[] {
  const beginning = begin(entry, known, hasReplicas);
  const firesEach = entry.catchUp === "all";
  return Array.from({ length: count }, () => {
    const fireAt = fireAtOf(beginning);
    const now = Math.max(NOW, fireAt);
    return seconds(advance(beginning, { now, fireAt, firesEach }).scheduledFor);
  });
}

const each = (catchUp: CatchUp) => cronEntry("c", "*/10 * * * * *", { catchUp });

Deno.test("what was missed: policy by policy", () => {
  const known = { last: NOW - 30_500 };
  const rows: [CatchUp, number[]][] = [
    ["none", [9.5, 19.5, 29.5]],
    ["one", [-0.5, 9.5, 19.5]],
    ["all", [-20.5, -10.5, -0.5]],
  ];
  for (const [policy, expected] of rows) {
    assert.deepEqual(firings(each(policy), known), expected, policy);
  }
});

Deno.test("where the file does not say, the latest fires with replicas, and none without", () => {
  const unset = cronEntry("c", "*/10 * * * * *", { catchUp: null });
  const first = (hasReplicas: boolean) =>
    firings(unset, { last: NOW - 30_500 }, { count: 1, hasReplicas });
  assert.deepEqual([first(true), first(false)], [[-0.5], [9.5]]);
  const rows: [CatchUp | null, boolean, CatchUp][] = [
    [null, true, "one"],
    [null, false, "none"],
    ["none", true, "none"],
    ["all", false, "all"],
  ];
  for (const [catchUp, hasReplicas, expected] of rows) {
    assert.equal(catchUpInEffect({ catchUp }, hasReplicas), expected);
  }
});

Deno.test("where nothing was missed every policy goes on with the next", () => {
  const known = { last: NOW - 500 };
  for (const policy of ["none", "one", "all"] as const) {
    assert.deepEqual(firings(each(policy), known), [9.5, 19.5, 29.5], policy);
  }
});

Deno.test("an entry that never fired is caught up with since it is known, not since ever", () => {
  assert.deepEqual(firings(each("all"), { since: NOW - 15_000 }), [-10.5, -0.5, 9.5]);
  assert.deepEqual(firings(each("one"), { since: NOW }), [9.5, 19.5, 29.5]);
});

Deno.test("a clean hand-over skips nothing, also without catching up", () => {
  const known = { last: NOW - 10_500, firedUntil: NOW - 2000 };
  assert.deepEqual(firings(each("none"), known), [-0.5, 9.5, 19.5]);
  const later = { last: NOW - 10_500, firedUntil: NOW - 400 };
  assert.deepEqual(firings(each("none"), later), [9.5, 19.5, 29.5]);
});

Deno.test("what another replica fired ahead of our clock does not fire again", () => {
  for (const policy of ["none", "one", "all"] as const) {
    assert.deepEqual(firings(each(policy), { last: NOW + 9500 }), [19.5, 29.5, 39.5], policy);
  }
});

Deno.test("an interval keeps the phase of when it was first seen", () => {
  const known = { since: NOW - 7000, last: NOW - 1000 };
  assert.deepEqual(firings(intervalEntry("i", 3), known), [2, 5, 8]);
  assert.deepEqual(
    firings(intervalEntry("i", 3, { catchUp: "all" }), { ...known, last: NOW - 4000 }),
    [-1, 2, 5],
  );
});

Deno.test("a clock that was set back by hours does not silence an interval", () => {
  const beginning = begin(intervalEntry("i", 3), { last: NOW + 3_600_000 });
  assert.equal(beginning.fireAt, NOW + 3000);
});

Deno.test("what its jitter still holds back has not been missed", () => {
  const entry = cronEntry("jittered", "0 * * * * *", { jitterSeconds: 59 });
  const beginning = begin(entry, { last: NOW - 90_500 });
  assert.ok(beginning.fireAt > NOW);
  assert.ok(beginning.next === NOW - 30_500 || beginning.next === NOW + 29_500);
});

Deno.test("run_on_start fires where the start is, and not when a replica takes over", () => {
  const entry = cronEntry("c", "0 0 * * * *", { runOnStart: true });
  assert.equal(begin(entry, { startsAt: NOW }).next, NOW);
  assert.equal(begin(entry, { startsAt: null }).next, Date.parse("2026-01-01T13:00:00Z"));
  const missed = { ...entry, catchUp: "all" as const };
  const known = { startsAt: NOW, last: NOW - 7_300_000 };
  assert.ok(begin(missed, known).next < NOW, "what was missed comes first");
});

Deno.test("a disabled entry is not caught up with", () => {
  assert.equal(begin({ ...each("all"), enabled: false }, { last: NOW - 60_000 }).next, Infinity);
});

Deno.test("of more than a thousand missed occurrences the last thousand are left", () => {
  const entry = cronEntry("c", "* * * * * *", { catchUp: "all" });
  const beginning = begin(entry, { since: 0, last: NOW - 3_600_500 });
  assert.equal(limitCatchUp(beginning, NOW), true);
  assert.equal(seconds(beginning.next), -999.5);
  assert.equal(limitCatchUp(beginning, NOW), false);
});

Deno.test("years of missed occurrences are counted in no time", () => {
  const entry = cronEntry("c", "* * * * * *", { catchUp: "all" });
  const started = performance.now();
  const beginning = begin(entry, { since: 0, last: NOW - 10 * 365 * 86_400_000 });
  assert.equal(limitCatchUp(beginning, NOW), true);
  assert.equal(seconds(beginning.next), -999.5);
  assert.ok(performance.now() - started < 1000);
});
