/** Where an entry begins that is taken up where somebody left it. */
import assert from "node:assert/strict";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { catchUpInEffect } from "../../lib/schedule/catch_up.ts";
import {
  advance,
  beginTimeline,
  limitCatchUp,
  type Remembered,
} from "../../lib/schedule/timeline.ts";
import type { CatchUp } from "../../lib/wire/vocabulary.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";

const NOW = Date.parse("2026-01-01T12:00:30.500Z");
const seconds = (instant: number) => (instant - NOW) / 1000;

function begin(entry: ScheduleEntry, known: Partial<Remembered>) {
  return beginTimeline(entry, {
    now: NOW,
    known: { since: NOW - 1_000_000, last: null, startsAt: null, firedUntil: null, ...known },
  });
}

/** What fires at once and what after that, in seconds from now. */
function firings(entry: ScheduleEntry, known: Partial<Remembered>, count = 3): number[] {
  const timeline = begin(entry, known);
  const firesEach = entry.catchUp === "all";
  return Array.from({ length: count }, () => {
    const now = Math.max(NOW, timeline.fireAt);
    return seconds(advance(timeline, now, firesEach).scheduledFor.getTime());
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
  const known = { since: NOW - 90_000, last: NOW - 30_500, startsAt: null, firedUntil: null };
  const first = (hasReplicas: boolean) => {
    const timeline = beginTimeline(unset, { now: NOW, known, hasReplicas });
    return seconds(+advance(timeline, NOW, false).scheduledFor);
  };
  assert.deepEqual([first(true), first(false)], [-0.5, 9.5]);
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
  const timeline = begin(intervalEntry("i", 3), { last: NOW + 3_600_000 });
  assert.equal(timeline.fireAt, NOW + 3000);
});

Deno.test("what its jitter still holds back has not been missed", () => {
  const entry = cronEntry("jittered", "0 * * * * *", { jitterSeconds: 59 });
  const timeline = begin(entry, { last: NOW - 90_500 });
  assert.ok(timeline.fireAt > NOW);
  assert.ok(timeline.next === NOW - 30_500 || timeline.next === NOW + 29_500);
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
  const timeline = begin(entry, { since: 0, last: NOW - 3_600_500 });
  assert.equal(limitCatchUp(timeline, NOW), true);
  assert.equal(seconds(timeline.next), -999.5);
  assert.equal(limitCatchUp(timeline, NOW), false);
});

Deno.test("years of missed occurrences are counted in no time", () => {
  const entry = cronEntry("c", "* * * * * *", { catchUp: "all" });
  const started = performance.now();
  const timeline = begin(entry, { since: 0, last: NOW - 10 * 365 * 86_400_000 });
  assert.equal(limitCatchUp(timeline, NOW), true);
  assert.equal(seconds(timeline.next), -999.5);
  assert.ok(performance.now() - started < 1000);
});
