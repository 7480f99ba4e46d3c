/**
 * What became of the firings: what `status`, the metrics and the page show.
 *
 * @module
 */
import type { Job } from "./job.ts";

/**
 * How an occurrence can end. All but the first three say why it was not dispatched. New ones are
 * appended: their places travel to the HTTP thread.
 */
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

/** All that is kept of one job's firings. */
export interface JobHistory {
  readonly counts: Partial<Record<Outcome, number>>;
  /** How many messages were published in all. */
  dispatches: number;
  last: FiringRecord;
  /** The last that was dispatched, which an outcome such as `overlap` does not hide. */
  lastDispatched: FiringRecord | null;
}

/** Keeps the history of each job, and tells listeners of each firing that ended. */
export class History {
  readonly #listeners = new Set<(record: FiringRecord) => void>();

  add(job: Job, record: FiringRecord): void {
    const { outcome, dispatches, occurrences } = record;
    const history = job.history ??= {
      counts: {},
      dispatches: 0,
      last: record,
      lastDispatched: null,
    };
    history.counts[outcome] = (history.counts[outcome] ?? 0) + occurrences;
    history.dispatches += dispatches;
    history.last = record;
    if (outcome === "dispatched") history.lastDispatched = record;
    for (const listener of this.#listeners) listener(record);
  }

  /** @returns a function that ends it */
  listen(listener: (record: FiringRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
