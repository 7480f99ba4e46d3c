/**
 * What became of the firings, entry by entry: what `status`, the metrics and the page tell.
 *
 * @module
 */

/** How an occurrence can end. All but the first three say why it was skipped. */
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
] as const;
export type Outcome = typeof OUTCOMES[number];
export type SkipReason = Exclude<Outcome, "dispatched" | "empty" | "failed">;

/** The end of one firing. Instants in milliseconds since the epoch, spans in milliseconds. */
export interface FiringRecord {
  readonly entry: string;
  readonly outcome: Outcome;
  readonly scheduledFor: number;
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
}

/** All that is kept of one entry. */
export interface EntryHistory {
  readonly counts: Partial<Record<Outcome, number>>;
  /** How many messages were published in all. */
  dispatches: number;
  last: FiringRecord;
  /** The last that was dispatched, which an outcome such as `overlap` does not hide. */
  lastDispatched: FiringRecord | null;
}

export class Ledger {
  readonly #histories = new Map<string, EntryHistory>();
  readonly #listeners = new Set<(record: FiringRecord) => void>();

  record(record: FiringRecord): void {
    const { entry, outcome, dispatches } = record;
    let history = this.#histories.get(entry);
    if (history === undefined) {
      history = { counts: {}, dispatches: 0, last: record, lastDispatched: null };
      this.#histories.set(entry, history);
    }
    history.counts[outcome] = (history.counts[outcome] ?? 0) + 1;
    history.dispatches += dispatches;
    history.last = record;
    if (outcome === "dispatched") history.lastDispatched = record;
    for (const listener of this.#listeners) listener(record);
  }

  of(entry: string): EntryHistory | null {
    return this.#histories.get(entry) ?? null;
  }

  /** Forgets the entries that are in the configuration no more. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#histories.keys()) if (!names.has(name)) this.#histories.delete(name);
  }

  /** @returns ends it */
  listen(listener: (record: FiringRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
