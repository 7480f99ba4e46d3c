/**
 * What a running scheduler is asked over the bus, on `heddle.scheduler.{name}`, and what it answers.
 * Field names as on the wire; instants in RFC 3339, UTC. `docs/control.md` shows each.
 *
 * @module
 */
import type { Outcome } from "../engine/history.ts";
import type { CatchUp } from "../wire/vocabulary.ts";

export const CONTROL_ACTIONS = [
  "health",
  "status",
  "next",
  "fire",
  "pause",
  "resume",
  "reload",
] as const;
export type ControlAction = typeof CONTROL_ACTIONS[number];

/** What every request may carry besides. */
export interface Addressed {
  /** Only the replica of this name is to answer. */
  replica?: string;
  /** W3C `traceparent`, and `tracestate`; continued. NATS headers of these names do as well. */
  _trace_context?: Record<string, string>;
}

/** How the scheduler is, in a few fields. Also what an empty object asks. */
export interface HealthRequest extends Addressed {
  action?: "health";
}

/** How the scheduler and its entries are. */
export interface StatusRequest extends Addressed {
  action: "status";
  /** Only this entry. */
  entry?: string;
  /** At most so many entries, 1 to {@link MOST_ENTRIES}. Default: {@link SOME_ENTRIES}. */
  limit?: number;
  /** The entries after this one: an answer's `next_after`. */
  after?: string;
}

/** What comes next. */
export interface NextRequest extends Addressed {
  action: "next";
  entry?: string;
  /** 1 to {@link MOST_FIRINGS}. Default: 10. */
  count?: number;
  until?: string;
}

/** Dispatches an entry now, whatever its schedule says. */
export interface FireRequest extends Addressed {
  action: "fire";
  entry: string;
  /** When it was sent, by the clock of whoever sends it: it is refused when it comes too late. */
  sent_at?: string;
  /** How long the answer is waited for, at most {@link MAX_FIRE_TIMEOUT_MS}. */
  timeout_ms?: number;
}

/** Fires nothing of an entry, or of all, until it is resumed. */
export type PauseRequest =
  & Addressed
  & { action: "pause" | "resume" }
  & ({ entry: string; all?: false } | { all: true; entry?: undefined });

/** Re-reads the configuration. */
export interface ReloadRequest extends Addressed {
  action: "reload";
}

export type ControlRequest =
  | HealthRequest
  | StatusRequest
  | NextRequest
  | FireRequest
  | PauseRequest
  | ReloadRequest;

/** Of entries in one answer: it has to fit into a message. */
export const MOST_ENTRIES = 500;
export const SOME_ENTRIES = 200;
/** Of firings in one answer. */
export const MOST_FIRINGS = 100;
/** An hour. */
export const MAX_FIRE_TIMEOUT_MS = 3_600_000;

export interface HealthReply {
  status: "ok";
  name: string;
  running_since: string | null;
  /** What the start waits for, in a sentence; only while it does. */
  waiting_for?: string;
  schedule_count: number;
  next_fire: string | null;
  /** With replicas only: this one's name, the leases that it holds, of how many, and the others. */
  replica?: string;
  leases?: number[];
  shards?: number;
  other_replicas?: string[];
}

/** What became of the checkpoints when the clock was set back. */
export interface ClockSetBackSummary {
  /** By the clock as it is since; RFC 3339, UTC. */
  at: string;
  /** Whether the server's time stamps show that the clock was ahead before: then they follow it. */
  was_ahead: boolean;
  /** How far it was ahead of the server's clock, in milliseconds; negative for behind. */
  ahead_ms: number;
}

export interface StatusReply extends HealthReply {
  version: string;
  bus_connected: boolean;
  /** Whether all entries are paused, and how many are one by one. */
  paused: { all: boolean; entries: number };
  last_reload: ReloadSummary | null;
  /** Only where the clock was set back and a checkpoint was asked whether to follow. */
  clock_set_back?: ClockSetBackSummary;
  entries: EntryStatus[];
  /** To be asked for with `after`; null when these were the last. */
  next_after: string | null;
}

export interface ReloadSummary {
  at: string;
  outcome: "ok" | "failed";
  /** The first of them. */
  problems: ControlProblem[];
}

export interface ControlProblem {
  severity: "error" | "warning";
  message: string;
  path: string;
  line: number | null;
  column: number | null;
}

export interface EntryStatus {
  name: string;
  enabled: boolean;
  paused: boolean;
  /** What of the missed occurrences fires: as the file says, else what is in effect without it. */
  catch_up: CatchUp;
  /** `held` by the replica that answers, `lapsed` while it cannot renew, `free` of others. */
  lease?: "held" | "lapsed" | "free";
  next_fire: string | null;
  last: FiringStatus | null;
  /** The last that was dispatched, where `last` is another. */
  last_dispatched: FiringStatus | null;
  /** How often each outcome came since the process began. */
  counts: Partial<Record<Outcome, number>>;
  /** How many messages were published since then. */
  dispatches: number;
}

export interface FiringStatus {
  scheduled_for: string;
  ended_at: string;
  outcome: Outcome;
  lateness_ms: number;
  dispatches: number;
  error?: string;
}

export interface NextReply {
  status: "ok";
  firings: { entry: string; scheduled_for: string; fires_at: string }[];
}

export interface FireReply {
  status: "ok";
  entry: string;
  /** How many messages were published: 0 where the expansion was empty. */
  dispatches: number;
}

export interface PauseReply {
  status: "ok";
  paused: { all: boolean; entries: string[] };
  /** Whether it survives a restart: only where JetStream keeps it. */
  kept: boolean;
  /** Why it is not kept yet, where it should be. */
  warning?: string;
}

export interface ReloadReply {
  status: "ok";
  schedule_count: number;
  problems: ControlProblem[];
}

export const ERROR_CODES = [
  "malformed",
  "unknown_action",
  "unknown_entry",
  "invalid_config",
  "failed",
  "busy",
  "starting",
  "expired",
  "no_holder",
] as const;

export interface ErrorReply {
  status: "error";
  code: typeof ERROR_CODES[number];
  error: string;
  /** Of a configuration that is refused. */
  problems?: ControlProblem[];
}

export type ControlReply =
  | HealthReply
  | StatusReply
  | NextReply
  | FireReply
  | PauseReply
  | ReloadReply
  | ErrorReply;
