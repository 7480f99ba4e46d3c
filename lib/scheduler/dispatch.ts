import { dispatchId, dispatchUuid } from "../wire/identity.ts";
import { type OrchestratorGoal, orchestratorGoal } from "../wire/orchestrator_goal.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../wire/subjects.ts";
import { type TaskMessage, taskMessage } from "../wire/task_message.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

/** One message ready to publish. */
export interface Dispatch {
  /** The message's `goal_id` or `task_id`. */
  readonly id: string;
  readonly subject: string;
  readonly message: OrchestratorGoal | TaskMessage;
  readonly headers: Record<string, string>;
}

/** What one firing has in common over all its dispatches. */
export interface Occurrence {
  /** The scheduler's name. */
  readonly scheduler: string;
  readonly scheduledFor: Date;
  readonly createdAt: Date;
  /** Set when a person triggers the firing: its dispatches get random identities. */
  readonly byHand?: boolean;
}

/**
 * The message that `entry` sends for one object of its expansion (an empty one where it has none),
 * which is merged over the entry's own context or payload: shallow, the object wins.
 *
 * @param index the object's position in the expansion; part of the dispatch's identity
 */
export function dispatchOf(
  entry: ScheduleEntry,
  occurrence: Occurrence,
  expansion: Readonly<Record<string, unknown>> = {},
  index = 0,
): Dispatch {
  const { scheduler, scheduledFor, createdAt, byHand } = occurrence;
  const random = byHand ? crypto.randomUUID() : null;
  const messageId = random ?? dispatchId({ scheduler, entry: entry.name, scheduledFor, index });
  const id = random ?? dispatchUuid(messageId);
  const headers = {
    "Nats-Msg-Id": messageId,
    "Heddle-Schedule": entry.name,
    "Heddle-Scheduled-For": scheduledFor.toISOString(),
  };

  if (entry.dispatchType === "goal") {
    const { instruction, context, priority } = entry.goalConfig;
    const message = orchestratorGoal({
      goalId: id,
      instruction,
      context: { ...context, ...expansion },
      priority,
      createdAt,
    });
    return { id, subject: GOALS_SUBJECT, message, headers };
  }
  const { workerType, payload, modelTier, priority } = entry.taskConfig;
  const message = taskMessage({
    taskId: id,
    workerType,
    payload: { ...payload, ...expansion },
    modelTier,
    priority,
    createdAt,
    metadata: { scheduled_by: entry.name, scheduled_for: scheduledFor.toISOString() },
  });
  return { id, subject: TASKS_SUBJECT, message, headers };
}
