/**
 * The messages between the scheduler's thread and the HTTP server's. Instants are in milliseconds
 * since the epoch.
 *
 * @module
 */
import type { TimingData } from "../config/timing/timing.ts";
import type {
  ControlReply,
  ControlRequest,
  DeliveryStatus,
  ReloadSummary,
} from "../control/control_api.ts";
import type {
  Distribution,
  FiringRecord,
  FiringTotals,
  JobHistory,
  Quarters,
} from "../engine/history.ts";
import type { DispatchType, Wire } from "../wire/vocabulary.ts";

/** What `/healthz` answers, by which `health` knows that a scheduler does. */
export const HEALTH_ANSWERS = { alive: "alive", silent: "The scheduler's thread does not answer" };

export interface ServerSettings {
  readonly hostname: string;
  /** 0: the system chooses one. */
  readonly port: number;
  /** Guards all paths but the health paths; null for none. */
  readonly token: string | null;
  /** Whether the page may fire, pause and resume. */
  readonly allowsControl: boolean;
  readonly version: string;
}

/** Reports whether an error of listening says that the machine does not have the address. */
export function isMissingAddress(message: string): boolean {
  return /EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL/.test(message);
}

/** An entry's configuration, as people see it. */
export interface EntryView {
  readonly name: string;
  readonly timing: TimingData;
  readonly timezone: string;
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly dispatchType: DispatchType;
  /** The goal's instruction, the task's worker type, or the message's subject. */
  readonly what: string;
  /** What it has one message for each of; null for a single message. */
  readonly expansion: string | null;
  /** What the file says about it for people. */
  readonly notes: string;
  readonly enabled: boolean;
}

/** The part of an entry that changes when it fires. */
export interface EntryRow {
  readonly name: string;
  /** When it is due next; Infinity for never. */
  readonly next: number;
  /** Null before the first firing ended. */
  readonly firings: EntryFirings | null;
  /** Left out where they have not changed since they were last sent. */
  readonly quarters?: Quarters;
}

/** What became of an entry's firings. */
export interface EntryFirings extends Pick<JobHistory, "counts" | "dispatches"> {
  readonly last: LastFiring;
  /** When it last dispatched. */
  readonly lastDispatched: number | null;
}

export type LastFiring = Pick<
  FiringRecord,
  "outcome" | "scheduledFor" | "at" | "lateness" | "dispatches" | "error"
>;

/** The counts of all entries together. */
export interface Totals extends Pick<FiringTotals, "quarters"> {
  readonly lateness: Pick<Distribution, "bounds" | "counts" | "sum">;
  readonly expansion: Pick<Distribution, "bounds" | "counts" | "sum">;
}

/** The scheduler's state, apart from its entries. */
export interface SchedulerState {
  readonly name: string;
  /** The format of goals and tasks. */
  readonly wire: Wire;
  readonly runningSince: number | null;
  /** What the start waits for, in a sentence; null where it waits for nothing. */
  readonly waitingFor: string | null;
  readonly isConnected: boolean;
  /** Which way the dispatches of each subject take; empty before the start. */
  readonly ways: DeliveryStatus["subjects"];
  /** How many entries are due and wait for the connection or their lease. */
  readonly heldBack: number;
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

/** A message to the server's thread. */
export type ToServer =
  | { readonly type: "listen"; readonly settings: ServerSettings }
  | { readonly type: "state"; readonly state: SchedulerState }
  /** Some of all entries; with the last of them they replace those from before. */
  | {
    readonly type: "entries";
    readonly isFirst: boolean;
    readonly isLast: boolean;
    readonly entries: readonly { readonly view: EntryView; readonly row: EntryRow }[];
  }
  /** The next due times of the entries from the place `from` on; Infinity for never. */
  | { readonly type: "nexts"; readonly from: number; readonly nexts: Float64Array }
  /** The entries that have fired since they were last sent. */
  | { readonly type: "rows"; readonly rows: readonly EntryRow[] }
  | { readonly type: "totals"; readonly totals: Totals }
  | { readonly type: "alive" }
  | { readonly type: "answer"; readonly id: number; readonly reply: ControlReply | null }
  | { readonly type: "close" };

/** A message from the server's thread. */
export type FromServer =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly error: string }
  /** Acknowledges the last `rows`: the next may follow. */
  | { readonly type: "taken" }
  | { readonly type: "isAlive" }
  | { readonly type: "ask"; readonly id: number; readonly request: ControlRequest };
