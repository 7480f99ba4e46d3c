/**
 * The server's own picture of the schedules: so that whoever looks costs no firing anything.
 *
 * @module
 */
import { QUARTER, QUARTERS } from "../forecast/day_ahead.ts";
import { type Outcome, OUTCOMES } from "../engine/history.ts";
import { type EntryView, RECORD_SIZE, type SchedulerState, type ToServer } from "./protocol.ts";

/** One entry. Instants in milliseconds since the epoch. */
export interface Row {
  readonly view: EntryView;
  readonly counts: Partial<Record<Outcome, number>>;
  dispatches: number;
  /** Infinity for never. */
  next: number;
  last: LastFiring | null;
  /** When it last dispatched. */
  lastDispatched: number | null;
  /** By the quarter's number, modulo its length: what was worst in it. Null before the first. */
  past: Uint8Array | null;
  /** The last quarter that `past` knows. */
  pastUntil: number;
  /** Grows with each change. */
  version: number;
}

/** What was worst in a quarter of an hour. */
export const PAST_KINDS = ["none", "fired", "skipped", "failed"] as const;

export const ENTRY_STATES = ["active", "paused", "disabled", "exhausted", "elsewhere"] as const;
export type EntryState = typeof ENTRY_STATES[number];

export interface LastFiring {
  readonly outcome: Outcome;
  readonly scheduledFor: number;
  readonly at: number;
  readonly lateness: number;
  readonly dispatches: number;
  error: string | null;
}

/** How many firings ended how in a quarter of an hour. */
export interface PastBin {
  fired: number;
  failed: number;
  skipped: number;
}

/** A day of them, and the one under way. */
const PAST_BINS = QUARTERS + 1;

export class Mirror {
  /** Called for each firing that began, with spans in milliseconds; `expansion` NaN without one. */
  onFiring: (lateness: number, expansion: number) => void = () => {};
  /** By the quarter's number since the epoch. */
  readonly past = new Map<number, PastBin>();
  state: SchedulerState | null = null;
  /** When the state came, by the monotonic clock. */
  stateAt = -Infinity;
  /** Grows when there are other entries, or they fire at other times. */
  timing = 0;
  #paused: ReadonlySet<string> = new Set();
  #rows: Row[] = [];
  #before = new Map<string, Row>();
  #version = 0;

  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** @param monotonic now, in milliseconds */
  take(message: ToServer, monotonic: number): void {
    switch (message.type) {
      case "state":
        this.#takeState(message.state);
        this.stateAt = monotonic;
        break;
      case "entries":
        this.#takeEntries(message.entries, message.isFirst);
        break;
      case "nexts":
        message.nexts.forEach((next, index) => {
          const row = this.#rows[message.from + index];
          if (row === undefined || row.next === next) return;
          row.next = next;
          row.version = ++this.#version;
        });
        this.timing++;
        break;
      case "records":
        this.#takeRecords(message.records, message.errors);
    }
  }

  /** What becomes of an entry's occurrences; `elsewhere` where another replica fires it. */
  stateOf(row: Row): EntryState {
    if (!row.view.enabled) return "disabled";
    if (this.isPaused(row)) return "paused";
    if (row.next !== Infinity) return "active";
    const { replica = null } = this.state ?? {};
    return replica !== null && replica.held.length < replica.shards ? "elsewhere" : "exhausted";
  }

  isPaused({ view: { name } }: Row): boolean {
    return this.state?.paused.all === true || this.#paused.has(name);
  }

  #takeState(state: SchedulerState): void {
    const before = JSON.stringify(this.state?.paused);
    this.state = state;
    this.#paused = new Set(state.paused.entries);
    if (JSON.stringify(state.paused) === before) return;
    for (const row of this.#rows) row.version = ++this.#version;
  }

  #takeEntries(entries: readonly EntryView[], isFirst: boolean): void {
    if (isFirst) {
      this.#before = new Map(this.#rows.map((row) => [row.view.name, row]));
      this.#rows = [];
    }
    for (const view of entries) {
      const version = ++this.#version;
      const row = this.#before.get(view.name);
      this.#before.delete(view.name);
      this.#rows.push(
        row === undefined
          ? {
            view,
            counts: {},
            dispatches: 0,
            next: Infinity,
            last: null,
            lastDispatched: null,
            past: null,
            pastUntil: 0,
            version,
          }
          : { ...row, view, version },
      );
    }
    this.timing++;
  }

  #takeRecords(records: Float64Array, errors: readonly (readonly [number, string])[]): void {
    for (let at = 0; at < records.length; at += RECORD_SIZE) {
      const record = records.subarray(at, at + RECORD_SIZE);
      const [place, outcomeIndex, scheduledFor, ended] = record as unknown as FourNumbers;
      const [lateness, dispatches, expansion, next] = record.subarray(4) as unknown as FourNumbers;
      const row = this.#rows[place];
      if (row === undefined) continue;
      const outcome = OUTCOMES[outcomeIndex]!;
      const isFired = outcome === "dispatched" || outcome === "empty";
      row.counts[outcome] = (row.counts[outcome] ?? 0) + record[8]!;
      row.dispatches += dispatches;
      row.last = { outcome, scheduledFor, at: ended, lateness, dispatches, error: null };
      if (outcome === "dispatched") row.lastDispatched = ended;
      if (!Number.isNaN(next)) row.next = next;
      row.version = ++this.#version;
      if (isFired || outcome === "failed") this.onFiring(lateness, expansion);
      const kind = isFired ? "fired" : outcome === "failed" ? "failed" : "skipped";
      const quarter = Math.floor(ended / QUARTER);
      this.#count(quarter, kind);
      note(row, quarter, PAST_KINDS.indexOf(kind));
    }
    for (const [index, error] of errors) {
      const row = this.#rows[records[index * RECORD_SIZE]!];
      if (row?.last) row.last.error = error;
    }
  }

  #count(quarter: number, kind: keyof PastBin): void {
    let bin = this.past.get(quarter);
    if (bin === undefined) {
      bin = { fired: 0, failed: 0, skipped: 0 };
      this.past.set(quarter, bin);
      for (const old of this.past.keys()) if (old <= quarter - PAST_BINS) this.past.delete(old);
    }
    bin[kind]++;
  }
}

type FourNumbers = [number, number, number, number];

function note(row: Row, quarter: number, kind: number): void {
  row.past ??= new Uint8Array(PAST_BINS);
  const stale = Math.max(row.pastUntil + 1, quarter - PAST_BINS + 1);
  for (let each = stale; each <= quarter; each++) row.past[each % PAST_BINS] = 0;
  row.pastUntil = Math.max(row.pastUntil, quarter);
  const place = quarter % PAST_BINS;
  row.past[place] = Math.max(row.past[place]!, kind);
}

/** What was worst in a quarter, as its place in {@link PAST_KINDS}. */
export function pastOf({ past, pastUntil }: Row, quarter: number): number {
  if (past === null || quarter > pastUntil || quarter <= pastUntil - PAST_BINS) return 0;
  return past[quarter % PAST_BINS]!;
}
