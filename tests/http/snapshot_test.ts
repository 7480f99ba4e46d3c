/** The schedules as the HTTP server's thread was told of them. */
import assert from "node:assert/strict";
import { rowOf, summaryOf } from "../../lib/http/page_view.ts";
import type { EntryRow, EntryView, SchedulerState, ToServer } from "../../lib/http/protocol.ts";
import { Snapshot } from "../../lib/http/snapshot.ts";
import { History, type Outcome } from "../../lib/engine/history.ts";
import type { Job } from "../../lib/engine/job.ts";

const NOON = Date.parse("2026-11-24T12:00:00Z");
const HOUR = 3_600_000;

function entry(name: string, rest: Partial<EntryView> = {}): EntryView {
  return {
    name,
    timing: { kind: "cron", value: "0 * * * *" },
    timezone: "UTC",
    startAt: null,
    endAt: null,
    dispatchType: "task",
    what: "w",
    expansion: null,
    notes: "",
    enabled: true,
    ...rest,
  };
}

/** What the thread is told of entries, all due an hour after noon, and of their firings. */
function snapshotOf(...views: EntryView[]) {
  const snapshot = new Snapshot();
  const history = new History();
  const tell = (entries: EntryView[], row: (name: string) => EntryRow) =>
    snapshot.take({
      type: "entries",
      isFirst: true,
      isLast: true,
      entries: entries.map((view) => ({ view, row: row(view.name) })),
    }, 0);
  const none = (name: string) => ({ name, next: NOON + HOUR, firings: null });
  tell(views, none);
  const fire = (name: string, outcome: Outcome, at: number, error: string | null = null) => {
    const job = { history: null } as unknown as Job;
    const record = { outcome, scheduledFor: at, at, lateness: 5, dispatches: 1, error };
    history.add(job, { ...record, ...FIRED, entry: name });
    const { quarters, ...firings } = job.history!;
    const row = { name, next: NOON + HOUR, firings: { ...firings, lastDispatched: at }, quarters };
    snapshot.take({ type: "rows", rows: [row] }, 0);
    snapshot.take({ type: "totals", totals: history.totals }, 0);
  };
  return { snapshot, fire, tell, none };
}

/** The scheduler's state, connected and well but for `rest`. */
function stateWith(rest: Partial<SchedulerState>): ToServer {
  const state: SchedulerState = {
    name: "s",
    wire: "v1",
    runningSince: NOON,
    waitingFor: null,
    isConnected: true,
    ways: [],
    heldBack: 0,
    paused: { all: false, entries: [] },
    lastReload: null,
    reloads: { ok: 0, failed: 0 },
    replica: null,
    ...rest,
  };
  return { type: "state", state };
}

const FIRED = { passedOverSince: null, expansion: null, next: null, occurrences: 1 };

Deno.test("a row has its day back and its day ahead", () => {
  const { snapshot, fire } = snapshotOf(
    entry("hourly"),
    entry("each second", { timing: { kind: "cron", value: "* * * * * *" } }),
    entry("off", { enabled: false, notes: "Until spring [team=ops]" }),
  );
  fire("hourly", "failed", NOON - HOUR, "no sessions");
  const rows = snapshot.rows.map((row) => rowOf(row, snapshot, NOON + 1));
  assert.equal(rows[0]!.past.length, 96);
  assert.equal(rows[0]!.past.slice(-5), "x....");
  assert.match(rows[0]!.ahead, /^0000(1000){23}$/);
  assert.equal(rows[0]!.last!.error, "no sessions");
  assert.match(rows[1]!.ahead, /^00001+$/);
  assert.match(rows[2]!.ahead, /^0{96}$/);
  assert.deepEqual(rows.map(({ notes }) => notes), ["", "", "Until spring [team=ops]"]);
});

Deno.test("a row says both that its entry is disabled and that it is paused", () => {
  const { snapshot } = snapshotOf(entry("on"), entry("off", { enabled: false }));
  const states = () =>
    snapshot.rows.map((row) => rowOf(row, snapshot, NOON))
      .map(({ state, is_paused }) => ({ state, is_paused }));
  const [active, disabled] = [{ state: "active" }, { state: "disabled" }];
  assert.deepEqual(states(), [
    { ...active, is_paused: false },
    { ...disabled, is_paused: false },
  ]);
  snapshot.take(stateWith({ paused: { all: false, entries: ["on", "off"] } }), 0);
  assert.deepEqual(states(), [
    { state: "paused", is_paused: true },
    { ...disabled, is_paused: true },
  ]);
});

Deno.test("a row's times are text by the clocks of its zone, from the scheduler's data", () => {
  const { snapshot, fire } = snapshotOf(entry("a", { timezone: "America/Edmonton" }), entry("b"));
  fire("a", "dispatched", NOON + 7);
  const [a, b] = snapshot.rows.map((row) => rowOf(row, snapshot, NOON));
  assert.equal(a!.next_text, "Tue 2026-11-24 07:00:00-06:00");
  assert.equal(a!.last!.at_text, "Tue 2026-11-24 06:00:00-06:00");
  assert.equal(b!.next_text, "Tue 2026-11-24 13:00:00+00:00");
  snapshot.take({ type: "nexts", from: 1, nexts: Float64Array.of(Infinity) }, 0);
  assert.equal(rowOf(snapshot.rows[1]!, snapshot, NOON).next_text, "");
});

Deno.test("a firing older than a day is in no row's day back, nor in the page's", () => {
  const { snapshot, fire } = snapshotOf(entry("a"));
  fire("a", "dispatched", NOON);
  const past = (now: number) => rowOf(snapshot.rows[0]!, snapshot, now).past;
  assert.equal(past(NOON).at(-1), "f");
  assert.equal(past(NOON + 24 * HOUR - 1).at(0), "f");
  assert.equal(past(NOON + 24 * HOUR), ".".repeat(96));
  const options = { version: "0", mayControl: false, matching: 1, now: NOON + HOUR };
  const ahead = { from: 0, counts: [], isCut: false };
  const summary = summaryOf(snapshot, { ...options, ahead });
  assert.deepEqual(summary.past.at(-5), { fired: 1, skipped: 0, failed: 0 });
  assert.deepEqual(summary.past.at(-1), { fired: 0, skipped: 0, failed: 0 });
});

Deno.test("other entries are there once all of them have come, and not before", () => {
  const { snapshot, fire, none } = snapshotOf(entry("a"), entry("b"));
  fire("b", "dispatched", NOON);
  const { firings } = snapshot.rows[1]!;
  const names = () => snapshot.rows.map(({ view }) => view.name);
  const lot = (name: string, isFirst: boolean, row: EntryRow = none(name)) =>
    snapshot.take({
      type: "entries",
      isFirst,
      isLast: !isFirst,
      entries: [{ view: entry(name), row }],
    }, 0);
  lot("c", true);
  assert.deepEqual(names(), ["a", "b"]);
  lot("b", false, { name: "b", next: NOON, firings });
  assert.deepEqual(names(), ["c", "b"]);
  assert.deepEqual(snapshot.rows.map((row) => row.firings?.dispatches), [undefined, 1]);
  fire("a", "dispatched", NOON); // it was under way when it was removed
  assert.deepEqual(names(), ["c", "b"]);
});

Deno.test("a row's quarters stay where nothing is told of them", () => {
  const { snapshot, fire } = snapshotOf(entry("a"));
  fire("a", "failed", NOON);
  const { quarters, firings } = snapshot.rows[0]!;
  snapshot.take({ type: "rows", rows: [{ name: "a", next: NOON, firings }] }, 0);
  assert.equal(snapshot.rows[0]!.quarters, quarters);
  assert.equal(quarters.length, 1);
});

Deno.test("what another replica fires has not run out", () => {
  const { snapshot } = snapshotOf(entry("a"), entry("b"));
  snapshot.take({ type: "nexts", from: 0, nexts: Float64Array.of(NOON, Infinity) }, 0);
  const [a, b] = snapshot.rows as [typeof snapshot.rows[0], typeof snapshot.rows[0]];
  const state = (held: number[]) =>
    stateWith({
      replica: { name: "r", held, shards: 2, others: [], isKnown: true },
    });
  snapshot.take(state([0]), 0);
  assert.deepEqual([snapshot.stateOf(a), snapshot.stateOf(b)], ["active", "elsewhere"]);
  snapshot.take(state([0, 1]), 0);
  assert.equal(snapshot.stateOf(b), "exhausted");
});

Deno.test("the notice of the page names each subject whose dispatches do not go into a stream", () => {
  const { snapshot } = snapshotOf();
  const ahead = { from: 0, counts: [], isCut: false };
  const options = { version: "1", mayControl: false, ahead, matching: 0, now: NOON };
  assert.deepEqual(summaryOf(snapshot, options).detours, []);
  const way = { stream: "WORK", since: "2026-11-24T12:00:00.000Z" };
  const ways: SchedulerState["ways"] = [
    { ...way, subject: "a", via: "jetstream" },
    { ...way, subject: "b", via: "fallback" },
    { ...way, subject: "c", via: "unknown", stream: null, error: "Nobody answered" },
    { ...way, subject: "d", via: "core", stream: null },
  ];
  snapshot.take(stateWith({ ways }), 0);
  assert.deepEqual(summaryOf(snapshot, options).detours, [
    "b: over core NATS since 2026-11-24T12:00:00.000Z, since the stream WORK is gone",
    "c: not known since 2026-11-24T12:00:00.000Z, Nobody answered",
  ]);
  assert.equal(summaryOf(snapshot, options).wire, null);
  snapshot.take(stateWith({ wire: "envelope" }), 0);
  assert.equal(summaryOf(snapshot, options).wire, "envelope");
  const many = Array.from({ length: 20 }, (_, n) => ({ ...ways[1]!, subject: `b${n}` }));
  snapshot.take(stateWith({ ways: many }), 0);
  const { detours } = summaryOf(snapshot, options);
  assert.deepEqual([detours.length, detours.at(-1)], [9, "the same of 12 or more others"]);
});
