/**
 * What the scheduler's thread and the HTTP server's say to each other. Instants in milliseconds since
 * the epoch.
 *
 * @module
 */
import type { TimingData } from "../config/timing/timing.ts";
import type { ControlReply, ControlRequest, ReloadSummary } from "../control/control_api.ts";
import type {
  Distribution,
  FiringRecord,
  FiringTotals,
  JobHistory,
  Quarters,
} from "../engine/history.ts";

export interface ServerSettings {
  readonly hostname: string;
  /** 0 for one that the system chooses. */
  readonly port: number;
  /** What guards all but the health paths; null for nothing. */
  readonly token: string | null;
  /** Whether the page may fire, pause and resume. */
  readonly allowsControl: boolean;
  readonly version: string;
}

/** One entry, as people are told of it. */
export interface EntryView {
  readonly name: string;
  readonly timing: TimingData;
  readonly timezone: string;
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly dispatchType: "goal" | "task";
  /** The goal's instruction, or the task's worker type. */
  readonly what: string;
  readonly expandFrom: string | null;
  readonly enabled: boolean;
}

/** What changes of an entry when it fires. */
export interface EntryRow {
  readonly name: string;
  /** When it is due next; Infinity for never. */
  readonly next: number;
  /** Null before the first firing ended. */
  readonly firings: EntryFirings | null;
  /** Left out where they are as they were told last. */
  readonly quarters?: Quarters;
}

/** What became of an entry's firings so far. */
export interface EntryFirings extends Pick<JobHistory, "counts" | "dispatches"> {
  readonly last: LastFiring;
  /** When it last dispatched. */
  readonly lastDispatched: number | null;
}

export type LastFiring = Pick<
  FiringRecord,
  "outcome" | "scheduledFor" | "at" | "lateness" | "dispatches" | "error"
>;

/** What is counted of all entries together. */
export interface Totals extends Pick<FiringTotals, "quarters"> {
  readonly lateness: Pick<Distribution, "bounds" | "counts" | "sum">;
  readonly expansion: Pick<Distribution, "bounds" | "counts" | "sum">;
}

/** How the scheduler is, apart from its entries. */
export interface SchedulerState {
  readonly name: string;
  readonly runningSince: number | null;
  /** What the start waits for, in a sentence; null where it waits for nothing. */
  readonly waitingFor: string | null;
  readonly isConnected: boolean;
  readonly paused: { readonly all: boolean; readonly entries: readonly string[] };
  readonly lastReload: ReloadSummary | null;
  readonly reloads: { readonly ok: number; readonly failed: number };
  /** Null without replicas. */
  readonly replica: {
    readonly name: string;
    readonly held: readonly number[];
    readonly shards: number;
    readonly others: readonly string[];
    /** Whether it is known who holds each lease. */
    readonly isKnown: boolean;
  } | null;
}

/** To the server's thread. */
export type ToServer =
  | { readonly type: "listen"; readonly settings: ServerSettings }
  | { readonly type: "state"; readonly state: SchedulerState }
  /** All entries, in lots; they take the place of those before with the last. */
  | {
    readonly type: "entries";
    readonly isFirst: boolean;
    readonly isLast: boolean;
    readonly entries: readonly { readonly view: EntryView; readonly row: EntryRow }[];
  }
  /** When the entries fire next, from the place `from` on; Infinity for never. */
  | { readonly type: "nexts"; readonly from: number; readonly nexts: Float64Array }
  /** Those that have fired since they were told last. */
  | { readonly type: "rows"; readonly rows: readonly EntryRow[] }
  | { readonly type: "totals"; readonly totals: Totals }
  | { readonly type: "alive" }
  | { readonly type: "answer"; readonly id: number; readonly reply: ControlReply | null }
  | { readonly type: "close" };

/** From the server's thread. */
export type FromServer =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly error: string }
  /** It has taken in the rows that it was told last. */
  | { readonly type: "taken" }
  | { readonly type: "isAlive" }
  | { readonly type: "ask"; readonly id: number; readonly request: ControlRequest };
