import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import { isExpanded } from "../config/schedule_entry.ts";
import { ExpansionError, type ExpansionErrorKind } from "../expansion/expansion.ts";
import { type Due, MAX_COUNTED, type Missed } from "../schedule/occurrences.ts";
import type { Clock } from "../time/clock.ts";
import { InstantText } from "../internal/instant_text.ts";
import type { CatchUp } from "../wire/vocabulary.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Ending, Firing } from "./firing.ts";
import type { FiringRecord, History, Outcome, SkipReason } from "./history.ts";
import type { Job } from "./job.ts";

const EXPANSION_EVENTS: Record<ExpansionErrorKind, string> = {
  invalid: "scheduler.invalid_expand_from",
  import: "scheduler.expand_from_import_failed",
  call: "scheduler.expand_from_call_failed",
  bad_return: "scheduler.expand_from_bad_return",
};

export interface FiringLogOptions {
  logger: Logger;
  clock: Clock;
  history: History;
}

/**
 * Logs firings and adds them to the history. All lines of a firing have its id, which is the same
 * on every replica.
 */
export class FiringLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #history: History;
  readonly #text = new InstantText();

  constructor({ logger, clock, history }: FiringLogOptions) {
    this.#logger = logger;
    this.#clock = clock;
    this.#history = history;
  }

  idOf(entryName: string, { scheduledFor }: Due): string {
    return `${entryName}@${this.#text.of(scheduledFor)}`;
  }

  firing({ entry, due: { scheduledFor, passedOverSince }, lateness, id }: Firing): void {
    this.#logger.info("scheduler.firing", {
      schedule: entry.name,
      firing_id: id,
      dispatch_type: entry.dispatchType,
      scheduled_for: this.#text.of(scheduledFor),
      lateness_ms: lateness,
      ...(passedOverSince !== null && { passed_over_since: this.#text.of(passedOverSince) }),
    });
  }

  /** Logs a published message. */
  dispatched({ entry, id: firingId }: Firing, { id, subject }: Dispatch): void {
    const { goalConfig, taskConfig } = entry;
    const fields = { schedule: entry.name, firing_id: firingId, subject };
    if (goalConfig !== null) {
      const { priority } = goalConfig;
      this.#logger.info("scheduler.goal_dispatched", { ...fields, priority, goal_id: id });
    } else if (taskConfig !== null) {
      const { priority, workerType: worker_type } = taskConfig;
      const own = { priority, task_id: id, worker_type };
      this.#logger.info("scheduler.task_dispatched", { ...fields, ...own });
    } else {
      this.#logger.info("scheduler.message_dispatched", { ...fields, message_id: id });
    }
  }

  /** Logs the end of a firing. */
  ended(firing: Firing, { outcome, dispatches, failed, errors, isExpansion }: Ending): void {
    const { job, entry, id, due, lateness, expansion, isManual } = firing;
    const isFailed = outcome === "failed";
    if (isFailed) this.#failed(firing, { failed, error: errors[0], isExpansion });
    const error = isFailed ? errorText(errors[0]) : null;
    this.#add(job, due, outcome, { lateness, dispatches, expansion, error, isManual });
    if (!isExpanded(entry) || (outcome === "failed" && dispatches === 0)) return;
    const { expandFrom } = entry;
    const fields = {
      schedule: entry.name,
      firing_id: id,
      ...(expandFrom !== null && { expand_from: expandFrom }),
    };
    if (outcome === "empty") this.#logger.info("scheduler.expansion_empty", fields);
    else this.#logger.info("scheduler.expansion_dispatched", { ...fields, count: dispatches });
  }

  skipped(job: Job, due: Due, reason: SkipReason, fields: Record<string, unknown>): void {
    // A pause is intended, and a warning each second would hide the others.
    this.#logger[reason === "paused" ? "debug" : "warning"]("scheduler.fire_skipped", {
      schedule: job.name,
      firing_id: this.idOf(job.name, due),
      scheduled_for: this.#text.of(due.scheduledFor),
      reason,
      ...fields,
    });
    this.#add(job, due, reason, { lateness: this.#clock.now() - due.fireAt });
  }

  /** Logs the missed occurrences of an entry that do not fire, in one line. */
  missed(job: Job, { first, last, count }: Missed, catchUp: CatchUp): void {
    this.#logger.warning("scheduler.fire_skipped", {
      schedule: job.name,
      reason: "missed",
      first: new Date(first).toISOString(),
      last: new Date(last).toISOString(),
      count,
      ...(count === MAX_COUNTED && { at_least: true }),
      catch_up: catchUp,
    });
    const due = { scheduledFor: last, fireAt: last, passedOverSince: null, isSpread: false };
    this.#add(job, due, "missed", { lateness: this.#clock.now() - last, occurrences: count });
  }

  #add(
    job: Job,
    { scheduledFor, passedOverSince }: Due,
    outcome: Outcome,
    { lateness, isManual = false, ...ended }: Partial<FiringRecord> & {
      lateness: number;
      isManual?: boolean;
    },
  ): void {
    this.#history.add(job, {
      entry: job.name,
      outcome,
      scheduledFor,
      passedOverSince,
      at: this.#clock.now(),
      lateness: Math.max(0, lateness),
      dispatches: ended.dispatches ?? 0,
      expansion: ended.expansion ?? null,
      error: ended.error ?? null,
      next: isManual ? null : job.nextDue,
      occurrences: ended.occurrences ?? 1,
    });
  }

  #failed(
    { entry, id, due: { scheduledFor } }: Firing,
    { failed, error, isExpansion }: { failed: number; error: unknown; isExpansion: boolean },
  ): void {
    const fields = {
      schedule: entry.name,
      firing_id: id,
      scheduled_for: new Date(scheduledFor).toISOString(),
    };
    const text = errorText(error);
    if (!isExpansion) {
      this.#logger.error("scheduler.dispatch_error", { ...fields, failed, error: text });
      return;
    }
    const isKnown = error instanceof ExpansionError;
    const event = isKnown ? EXPANSION_EVENTS[error.kind] : "scheduler.dispatch_error";
    this.#logger.error(event, {
      ...fields,
      expand_from: entry.expandFrom,
      error: text,
      ...(isKnown && stackOf(error.cause)),
    });
  }
}

/** Returns the stack trace of an error in the user's module, as a field of the log line. */
function stackOf(cause: unknown): { stack?: string } {
  return cause instanceof Error && cause.stack !== undefined ? { stack: cause.stack } : {};
}
