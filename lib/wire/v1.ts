/**
 * The wire of Heddle's releases (0.9.1, 0.9.2): a message is a goal or a task.
 *
 * @module
 */
import type { ModelTier, Priority } from "./vocabulary.ts";

/** A goal for Heddle's orchestrators, as published on `heddle.goals.incoming`. */
export type OrchestratorGoal = {
  /** A UUID. */
  goal_id: string;
  instruction: string;
  context: Record<string, unknown>;
  request_id: string | null;
  priority: Priority;
  /** RFC 3339, UTC, milliseconds. */
  created_at: string;
  /** W3C Trace Context, with tracing on. */
  _trace_context?: Readonly<Record<string, string>>;
};

/** A task for Heddle's router, as published on `heddle.tasks.incoming`. */
export type TaskMessage = {
  /** A UUID. */
  task_id: string;
  parent_task_id: string | null;
  worker_type: string;
  payload: Record<string, unknown>;
  model_tier: ModelTier;
  priority: Priority;
  /** RFC 3339, UTC, milliseconds. */
  created_at: string;
  request_id: string | null;
  metadata: Record<string, unknown>;
  /** W3C Trace Context, with tracing on. */
  _trace_context?: Readonly<Record<string, string>>;
};

/** The fields that goals and tasks share. */
export interface MessageInit {
  /** A text (RFC 3339, UTC) is taken as it is. */
  createdAt: Date | string;
  /** Default: `normal`. */
  priority?: Priority;
  /** Default: null. */
  requestId?: string | null;
  /** W3C `traceparent`, and `tracestate` where there is one. Default: none. */
  traceContext?: { readonly traceparent: string; readonly tracestate?: string };
}

/** The fields of a goal that is to be built. */
export interface OrchestratorGoalInit extends MessageInit {
  /** A UUID. */
  goalId: string;
  /** The instruction to the orchestrator. */
  instruction: string;
  /** Default: empty. */
  context?: Readonly<Record<string, unknown>>;
}

/** The fields of a task that is to be built. */
export interface TaskMessageInit extends MessageInit {
  /** A UUID. */
  taskId: string;
  /** Which kind of worker does it. */
  workerType: string;
  /** Default: empty. */
  payload?: Readonly<Record<string, unknown>>;
  /** Default: `local`. */
  modelTier?: ModelTier;
  /** Default: null. */
  parentTaskId?: string | null;
  /** Default: empty. */
  metadata?: Readonly<Record<string, unknown>>;
}

/** Builds a goal in which every field of the v1 schema is present. */
export function orchestratorGoal(init: OrchestratorGoalInit): OrchestratorGoal {
  return {
    goal_id: init.goalId,
    instruction: init.instruction,
    context: { ...init.context },
    request_id: init.requestId ?? null,
    priority: init.priority ?? "normal",
    created_at: textOf(init.createdAt),
    ...(init.traceContext && { _trace_context: { ...init.traceContext } }),
  };
}

/** Builds a task in which every field of the v1 schema is present. */
export function taskMessage(init: TaskMessageInit): TaskMessage {
  return {
    task_id: init.taskId,
    parent_task_id: init.parentTaskId ?? null,
    worker_type: init.workerType,
    payload: { ...init.payload },
    model_tier: init.modelTier ?? "local",
    priority: init.priority ?? "normal",
    created_at: textOf(init.createdAt),
    request_id: init.requestId ?? null,
    metadata: { ...init.metadata },
    ...(init.traceContext && { _trace_context: { ...init.traceContext } }),
  };
}

/** Returns an instant in RFC 3339. */
export function textOf(instant: Date | string): string {
  return typeof instant === "string" ? instant : instant.toISOString();
}
