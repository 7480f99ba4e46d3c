/**
 * The requests to a running scheduler on `heddle.scheduler.{name}`, and its replies. Field names
 * are those on the wire; instants are in RFC 3339, UTC. `docs/control.md` shows each.
 *
 * @module
 */
import type { Outcome } from "../engine/history.ts";
import type { CatchUp, DeliveryMode, DeliveryWay, Wire } from "../wire/vocabulary.ts";

/** A larger request is not read, in bytes with its headers. */
export const MAX_REQUEST_BYTES = 256 * 2 ** 10;
/** While so many requests wait to be read, the next is answered with `busy`. */
export const MAX_WAITING_REQUESTS = 1024;
/** The same in bytes. */
export const MAX_WAITING_BYTES = 8 * 2 ** 20;

/** The actions of requests. */
export const CONTROL_ACTIONS = [
  "health",
  "status",
  "next",
  "fire",
  "pause",
  "resume",
  "reload",
] as const;
/** One of {@link CONTROL_ACTIONS}. */
export type ControlAction = typeof CONTROL_ACTIONS[number];

/** Fields that every request may have. */
export interface Addressed {
  /** Only the replica of this name is to answer. */
  replica?: string;
  /**
   * W3C `traceparent` and `tracestate`, which are continued; NATS headers of these names as well.
   */
  _trace_context?: Record<string, string>;
}

/** Asks for the state of the scheduler in a few fields. An empty object asks for the same. */
export interface HealthRequest extends Addressed {
  /** Names the request; may be absent. */
  action?: "health";
}

/** Asks for the state of the scheduler and its entries. */
export interface StatusRequest extends Addressed {
  /** Names the request. */
  action: "status";
  /** Only this entry. */
  entry?: string;
  /** The maximum of entries, from 1 to {@link MAX_ENTRIES}. Default: {@link DEFAULT_ENTRIES}. */
  limit?: number;
  /** The entries after this one, which is the `next_after` of an answer. */
  after?: string;
}

/** Asks for upcoming firings. */
export interface NextRequest extends Addressed {
  /** Names the request. */
  action: "next";
  /** Only this entry. */
  entry?: string;
  /** From 1 to {@link MAX_FIRINGS}. Default: 10. */
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
  /**
   * The instant at which it was sent, by the sender's clock. A request that is too old is refused.
   */
  sent_at?: string;
  /** The time that the sender waits for the answer, at most {@link MAX_FIRE_TIMEOUT_MS}. */
  timeout_ms?: number;
}

/** Pauses or resumes an entry, or all. */
export type PauseRequest =
  & Addressed
  & { action: "pause" | "resume" }
  & ({ entry: string; all?: false } | { all: true; entry?: undefined });

/** Has the configuration read again. */
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

/** The number of entries in one answer, which has to fit into a message. */
export const MAX_ENTRIES = 500;
/** The number of entries in one answer where the request names none. */
export const DEFAULT_ENTRIES = 200;
/** The number of firings in one answer. */
export const MAX_FIRINGS = 100;
/** The longest time-out of a request to fire. */
export const MAX_FIRE_TIMEOUT_MS = 3_600_000;

/** The state of the scheduler in a few fields. */
export interface HealthReply {
  /** The request was served. */
  status: "ok";
  /** The scheduler's name. */
  name: string;
  /** The instant at which it began to fire; null before. */
  running_since: string | null;
  /** The reason why the start waits, in a sentence; absent once it does not. */
  waiting_for?: string;
  /** The number of entries of the configuration. */
  schedule_count: number;
  /** The next due instant of all entries; null for none. */
  next_fire: string | null;
  /** The name of the replica that answers. This and the next three only with replicas. */
  replica?: string;
  /** The leases that it holds. */
  leases?: number[];
  /** The number of leases. */
  shards?: number;
  /** The names of the other replicas that are present. */
  other_replicas?: string[];
}

/** The finding about a clock that was set back. */
export interface ClockSetBackSummary {
  /** The instant at which it was set back, by the clock as it is since then. */
  at: string;
  /**
   * True where the clock had been ahead, by the server's time stamps; then the checkpoints follow
   * it.
   */
  was_ahead: boolean;
  /** Milliseconds that it had been ahead of the server's clock; negative where it was behind. */
  ahead_ms: number;
}

/** How dispatches are delivered. */
export interface DeliveryStatus {
  /** As `--delivery` says. */
  mode: DeliveryMode;
  /** The number of subjects that are left out; absent for none. */
  more_subjects?: number;
  /** The subjects of the entries, 100 at most: of more those that are not as they should be first. */
  subjects: {
    /** Where dispatches are published. */
    subject: string;
    /**
     * `jetstream`: into a stream. `core`: over core NATS. `fallback`: over core NATS, since the
     * stream is gone. `unknown`: the server has not said; with the mode `auto` dispatches wait.
     */
    via: DeliveryWay;
    /** The stream; with `fallback` the one that is gone. Null for none. */
    stream: string | null;
    /** The instant since which it is so. */
    since: string;
    /** With `unknown`: the last reason. */
    error?: string;
  }[];
}

/** The state of the scheduler and its entries. */
export interface StatusReply extends HealthReply {
  /** The version of the program. */
  version: string;
  /** The time zone data in use: `built-in` or a directory; its version, null where it says none. */
  zone_data: { source: string; version: string | null };
  /** The format of goals and tasks. */
  wire: Wire;
  /** True while messages can leave. */
  bus_connected: boolean;
  /** How dispatches are delivered; absent before the start. */
  delivery?: DeliveryStatus;
  /** The switch that pauses all entries, and the number of entries that are paused singly. */
  paused: { all: boolean; entries: number };
  /**
   * The schedulers of the same name that run and share nothing with this one, so that each entry
   * fires in all of them; absent where there are none.
   */
  name_shared_with?: string[];
  /** The result of the last reload; null before the first. */
  last_reload: ReloadSummary | null;
  /** Present once the clock was set back and the server was asked about it. */
  clock_set_back?: ClockSetBackSummary;
  /** One page of the entries, in the order of the file. */
  entries: EntryStatus[];
  /** The value for `after` in the next request; null where these were the last entries. */
  next_after: string | null;
}

/** The result of a reload. */
export interface ReloadSummary {
  /** The instant at which it ended. */
  at: string;
  /** `ok` where the new configuration is in use. */
  outcome: "ok" | "failed";
  /** At most 20. */
  problems: ControlProblem[];
}

/** One thing wrong, or doubtful, in a configuration. */
export interface ControlProblem {
  /** An error keeps the configuration from being used. */
  severity: "error" | "warning";
  /** A sentence that says what is wrong and what is allowed. */
  message: string;
  /** The place in the document; empty for the whole of it. */
  path: string;
  /** 1-based; null where it is unknown. */
  line: number | null;
  /** 1-based; null where it is unknown. */
  column: number | null;
}

/** The state of one entry. */
export interface EntryStatus {
  /** The entry's name. */
  name: string;
  /** The subject that it publishes to; only where one entry was asked for. */
  subject?: string;
  /** What the file says it is for, cut; only where one entry was asked for. */
  description?: string;
  /** The file's labels, cut; only where one entry was asked for. */
  labels?: Record<string, string>;
  /** False where the file disables it. */
  enabled: boolean;
  /** True where it is paused, alone or with all. */
  paused: boolean;
  /** What it has one message for each of, in words; left out for an entry with a single one. */
  for_each_of?: string;
  /** The policy for missed occurrences that is in effect, whether or not the file says one. */
  catch_up: CatchUp;
  /**
   * `held` by the replica that answers, `lapsed` while it cannot renew it, `not_held` of others.
   */
  lease?: "held" | "lapsed" | "not_held";
  /** The next due instant at which the replica that answers fires it; null for none. */
  next_fire: string | null;
  /** The last firing that ended; null before the first. */
  last: FiringStatus | null;
  /** The last firing that was dispatched, where `last` is another; else null. */
  last_dispatched: FiringStatus | null;
  /** The number of firings of each outcome since the process began. */
  counts: Partial<Record<Outcome, number>>;
  /** The number of messages that were published since then. */
  dispatches: number;
}

/** A firing that ended. */
export interface FiringStatus {
  /** The instant at which it was due. */
  scheduled_for: string;
  /** The instant at which it ended. */
  ended_at: string;
  /** Its outcome. */
  outcome: Outcome;
  /** Milliseconds from the due instant until it began, or was skipped. */
  lateness_ms: number;
  /** The number of messages that were published. */
  dispatches: number;
  /** The error, where it failed. */
  error?: string;
}

/** Upcoming firings. */
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
  /** The number of messages that were published: 0 where the expansion was empty. */
  dispatches: number;
}

/** The entries that are paused now. */
export interface PauseReply {
  /** The request was served. */
  status: "ok";
  /** The switch that pauses all entries, and those that are paused singly. */
  paused: { all: boolean; entries: string[] };
  /** True where it survives a restart, since JetStream keeps it. */
  kept: boolean;
  /** The reason why it is not kept yet, where it should be. */
  warning?: string;
}

/** The configuration was read again. */
export interface ReloadReply {
  /** The request was served. */
  status: "ok";
  /** The number of its entries. */
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
  /** The reason, for programs. */
  code: typeof ERROR_CODES[number];
  /** The reason, for people. */
  error: string;
  /** Those of a configuration that was refused. */
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
