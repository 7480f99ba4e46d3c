import { BusClosedError, NotPermittedError } from "../bus/message_bus.ts";
import type { Backlog } from "./backlog.ts";
import type { Span } from "../trace/tracing.ts";
import type { Outcome } from "./ledger.ts";
import type { Due } from "../schedule/timeline.ts";

/** What is under way, and what waits, for one entry. */
export interface Slot {
  running: Firing | null;
  /** Due while nothing could leave: the newest such occurrence. */
  waiting: Due | null;
  /** All that are to be fired one after the other, where missed ones are remembered. */
  backlog: Backlog | null;
}

/** One firing under way. */
export interface Firing {
  due: Due;
  /** What all its log lines have in common. */
  readonly id: string;
  /** How late it began, in milliseconds. */
  readonly lateness: number;
  /** Null without tracing. */
  readonly span: Span | null;
  /** How long the expansion function took, in milliseconds; null without one. */
  expansion: number | null;
  /** How it ended, and of what it failed; null until it has. */
  outcome: Outcome | null;
  error: string | null;
  /** Of the lease under which it began; null without leases. */
  readonly term: number | null;
  /** Takes back what has not been written to the connection yet, and ends further attempts. */
  withdraw: AbortController;
  /** Whether a message has left, so that the firing must be completed. */
  begun: boolean;
  /** Whether it only waits for its one message to be acknowledged. */
  isAwaitingAck: boolean;
  /** Whether the slot is free for the next one. */
  isOver: boolean;
  done: Promise<void>;
}

/** A newer occurrence took the place of a firing, or its lease went to another replica. */
export class WithdrawnError extends Error {
  override name = "WithdrawnError";
}

/** The scheduler ended before a firing had. */
export class ShutdownError extends Error {
  override name = "ShutdownError";
}

export function newFiring(
  due: Due,
  { id, lateness, term = null, span = null }:
    & Pick<Firing, "id" | "lateness">
    & Partial<Pick<Firing, "term" | "span">>,
): Firing {
  return {
    due,
    id,
    lateness,
    span,
    expansion: null,
    outcome: null,
    error: null,
    term,
    withdraw: new AbortController(),
    begun: false,
    isAwaitingAck: false,
    isOver: false,
    done: Promise.resolve(),
  };
}

/** Whether a firing ended because of what the log has said already. */
export function isWithdrawn(error: unknown): boolean {
  return error instanceof WithdrawnError;
}

/** Whether the occurrence has been dealt with, although it failed: nobody is to fire it again. */
export function isFinal(error: unknown): boolean {
  return !(error instanceof WithdrawnError || error instanceof ShutdownError ||
    error instanceof BusClosedError || error instanceof NotPermittedError);
}
