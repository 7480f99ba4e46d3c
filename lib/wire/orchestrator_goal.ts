import type { Priority } from "./vocabulary.ts";

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

/** The fields of a goal that is to be built. */
export interface OrchestratorGoalInit {
  /** A UUID. */
  goalId: string;
  /** The instruction to the orchestrator. */
  instruction: string;
  /** A text (RFC 3339, UTC) is taken as it is. */
  createdAt: Date | string;
  /** Default: empty. */
  context?: Readonly<Record<string, unknown>>;
  /** Default: `normal`. */
  priority?: Priority;
  /** Default: null. */
  requestId?: string | null;
  /** W3C `traceparent`, and `tracestate` where there is one. Default: none. */
  traceContext?: { readonly traceparent: string; readonly tracestate?: string };
}

/** Builds a goal in which every field of the v1 schema is present. */
export function orchestratorGoal(init: OrchestratorGoalInit): OrchestratorGoal {
  return {
    goal_id: init.goalId,
    instruction: init.instruction,
    context: { ...init.context },
    request_id: init.requestId ?? null,
    priority: init.priority ?? "normal",
    created_at: typeof init.createdAt === "string" ? init.createdAt : init.createdAt.toISOString(),
    ...(init.traceContext && { _trace_context: { ...init.traceContext } }),
  };
}
