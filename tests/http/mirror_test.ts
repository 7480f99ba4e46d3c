/** The HTTP server's own picture of the schedules. */
import assert from "node:assert/strict";
import { Mirror, pastOf } from "../../lib/http/mirror.ts";
import { rowOf } from "../../lib/http/page_view.ts";
import type { EntryView } from "../../lib/http/protocol.ts";
import { QUARTER } from "../../lib/forecast/day_ahead.ts";
import { type Outcome, OUTCOMES } from "../../lib/engine/history.ts";

const NOON = Date.parse("2026-11-24T12:00:00Z");
const HOUR = 3_600_000;

function entry(name: string, rest: Partial<EntryView> = {}): EntryView {
  return {
    name,
    cron: "0 * * * *",
    intervalSeconds: null,
    timezone: "UTC",
    startAt: null,
    endAt: null,
    dispatchType: "task",
    what: "w",
    expandFrom: null,
    enabled: true,
    ...rest,
  };
}

function mirrorOf(...entries: EntryView[]) {
  const mirror = new Mirror();
  mirror.take({ type: "entries", isFirst: true, entries }, 0);
  const nexts = Float64Array.from(entries, () => NOON + HOUR);
  mirror.take({ type: "nexts", from: 0, nexts }, 0);
  const record = (place: number, outcome: Outcome, at: number, error?: string) => {
    const records = Float64Array.of(place, OUTCOMES.indexOf(outcome), at, at, 5, 1, NaN, NaN, 1);
    const errors = error === undefined ? [] : [[0, error] as const];
    mirror.take({ type: "records", records, errors }, 0);
  };
  return { mirror, record };
}

Deno.test("of a quarter of an hour the worst is shown, for a day", () => {
  const { mirror, record } = mirrorOf(entry("a"));
  const [row] = mirror.rows as [typeof mirror.rows[0]];
  record(0, "dispatched", NOON);
  record(0, "failed", NOON + 1000, "no sessions");
  record(0, "dispatched", NOON + 2000);
  record(0, "overlap", NOON + 2 * HOUR);
  const at = (hours: number) => pastOf(row, Math.floor((NOON + hours * HOUR) / QUARTER));
  assert.deepEqual([at(-1), at(0), at(1), at(2), at(3)], [0, 3, 0, 2, 0]);
  record(0, "dispatched", NOON + 25 * HOUR);
  assert.deepEqual([at(0), at(2), at(25)], [0, 2, 1]);
  record(0, "dispatched", NOON + 1000 * HOUR);
  assert.deepEqual([at(2), at(25), at(999), at(1000)], [0, 0, 0, 1]);
});

Deno.test("a row has its day back and its day ahead", () => {
  const { mirror, record } = mirrorOf(
    entry("hourly"),
    entry("each second", { cron: "* * * * * *" }),
    entry("off", { enabled: false }),
  );
  record(0, "failed", NOON - HOUR, "no sessions");
  const rows = mirror.rows.map((row) => rowOf(row, mirror, NOON + 1));
  assert.equal(rows[0]!.past.length, 96);
  assert.equal(rows[0]!.past.slice(-5), "x....");
  assert.match(rows[0]!.ahead, /^0000(1000){23}$/);
  assert.equal(rows[0]!.last!.error, "no sessions");
  assert.match(rows[1]!.ahead, /^00001+$/);
  assert.match(rows[2]!.ahead, /^0{96}$/);
});

Deno.test("other entries keep what is known of those that stay", () => {
  const { mirror, record } = mirrorOf(entry("a"), entry("b"));
  record(1, "dispatched", NOON);
  mirror.take({ type: "entries", isFirst: true, entries: [entry("b"), entry("c")] }, 0);
  assert.deepEqual(mirror.rows.map(({ view, dispatches }) => [view.name, dispatches]), [
    ["b", 1],
    ["c", 0],
  ]);
});

Deno.test("what another replica fires has not run out", () => {
  const { mirror } = mirrorOf(entry("a"), entry("b"));
  mirror.take({ type: "nexts", from: 0, nexts: Float64Array.of(NOON, Infinity) }, 0);
  const [a, b] = mirror.rows as [typeof mirror.rows[0], typeof mirror.rows[0]];
  const state = (held: number[]) => ({
    type: "state" as const,
    state: {
      name: "s",
      runningSince: NOON,
      waitingFor: null,
      isConnected: true,
      paused: { all: false, entries: [] },
      lastReload: null,
      reloads: { ok: 0, failed: 0 },
      replica: { name: "r", held, shards: 2, others: [], isKnown: true },
    },
  });
  mirror.take(state([0]), 0);
  assert.deepEqual([mirror.stateOf(a), mirror.stateOf(b)], ["active", "elsewhere"]);
  mirror.take(state([0, 1]), 0);
  assert.equal(mirror.stateOf(b), "exhausted");
});
