/**
 * Counts firings where they end. `status`, the metrics and the page show these counts.
 *
 * @module
 */
import type { Job } from "./job.ts";

/** The outcomes of an occurrence. All but the first three say why it was not dispatched. */
export const OUTCOMES = [
  "dispatched",
  "empty",
  "failed",
  "misfire",
  "overlap",
  "superseded",
  "catch_up_limit",
  "shutdown",
  "paused",
  "removed",
  "missed",
] as const;
/** The outcome of an occurrence: one of {@link OUTCOMES}. */
export type Outcome = typeof OUTCOMES[number];
export type SkipReason = Exclude<Outcome, "dispatched" | "empty" | "failed">;

/** The end of a firing. Instants are in milliseconds since the epoch, durations in milliseconds. */
export interface FiringRecord {
  readonly entry: string;
  readonly outcome: Outcome;
  readonly scheduledFor: number;
  /** The first of the passed occurrences that this one replaces; null where there are none. */
  readonly passedOverSince: number | null;
  /** The instant at which it ended. */
  readonly at: number;
  /** The lateness at which it began or was skipped. */
  readonly lateness: number;
  /** The number of published messages. */
  readonly dispatches: number;
  /** The duration of the expansion; null without one. */
  readonly expansion: number | null;
  readonly error: string | null;
  /** The entry's next occurrence; Infinity for none, null where it is unknown. */
  readonly next: number | null;
  /** The number of occurrences with this outcome; above one only for missed ones. */
  readonly occurrences: number;
}

/** The kinds of outcomes that the page shows, the worst last. */
export const KINDS = ["fired", "skipped", "failed"] as const;
export type Kind = typeof KINDS[number];

export function kindOf(outcome: Outcome): Kind {
  if (outcome === "dispatched" || outcome === "empty") return "fired";
  return outcome === "failed" ? "failed" : "skipped";
}

export const QUARTER_HOUR_MS = 900_000;
/** The quarters of an hour of a day, and the current one. */
const MAX_QUARTERS = 97;

/** The statistics of one job's firings. */
export interface JobHistory {
  readonly counts: Partial<Record<Outcome, number>>;
  /** The number of messages published in total. */
  dispatches: number;
  last: FiringRecord;
  /** The last firing with the outcome `dispatched`; null for none. */
  lastDispatched: FiringRecord | null;
  /** A new list replaces it when it changes. */
  quarters: Quarters;
}

/**
 * The worst kind of each quarter of an hour of the last day in which a firing ended, oldest first:
 * the quarter's number since the epoch times four, plus the index in {@link KINDS}.
 */
export type Quarters = readonly number[];

/** A histogram: counts each value under the smallest upper bound that it does not exceed. */
export class Distribution {
  readonly bounds: readonly number[];
  /** One count for each bound, and one for the values above all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    let place = 0;
    while (place < this.bounds.length && value > this.bounds[place]!) place++;
    this.counts[place]!++;
    this.sum += value;
  }
}

const EXPANSION_BOUNDS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const LATENESS_BOUNDS_SECONDS = [0.001, 0.0025, 0.005, ...EXPANSION_BOUNDS_SECONDS];

/** The statistics of all jobs together. */
export class FiringTotals {
  /** The lateness of firings that were not skipped, in seconds. */
  readonly lateness = new Distribution(LATENESS_BOUNDS_SECONDS);
  /** The durations of expansions, in seconds. */
  readonly expansion = new Distribution(EXPANSION_BOUNDS_SECONDS);
  /** The number of firings of each kind, by the quarter of an hour's number since the epoch. */
  readonly quarters: Map<number, Record<Kind, number>> = new Map();

  add({ lateness, expansion }: FiringRecord, kind: Kind, quarter: number): void {
    let bin = this.quarters.get(quarter);
    if (bin === undefined) {
      bin = { fired: 0, skipped: 0, failed: 0 };
      this.quarters.set(quarter, bin);
      for (const old of this.quarters.keys()) {
        if (old <= quarter - MAX_QUARTERS) this.quarters.delete(old);
      }
    }
    bin[kind]++;
    if (kind === "skipped") return;
    this.lateness.add(lateness / 1000);
    if (expansion !== null) this.expansion.add(expansion / 1000);
  }
}

export type HistoryListener = (record: FiringRecord, job: Job) => void;

/** Counts the firings that ended, for each job and in total, and reports each to listeners. */
export class History {
  readonly totals = new FiringTotals();
  readonly #listeners = new Set<HistoryListener>();

  add(job: Job, record: FiringRecord): void {
    const { outcome, dispatches, occurrences, at } = record;
    const history = job.history ??= {
      counts: {},
      dispatches: 0,
      last: record,
      lastDispatched: null,
      quarters: [],
    };
    history.counts[outcome] = (history.counts[outcome] ?? 0) + occurrences;
    history.dispatches += dispatches;
    history.last = record;
    if (outcome === "dispatched") history.lastDispatched = record;
    const kind = kindOf(outcome);
    const quarter = Math.floor(at / QUARTER_HOUR_MS);
    history.quarters = withKind(history.quarters, quarter, kind);
    this.totals.add(record, kind, quarter);
    for (const listener of this.#listeners) listener(record, job);
  }

  /** Calls `listener` for each record, until the returned function is called. */
  listen(listener: HistoryListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Adds a kind. Returns the same list where the quarter has that kind or a worse one. */
function withKind(quarters: Quarters, quarter: number, kind: Kind): Quarters {
  const value = quarter * 4 + KINDS.indexOf(kind);
  const isOfQuarter = (each: number) => each >= quarter * 4 && each < (quarter + 1) * 4;
  // It is the last item, unless the clock was set back.
  const known = quarters.findLast(isOfQuarter) ?? 0;
  if (known >= value) return quarters;
  const oldest = (quarter - MAX_QUARTERS + 1) * 4;
  return [...quarters.filter((each) => each !== known && each >= oldest), value]
    .sort((a, b) => a - b);
}
