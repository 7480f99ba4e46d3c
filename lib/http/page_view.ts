/**
 * Makes the JSON that the page shows: everything at first, then what changed.
 *
 * @module
 */
import { DEFAULTS } from "../config/config_schema.ts";
import { TimingTable } from "../config/timing/timing_table.ts";
import { KINDS, QUARTER_HOUR_MS } from "../engine/history.ts";
import { type DayAhead, dayAhead, QUARTERS } from "../forecast/day_ahead.ts";
import type { Recurrence } from "../forecast/recurrence.ts";
import type { SchedulerState } from "./protocol.ts";
import { instantInZone } from "../time/instant_in_zone.ts";
import type { EntryState, Row, Snapshot } from "./snapshot.ts";

/** The most rows of a page; others are found by a part of their names. */
export const MAX_ROWS = 200;
const MAX_TEXT_CHARACTERS = 160;

export interface PageSummary {
  name: string;
  version: string;
  /** The format of goals and tasks; null for that of Heddle's releases. */
  wire: string | null;
  now: number;
  running_since: number | null;
  is_connected: boolean;
  /** What is wrong with the way that dispatches take, a sentence for each subject. */
  detours: string[];
  is_paused: boolean;
  may_control: boolean;
  reload: { at: string; outcome: "ok" | "failed"; problems: string[] } | null;
  replica: { name: string; held: number[]; shards: number; others: string[] } | null;
  entry_count: number;
  /** How many entries match the filter. */
  matching: number;
  quarter_ms: number;
  /** The number of the first quarter of `past`, counted from the epoch. */
  past_from: number;
  past: { fired: number; failed: number; skipped: number }[];
  ahead_from: number;
  ahead: readonly number[];
  ahead_is_cut: boolean;
}

export interface PageRow {
  name: string;
  timing: string;
  what: string;
  /** The description and the labels. */
  notes: string;
  state: EntryState;
  /** True also where it is disabled as well, which `state` says then. */
  is_paused: boolean;
  next: number | null;
  /** The same by the clocks of the entry's zone. */
  next_text: string;
  last: {
    outcome: string;
    scheduled_for: number;
    at: number;
    /** The same by the clocks of the entry's zone. */
    at_text: string;
    lateness: number;
    dispatches: number;
    error: string | null;
  } | null;
  fired: number;
  failed: number;
  skipped: number;
  /** One character for each quarter of the last day, up to the current one: `.`, `f`, `s` or `x`. */
  past: string;
  /** One for each quarter of the next day: `1` where the entry is due, else `0`. */
  ahead: string;
}

export function summaryOf(
  snapshot: Snapshot,
  { version, mayControl, ahead, matching, now }: {
    version: string;
    mayControl: boolean;
    ahead: DayAhead;
    matching: number;
    now: number;
  },
): PageSummary {
  const { state } = snapshot;
  const current = Math.floor(now / QUARTER_HOUR_MS);
  const pastFrom = current - QUARTERS + 1;
  const past = Array.from({ length: QUARTERS }, (_, index) => {
    return snapshot.totals.quarters.get(pastFrom + index) ?? { fired: 0, failed: 0, skipped: 0 };
  });
  const { lastReload = null, replica = null } = state ?? {};
  return {
    name: state?.name ?? "",
    version,
    wire: state === null || state.wire === DEFAULTS.wire ? null : state.wire,
    now,
    running_since: state?.runningSince ?? null,
    is_connected: state?.isConnected ?? false,
    detours: state === null ? [] : detoursOf(state),
    is_paused: state?.paused.all ?? false,
    may_control: mayControl,
    reload: lastReload && {
      at: lastReload.at,
      outcome: lastReload.outcome,
      problems: lastReload.problems.map(({ line, column, severity, message }) =>
        `${line ?? 1}:${column ?? 1}: ${severity}: ${message}`
      ),
    },
    replica: replica &&
      {
        name: replica.name,
        held: [...replica.held],
        shards: replica.shards,
        others: [...replica.others],
      },
    entry_count: snapshot.rows.length,
    matching,
    quarter_ms: QUARTER_HOUR_MS,
    past_from: pastFrom,
    past,
    ahead_from: ahead.from,
    ahead: ahead.counts,
    ahead_is_cut: ahead.isCut,
  };
}

/** The most sentences about subjects. */
const MAX_DETOURS = 8;

function detoursOf({ ways, isConnected }: SchedulerState): string[] {
  const all = ways.flatMap(({ subject, via, stream, since, error }) => {
    if (via === "fallback") {
      return `${subject}: over core NATS since ${since}, since the stream ${stream} is gone`;
    }
    if (via !== "unknown" || !isConnected) return [];
    return `${subject}: not known since ${since}, ${error ?? "the server has not answered yet"}`;
  });
  const more = all.length - MAX_DETOURS;
  return more > 0 ? [...all.slice(0, MAX_DETOURS), `the same of ${more} or more others`] : all;
}

/** Enough for an entry that is due every second: after it, each quarter counts as due. */
const MAX_LOOKUPS = 2000;
const LETTERS = { fired: "f", skipped: "s", failed: "x" };

/** @param now milliseconds since the epoch */
export function rowOf(row: Row, snapshot: Snapshot, now: number): PageRow {
  const { view, next } = row;
  const { counts = {}, last = null } = row.firings ?? {};
  const recurrence = recurrenceOf(row, new TimingTable());
  const { dispatched = 0, empty = 0, failed = 0, ...skipped } = counts;
  return {
    name: view.name,
    timing: recurrence.timing.label,
    what: `${view.dispatchType}: ${cut(view.what)}${
      view.expansion === null ? "" : ` × ${cut(view.expansion)}`
    }`,
    notes: view.notes,
    state: snapshot.stateOf(row),
    is_paused: snapshot.isPaused(row),
    next: next === Infinity ? null : next,
    next_text: next === Infinity ? "" : instantInZone(wholeSecond(next), view.timezone),
    last: last && {
      outcome: last.outcome,
      scheduled_for: last.scheduledFor,
      at: last.at,
      at_text: instantInZone(wholeSecond(last.at), view.timezone),
      lateness: last.lateness,
      dispatches: last.dispatches,
      error: last.error && cut(last.error),
    },
    fired: dispatched + empty,
    failed,
    skipped: Object.values(skipped).reduce((sum, each) => sum + each, 0),
    past: pastLane(row, now),
    ahead: view.enabled && !snapshot.isPaused(row)
      ? aheadLane(recurrence, now)
      : "0".repeat(QUARTERS),
  };
}

function wholeSecond(instant: number): number {
  return Math.floor(instant / 1000) * 1000;
}

function pastLane({ quarters }: Row, now: number): string {
  const first = Math.floor(now / QUARTER_HOUR_MS) - QUARTERS + 1;
  const lane = new Array<string>(QUARTERS).fill(".");
  for (const each of quarters) {
    const place = Math.floor(each / 4) - first;
    if (place >= 0 && place < QUARTERS) lane[place] = LETTERS[KINDS[each % 4]!];
  }
  return lane.join("");
}

/** An entry as far as it says when it fires; the timings are made here, apart from the scheduler's. */
export function recurrenceOf({ view, next }: Row, timings: TimingTable): Recurrence {
  return { timing: timings.remade(view.timing, view.timezone), endAt: view.endAt, next };
}

function aheadLane(recurrence: Recurrence, now: number): string {
  const { counts, isCut } = dayAhead([recurrence], now, { lookups: MAX_LOOKUPS });
  const known = counts.findLastIndex((count) => count > 0);
  return counts.map((count, at) => count > 0 || (isCut && at > known) ? "1" : "0").join("");
}

function cut(text: string): string {
  return text.length > MAX_TEXT_CHARACTERS ? `${text.slice(0, MAX_TEXT_CHARACTERS)}…` : text;
}
