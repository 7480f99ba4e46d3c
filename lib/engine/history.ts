/**
 * Counts firings where they end. `status`, the metrics and the page show these counts.
 *
 * @module
 */
import type { Job } from "./job.ts";

/** How an occurrence can end. All but the first three say why it was not dispatched. */
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
/** How an occurrence ended: one of {@link OUTCOMES}. */
export type Outcome = typeof OUTCOMES[number];
export type SkipReason = Exclude<Outcome, "dispatched" | "empty" | "failed">;

/** The end of one firing. Instants in milliseconds since the epoch, spans in milliseconds. */
export interface FiringRecord {
  readonly entry: string;
  readonly outcome: Outcome;
  readonly scheduledFor: number;
  /** The first of the occurrences that passed unfired and that this one stood for; else null. */
  readonly passedOverSince: number | null;
  /** When it ended. */
  readonly at: number;
  /** How late it began, or was skipped. */
  readonly lateness: number;
  /** How many messages were published. */
  readonly dispatches: number;
  /** How long the expansion function took; null without one. */
  readonly expansion: number | null;
  readonly error: string | null;
  /** The entry's following occurrence, Infinity when there is none; null where that is unknown. */
  readonly next: number | null;
  /** How many occurrences ended so; more than one only where many were missed. */
  readonly occurrences: number;
}

/** What the page shows of an outcome, the worst last. */
export const KINDS = ["fired", "skipped", "failed"] as const;
export type Kind = typeof KINDS[number];

export function kindOf(outcome: Outcome): Kind {
  if (outcome === "dispatched" || outcome === "empty") return "fired";
  return outcome === "failed" ? "failed" : "skipped";
}

export const QUARTER_HOUR_MS = 900_000;
/** A day of quarters of an hour, and the one under way. */
const MAX_QUARTERS = 97;

/** All that is kept of one job's firings. */
export interface JobHistory {
  readonly counts: Partial<Record<Outcome, number>>;
  /** How many messages were published in all. */
  dispatches: number;
  last: FiringRecord;
  /** The last that was dispatched, which an outcome such as `overlap` does not hide. */
  lastDispatched: FiringRecord | null;
  /** Replaced when it changes. */
  quarters: Quarters;
}

/**
 * What was worst in each quarter of an hour of the last day in which a firing ended, oldest first: the
 * quarter's number since the epoch times four, plus the place in {@link KINDS}.
 */
export type Quarters = readonly number[];

/** Counts values by the smallest of some upper bounds that they do not exceed. */
export class Distribution {
  readonly bounds: readonly number[];
  /** One more than bounds: the last is of values above them all. */
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

/** Upper bounds in seconds. */
const EXPANSION_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const LATENESS_BOUNDS = [0.001, 0.0025, 0.005, ...EXPANSION_BOUNDS];

/** What is counted of all jobs together. */
export class FiringTotals {
  /** How late firings began that were not skipped, in seconds. */
  readonly lateness = new Distribution(LATENESS_BOUNDS);
  /** How long expansion functions took, in seconds. */
  readonly expansion = new Distribution(EXPANSION_BOUNDS);
  /** How many firings ended how, by the number of the quarter of an hour since the epoch. */
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

/** Counts the firings that ended: for each job, and all together. Tells listeners of each. */
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

  /** @returns a function that ends it */
  listen(listener: HistoryListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Returns the same list where the quarter has had a firing as bad as this one. */
function withKind(quarters: Quarters, quarter: number, kind: Kind): Quarters {
  const value = quarter * 4 + KINDS.indexOf(kind);
  const isOfQuarter = (each: number) => each >= quarter * 4 && each < (quarter + 1) * 4;
  // The last one, but where the clock was set back.
  const known = quarters.findLast(isOfQuarter) ?? 0;
  if (known >= value) return quarters;
  const oldest = (quarter - MAX_QUARTERS + 1) * 4;
  return [...quarters.filter((each) => each !== known && each >= oldest), value]
    .sort((a, b) => a - b);
}
