import { BusClosedError, NotPermittedError } from "../bus/message_bus.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { Owner } from "../durable/owner.ts";
import type { Due } from "../schedule/occurrences.ts";
import type { Span } from "../trace/tracing.ts";
import type { Outcome } from "./history.ts";
import type { Job } from "./job.ts";

/**
 * How far a firing is. `unacknowledged`: its one message is with a stream that has not confirmed it.
 * `partly_sent`: some of its messages have left, so that it must be completed.
 */
export type FiringState = "unsent" | "unacknowledged" | "partly_sent" | "over";

export interface FiringOptions {
  /** What all its log lines have in common. */
  id: string;
  /** How late it began, in milliseconds. */
  lateness: number;
  /** Null without tracing. */
  span: Span | null;
  /** Whether a person asked for it. */
  isManual?: boolean;
}

/** One firing of a job, from its start to its end. */
export class Firing {
  readonly job: Job;
  /** The entry that it began with; a reload changes the job's. */
  readonly entry: ScheduleEntry;
  readonly due: Due;
  /** The owner under which it began: the job's own is another one while a lease is handed over. */
  readonly owner: Owner;
  /** The lease's term in which it began; null without leases. */
  readonly term: number | null;
  readonly id: string;
  readonly lateness: number;
  readonly span: Span | null;
  readonly isManual: boolean;
  /** Takes back what has not been written to the connection yet, and ends further attempts. */
  readonly withdraw: AbortController = new AbortController();
  /** How long the expansion function took, in milliseconds; null without one. */
  expansion: number | null = null;
  /** How its sending ended; null until then. */
  ending: Ending | null = null;
  /** Resolves when nothing of it is under way any more. */
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

  /** How it ended; null until it has, and where it was taken back in silence. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** Notes how far it is; a firing that is over stays so. */
  reached(state: "unacknowledged" | "partly_sent"): void {
    if (this.#state !== "over") this.#state = state;
  }

  /**
   * Ends the firing; a second end changes nothing.
   *
   * @param outcome null where it is taken back in silence
   * @returns whether this was its end
   */
  end(outcome: Outcome | null): boolean {
    if (this.#state === "over") return false;
    this.#state = "over";
    this.#outcome = outcome;
    return true;
  }
}

/** How the sending of a firing ended. */
export interface Ending {
  readonly outcome: "dispatched" | "empty" | "failed";
  /** How many messages were published. */
  readonly dispatches: number;
  /** How many could not be published. */
  readonly failed: number;
  /** Why: at least one where the outcome is `failed`. */
  readonly errors: readonly unknown[];
  /** Whether the expansion failed, before anything was published. */
  readonly isExpansion: boolean;
}

/** One occurrence that fires, as {@link OnFire} is told of it. */
export interface FiredOccurrence {
  /** The id that all log lines of this firing have in common (`firing_id`). */
  readonly id: string;
  /** The instant at which it was due, without jitter. */
  readonly scheduledFor: Date;
  /** The first of the occurrences that passed unfired and that this one stands for; else null. */
  readonly passedOverSince: Date | null;
  /** How late it is, in milliseconds. */
  readonly lateness: number;
  /** Whether a person asked for it, whatever the schedule says. */
  readonly isManual: boolean;
  /** What the entry's expansion returned; null for an entry without one. */
  readonly objects: readonly Record<string, unknown>[] | null;
  /** Aborts when the firing is taken back: seven seconds after a stop, or when its lease is lost. */
  readonly signal: AbortSignal;
}

/** Called for each firing in place of publishing. What it throws is the failure of the firing. */
export type OnFire = (entry: ScheduleEntry, occurrence: FiredOccurrence) => Promise<void> | void;

/** A newer occurrence took the place of a firing, or its lease went to another replica. */
export class WithdrawnError extends Error {
  override name = "WithdrawnError";
}

/** The scheduler ended before a firing had. */
export class ShutdownError extends Error {
  override name = "ShutdownError";
}

/** Reports whether the occurrence has been dealt with, although it failed: nobody fires it again. */
export function isFinal(error: unknown): boolean {
  return !(error instanceof WithdrawnError || error instanceof ShutdownError ||
    error instanceof BusClosedError || error instanceof NotPermittedError);
}
