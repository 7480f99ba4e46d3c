/**
 * The scheduler as the server's thread knows it, some 250 ms old. Scrapes and pages read it and never
 * touch the scheduler's thread.
 *
 * @module
 */
import { FiringTotals, type Quarters } from "../engine/history.ts";
import type {
  EntryFirings,
  EntryRow,
  EntryView,
  SchedulerState,
  ToServer,
  Totals,
} from "./protocol.ts";

/** One entry. */
export interface Row {
  readonly view: EntryView;
  /** Milliseconds since the epoch; Infinity for never. */
  next: number;
  firings: EntryFirings | null;
  quarters: Quarters;
  /** Grows with each change. */
  version: number;
}

export const ENTRY_STATES = ["active", "paused", "disabled", "exhausted", "elsewhere"] as const;
export type EntryState = typeof ENTRY_STATES[number];

export class Snapshot {
  state: SchedulerState | null = null;
  totals: Totals = new FiringTotals();
  /** When the state arrived, by the monotonic clock. */
  stateAt = -Infinity;
  /** Grows when entries or their due times change. */
  timing = 0;
  #paused: ReadonlySet<string> = new Set();
  #rows = new Map<string, Row>();
  /** The same in the configuration's order. */
  #inOrder: Row[] = [];
  /** The rows of a new configuration, until the last has arrived. */
  #coming: Row[] = [];
  #version = 0;

  get rows(): readonly Row[] {
    return this.#inOrder;
  }

  /** @param monotonic now, in milliseconds */
  take(message: ToServer, monotonic: number): void {
    switch (message.type) {
      case "state":
        this.#takeState(message.state);
        this.stateAt = monotonic;
        break;
      case "entries":
        if (message.isFirst) this.#coming = [];
        for (const { view, row } of message.entries) this.#coming.push(this.#newRow(view, row));
        if (message.isLast) this.#replaceRows();
        break;
      case "nexts":
        message.nexts.forEach((next, index) => {
          const row = this.#inOrder[message.from + index];
          if (row === undefined || row.next === next) return;
          row.next = next;
          row.version = ++this.#version;
        });
        this.timing++;
        break;
      case "rows":
        for (const { name, next, firings, quarters } of message.rows) {
          const row = this.#rows.get(name);
          if (row === undefined) continue; // a reload has removed it
          row.next = next;
          row.firings = firings;
          row.quarters = quarters ?? row.quarters;
          row.version = ++this.#version;
        }
        break;
      case "totals":
        this.totals = message.totals;
    }
  }

  /** Returns the state of an entry: `elsewhere` where another replica fires it. */
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
    for (const row of this.#inOrder) row.version = ++this.#version;
  }

  #newRow(view: EntryView, { next, firings, quarters = [] }: EntryRow): Row {
    return { view, next, firings, quarters, version: ++this.#version };
  }

  #replaceRows(): void {
    this.#inOrder = this.#coming;
    this.#coming = [];
    this.#rows = new Map(this.#inOrder.map((row) => [row.view.name, row]));
    this.timing++;
  }
}
