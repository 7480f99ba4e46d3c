import type { ModelTier, Priority } from "./vocabulary.ts";

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

/** The fields of a task that is to be built. */
export interface TaskMessageInit {
  /** A UUID. */
  taskId: string;
  /** Which kind of worker does it. */
  workerType: string;
  /** A text (RFC 3339, UTC) is taken as it is. */
  createdAt: Date | string;
  /** Default: empty. */
  payload?: Readonly<Record<string, unknown>>;
  /** Default: `local`. */
  modelTier?: ModelTier;
  /** Default: `normal`. */
  priority?: Priority;
  /** Default: null. */
  parentTaskId?: string | null;
  /** Default: null. */
  requestId?: string | null;
  /** Default: empty. */
  metadata?: Readonly<Record<string, unknown>>;
  /** W3C `traceparent`, and `tracestate` where there is one. Default: none. */
  traceContext?: { readonly traceparent: string; readonly tracestate?: string };
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
    created_at: typeof init.createdAt === "string" ? init.createdAt : init.createdAt.toISOString(),
    request_id: init.requestId ?? null,
    metadata: { ...init.metadata },
    ...(init.traceContext && { _trace_context: { ...init.traceContext } }),
  };
}
