import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { Dispatch } from "./dispatch.ts";
import { ExpansionError, type ExpansionErrorKind } from "../expansion/expansion.ts";
import type { Firing } from "./firing.ts";
import { InstantText } from "../time/instant_text.ts";
import type { Ledger, Outcome, SkipReason } from "./ledger.ts";
import type { Published } from "./publish_all.ts";
import type { Due } from "../schedule/timeline.ts";

const EXPANSION_EVENTS: Record<ExpansionErrorKind, string> = {
  invalid: "scheduler.invalid_expand_from",
  import: "scheduler.expand_from_import_failed",
  call: "scheduler.expand_from_call_failed",
  bad_return: "scheduler.expand_from_bad_return",
};

export interface FiringLogOptions {
  logger: Logger;
  clock: Clock;
  /** Default: nothing is kept. */
  ledger?: Ledger;
}

/** What the log says of firings, and what is kept of them. Each line has the firing's id. */
export class FiringLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #ledger: Ledger | undefined;
  readonly #text = new InstantText();

  constructor({ logger, clock, ledger }: FiringLogOptions) {
    this.#logger = logger;
    this.#clock = clock;
    this.#ledger = ledger;
  }

  firing({ due, lateness, id }: Firing): void {
    const { entry, scheduledFor, passedOverSince } = due;
    this.#logger.info("scheduler.firing", {
      schedule: entry.name,
      firing_id: id,
      dispatch_type: entry.dispatchType,
      scheduled_for: this.#text.of(scheduledFor.getTime()),
      lateness_ms: lateness,
      ...(passedOverSince && { passed_over_since: this.#text.of(passedOverSince.getTime()) }),
    });
  }

  dispatched({ due: { entry }, id: firingId }: Firing, { id, subject, message }: Dispatch): void {
    const { priority } = message;
    const fields = { schedule: entry.name, firing_id: firingId, subject, priority };
    if (entry.dispatchType === "goal") {
      this.#logger.info("scheduler.goal_dispatched", { ...fields, goal_id: id });
    } else {
      this.#logger.info("scheduler.task_dispatched", {
        ...fields,
        task_id: id,
        worker_type: entry.taskConfig.workerType,
      });
    }
  }

  /** The firing is over, and all its messages have been published. */
  sent(firing: Firing, count: number): void {
    this.#logExpansion(firing, count);
    this.#end(firing, count === 0 ? "empty" : "dispatched", { dispatches: count });
  }

  skipped(due: Due, reason: SkipReason, fields: Record<string, unknown> = {}): void {
    const { entry, scheduledFor, fireAt } = due;
    const lateness = this.#clock.now() - fireAt;
    // Whoever paused an entry knows: a line a second would hide what nobody knows.
    this.#logger[reason === "paused" ? "debug" : "warning"]("scheduler.fire_skipped", {
      schedule: entry.name,
      firing_id: firingId(due),
      scheduled_for: scheduledFor.toISOString(),
      reason,
      ...fields,
    });
    this.#keep({ due, lateness, expansion: null }, reason);
  }

  failed(firing: Firing, { sent, failed, errors }: Published): void {
    const { due: { entry, scheduledFor }, id } = firing;
    const error = describe(errors[0]);
    this.#logger.error("scheduler.dispatch_error", {
      schedule: entry.name,
      firing_id: id,
      scheduled_for: scheduledFor.toISOString(),
      failed,
      error,
    });
    if (sent > 0) this.#logExpansion(firing, sent);
    this.#end(firing, "failed", { dispatches: sent, error });
  }

  expansionFailed(firing: Firing, error: unknown): void {
    const { due: { entry, scheduledFor }, id } = firing;
    const event = error instanceof ExpansionError
      ? EXPANSION_EVENTS[error.kind]
      : "scheduler.dispatch_error";
    this.#logger.error(event, {
      schedule: entry.name,
      firing_id: id,
      scheduled_for: scheduledFor.toISOString(),
      expand_from: entry.expandFrom,
      error: describe(error),
      ...(error instanceof ExpansionError && stackOf(error.cause)),
    });
    this.#end(firing, "failed", { error: describe(error) });
  }

  #logExpansion({ due: { entry }, id }: Firing, count: number): void {
    if (entry.expandFrom === null) return;
    const fields = { schedule: entry.name, firing_id: id, expand_from: entry.expandFrom };
    if (count === 0) this.#logger.info("scheduler.expansion_empty", fields);
    else this.#logger.info("scheduler.expansion_dispatched", { ...fields, count });
  }

  #end(firing: Firing, outcome: Outcome, result: { dispatches?: number; error?: string }): void {
    firing.outcome = outcome;
    firing.error = result.error ?? null;
    this.#keep(firing, outcome, result);
  }

  #keep(
    { due, lateness, expansion }: Pick<Firing, "due" | "lateness" | "expansion">,
    outcome: Outcome,
    { dispatches = 0, error }: { dispatches?: number; error?: string } = {},
  ): void {
    this.#ledger?.record({
      entry: due.entry.name,
      outcome,
      scheduledFor: due.scheduledFor.getTime(),
      at: this.#clock.now(),
      lateness: Math.max(0, lateness),
      dispatches,
      expansion,
      error: error ?? null,
      next: due.next ?? null,
    });
  }
}

const instants = new InstantText();

/** What all log lines of one firing have in common: two replicas give an occurrence the same. */
export function firingId({ entry, scheduledFor }: Due): string {
  return `${entry.name}@${instants.of(scheduledFor.getTime())}`;
}

/** Where in the user's module it went wrong, as a field of the log line. */
function stackOf(cause: unknown): { stack?: string } {
  return cause instanceof Error && cause.stack !== undefined ? { stack: cause.stack } : {};
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
