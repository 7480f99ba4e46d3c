/**
 * What a running scheduler is asked over the bus, on `heddle.scheduler.{name}`, and what it answers.
 * Field names as on the wire; instants in RFC 3339, UTC. `docs/control.md` shows each.
 *
 * @module
 */
import type { Outcome } from "../engine/history.ts";
import type { CatchUp } from "../wire/vocabulary.ts";

/** What may be asked. */
export const CONTROL_ACTIONS = [
  "health",
  "status",
  "next",
  "fire",
  "pause",
  "resume",
  "reload",
] as const;
/** What may be asked: one of {@link CONTROL_ACTIONS}. */
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
  /** Or absent. */
  action?: "health";
}

/** How the scheduler and its entries are. */
export interface StatusRequest extends Addressed {
  /** Names the request. */
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
  /** Names the request. */
  action: "next";
  /** Only this entry. */
  entry?: string;
  /** 1 to {@link MOST_FIRINGS}. Default: 10. */
  count?: number;
  /** The last instant; RFC 3339. Default: no limit. */
  until?: string;
}

/** Dispatches an entry now, whatever its schedule says. */
export interface FireRequest extends Addressed {
  /** Names the request. */
  action: "fire";
  /** The entry's name. */
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
  /** Names the request. */
  action: "reload";
}

/** Any request. */
export type ControlRequest =
  | HealthRequest
  | StatusRequest
  | NextRequest
  | FireRequest
  | PauseRequest
  | ReloadRequest;

/** Of entries in one answer: it has to fit into a message. */
export const MOST_ENTRIES = 500;
/** Entries in one answer, unless the request says otherwise. */
export const SOME_ENTRIES = 200;
/** Of firings in one answer. */
export const MOST_FIRINGS = 100;
/** An hour. */
export const MAX_FIRE_TIMEOUT_MS = 3_600_000;

/** How the scheduler is. */
export interface HealthReply {
  /** The request was served. */
  status: "ok";
  /** The scheduler's name. */
  name: string;
  /** When it began to fire; null before. */
  running_since: string | null;
  /** What the start waits for, in a sentence; only while it does. */
  waiting_for?: string;
  /** How many entries the configuration has. */
  schedule_count: number;
  /** When something is due next; null for never. */
  next_fire: string | null;
  /** With replicas only: this one's name, the leases that it holds, of how many, and the others. */
  replica?: string;
  /** Which leases it holds. */
  leases?: number[];
  /** Over how many leases the entries are spread. */
  shards?: number;
  /** The names of the others that are there. */
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

/** How the scheduler and its entries are. */
export interface StatusReply extends HealthReply {
  /** Of the program. */
  version: string;
  /** Whether a message would leave now. */
  bus_connected: boolean;
  /** Whether all entries are paused, and how many are one by one. */
  paused: { all: boolean; entries: number };
  /** How the last reload went; null before the first. */
  last_reload: ReloadSummary | null;
  /** Only where the clock was set back and a checkpoint was asked whether to follow. */
  clock_set_back?: ClockSetBackSummary;
  /** One page of the entries, in the order of the file. */
  entries: EntryStatus[];
  /** To be asked for with `after`; null when these were the last. */
  next_after: string | null;
}

/** How a reload went. */
export interface ReloadSummary {
  /** When it ended. */
  at: string;
  /** Whether the new configuration is in use. */
  outcome: "ok" | "failed";
  /** The first of them. */
  problems: ControlProblem[];
}

/** One thing wrong, or doubtful, in a configuration. */
export interface ControlProblem {
  /** An error keeps the configuration from being used. */
  severity: "error" | "warning";
  /** What is wrong and what is allowed. */
  message: string;
  /** The place in the document; empty for the whole of it. */
  path: string;
  /** 1-based; null where it is unknown. */
  line: number | null;
  /** 1-based; null where it is unknown. */
  column: number | null;
}

/** How one entry is. */
export interface EntryStatus {
  /** The entry's name. */
  name: string;
  /** Whether the file lets it fire. */
  enabled: boolean;
  /** Whether it is paused, alone or with all. */
  paused: boolean;
  /** What of the missed occurrences fires: as the file says, else what is in effect without it. */
  catch_up: CatchUp;
  /** `held` by the replica that answers, `lapsed` while it cannot renew it, `not_held` of others. */
  lease?: "held" | "lapsed" | "not_held";
  /** When the replica that answers fires it next; null for never. */
  next_fire: string | null;
  /** The last that ended; null before the first. */
  last: FiringStatus | null;
  /** The last that was dispatched, where `last` is another. */
  last_dispatched: FiringStatus | null;
  /** How often each outcome came since the process began. */
  counts: Partial<Record<Outcome, number>>;
  /** How many messages were published since then. */
  dispatches: number;
}

/** How one firing ended. */
export interface FiringStatus {
  /** When it was due. */
  scheduled_for: string;
  /** When it ended. */
  ended_at: string;
  /** How it ended. */
  outcome: Outcome;
  /** How late it began, or was skipped. */
  lateness_ms: number;
  /** How many messages were published. */
  dispatches: number;
  /** What went wrong, where it failed. */
  error?: string;
}

/** What comes next. */
export interface NextReply {
  /** The request was served. */
  status: "ok";
  /** In the order in which they are due; `fires_at` includes the jitter. */
  firings: { entry: string; scheduled_for: string; fires_at: string }[];
}

/** An entry was fired. */
export interface FireReply {
  /** The request was served. */
  status: "ok";
  /** The entry's name. */
  entry: string;
  /** How many messages were published: 0 where the expansion was empty. */
  dispatches: number;
}

/** What is paused now. */
export interface PauseReply {
  /** The request was served. */
  status: "ok";
  /** Whether all entries are, and which are one by one. */
  paused: { all: boolean; entries: string[] };
  /** Whether it survives a restart: only where JetStream keeps it. */
  kept: boolean;
  /** Why it is not kept yet, where it should be. */
  warning?: string;
}

/** The configuration was read again. */
export interface ReloadReply {
  /** The request was served. */
  status: "ok";
  /** How many entries it has. */
  schedule_count: number;
  /** Its warnings. */
  problems: ControlProblem[];
}

/** Why a request was not served. */
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

/** A request was not served. */
export interface ErrorReply {
  /** The request was not served. */
  status: "error";
  /** Why, for programs. */
  code: typeof ERROR_CODES[number];
  /** Why, for people. */
  error: string;
  /** Of a configuration that is refused. */
  problems?: ControlProblem[];
}

/** Any reply. */
export type ControlReply =
  | HealthReply
  | StatusReply
  | NextReply
  | FireReply
  | PauseReply
  | ReloadReply
  | ErrorReply;
