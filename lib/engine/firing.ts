import { BusClosedError, NotPermittedError } from "../bus/message_bus.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { Owner } from "../durable/owner.ts";
import type { Due } from "../schedule/occurrences.ts";
import type { Span } from "../trace/tracing.ts";
import type { Outcome } from "./history.ts";
import type { Job } from "./job.ts";

/**
 * The progress of a firing. `unacknowledged`: a stream has not confirmed its only message.
 * `partly_sent`: some of its messages have been sent, so that it must be completed.
 */
export type FiringState = "unsent" | "unacknowledged" | "partly_sent" | "over";

export interface FiringOptions {
  /** The id that its log lines share (`firing_id`). */
  id: string;
  /** The lateness at its start, in milliseconds. */
  lateness: number;
  /** Null without tracing. */
  span: Span | null;
  /** Whether a person requested it. Default: false. */
  isManual?: boolean;
}

/** One firing of a job, from its start to its end. */
export class Firing {
  readonly job: Job;
  /** The entry at its start; a reload replaces the job's. */
  readonly entry: ScheduleEntry;
  readonly due: Due;
  /** The owner at its start; the job has another one while a lease is handed over. */
  readonly owner: Owner;
  /** The lease's term at its start; null without leases and for a manual firing. */
  readonly term: number | null;
  readonly id: string;
  readonly lateness: number;
  readonly span: Span | null;
  readonly isManual: boolean;
  /** Drops messages that have not been written to the connection, and ends further attempts. */
  readonly withdraw: AbortController = new AbortController();
  /** The duration of the expansion, in milliseconds; null without one. */
  expansion: number | null = null;
  /** The result of its sending; null until then. */
  ending: Ending | null = null;
  /** Resolves when its sending has ended. */
  done: Promise<void> = Promise.resolve();
  #state: FiringState = "unsent";
  #outcome: Outcome | null = null;

  constructor(job: Job, due: Due, { id, lateness, span, isManual = false }: FiringOptions) {
    this.job = job;
    this.entry = job.entry;
    this.due = due;
    this.owner = job.owner;
    this.term = isManual ? null : job.owner.term;
    this.id = id;
    this.lateness = lateness;
    this.span = span;
    this.isManual = isManual;
  }

  get state(): FiringState {
    return this.#state;
  }

  /** The outcome; null until it ends, and where it was withdrawn without one. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** Sets the state, unless the firing is over. */
  reached(state: "unacknowledged" | "partly_sent"): void {
    if (this.#state !== "over") this.#state = state;
  }

  /**
   * Ends the firing; a second call has no effect.
   *
   * @param outcome null where it is withdrawn without an outcome
   * @returns whether this call ended it
   */
  end(outcome: Outcome | null): boolean {
    if (this.#state === "over") return false;
    this.#state = "over";
    this.#outcome = outcome;
    return true;
  }
}

/** The result of sending a firing. */
export interface Ending {
  readonly outcome: "dispatched" | "empty" | "failed";
  /** The number of published messages. */
  readonly dispatches: number;
  /** The number of messages that could not be published. */
  readonly failed: number;
  /** The causes: at least one where the outcome is `failed`. */
  readonly errors: readonly unknown[];
  /** Whether the expansion failed, before anything was published. */
  readonly isExpansion: boolean;
}

/** An occurrence that fires: the argument of {@link OnFire}. */
export interface FiredOccurrence {
  /** The id that all log lines of this firing share (`firing_id`). */
  readonly id: string;
  /** The instant at which it was due, without jitter. */
  readonly scheduledFor: Date;
  /** The first of the passed occurrences that this one replaces; null where there are none. */
  readonly passedOverSince: Date | null;
  /** The lateness, in milliseconds. */
  readonly lateness: number;
  /** Whether a person requested it, independently of the schedule. */
  readonly isManual: boolean;
  /** The objects that the entry's expansion returned; null for an entry without one. */
  readonly objects: readonly Record<string, unknown>[] | null;
  /** Aborts when the firing is taken back: seven seconds after a stop, or when its lease is lost. */
  readonly signal: AbortSignal;
}

/** Called for each firing in place of publishing. An error that it throws fails the firing. */
export type OnFire = (entry: ScheduleEntry, occurrence: FiredOccurrence) => Promise<void> | void;

/** A newer occurrence superseded a firing, or its lease went to another replica. */
export class WithdrawnError extends Error {
  override name = "WithdrawnError";
}

/** The scheduler stopped before a firing ended. */
export class ShutdownError extends Error {
  override name = "ShutdownError";
}

/** Reports whether an occurrence that failed with `error` is done: no replica fires it again. */
export function isFinal(error: unknown): boolean {
  return !(error instanceof WithdrawnError || error instanceof ShutdownError ||
    error instanceof BusClosedError || error instanceof NotPermittedError);
}
