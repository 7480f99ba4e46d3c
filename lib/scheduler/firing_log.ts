import type { Logger } from "../log/logger.ts";
import type { Dispatch } from "./dispatch.ts";
import { ExpansionError, type ExpansionErrorKind } from "./expansion.ts";
import { InstantText } from "./instant_text.ts";
import type { Published } from "./publish_all.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import type { Due } from "./timeline.ts";

const EXPANSION_EVENTS: Record<ExpansionErrorKind, string> = {
  invalid: "scheduler.invalid_expand_from",
  import: "scheduler.expand_from_import_failed",
  call: "scheduler.expand_from_call_failed",
  bad_return: "scheduler.expand_from_bad_return",
};

/** What the log says of firings. */
export class FiringLog {
  readonly #logger: Logger;
  readonly #text = new InstantText();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  firing({ entry, scheduledFor, passedOverSince }: Due, lateness: number): void {
    this.#logger.info("scheduler.firing", {
      schedule: entry.name,
      dispatch_type: entry.dispatchType,
      scheduled_for: this.#text.of(scheduledFor.getTime()),
      lateness_ms: lateness,
      ...(passedOverSince && { passed_over_since: this.#text.of(passedOverSince.getTime()) }),
    });
  }

  dispatched(entry: ScheduleEntry, { id, subject, message }: Dispatch): void {
    const fields = { schedule: entry.name, subject, priority: message.priority };
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

  expanded(entry: ScheduleEntry, count: number): void {
    const fields = { schedule: entry.name, expand_from: entry.expandFrom };
    if (count === 0) this.#logger.info("scheduler.expansion_empty", fields);
    else this.#logger.info("scheduler.expansion_dispatched", { ...fields, count });
  }

  skipped(due: Due, reason: string, fields: Record<string, unknown> = {}): void {
    this.#logger.warning("scheduler.fire_skipped", {
      schedule: due.entry.name,
      scheduled_for: due.scheduledFor.toISOString(),
      reason,
      ...fields,
    });
  }

  failed({ entry, scheduledFor }: Due, { failed, errors }: Published): void {
    this.#logger.error("scheduler.dispatch_error", {
      schedule: entry.name,
      scheduled_for: scheduledFor.toISOString(),
      failed,
      error: describe(errors[0]),
    });
  }

  expansionFailed({ entry, scheduledFor }: Due, error: unknown): void {
    const event = error instanceof ExpansionError
      ? EXPANSION_EVENTS[error.kind]
      : "scheduler.dispatch_error";
    this.#logger.error(event, {
      schedule: entry.name,
      scheduled_for: scheduledFor.toISOString(),
      expand_from: entry.expandFrom,
      error: describe(error),
      ...(error instanceof ExpansionError && stackOf(error.cause)),
    });
  }
}

/** Where in the user's module it went wrong, as a field of the log line. */
function stackOf(cause: unknown): { stack?: string } {
  return cause instanceof Error && cause.stack !== undefined ? { stack: cause.stack } : {};
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
