/**
 * The wire of Heddle's main branch: goals and tasks travel in envelopes. A receiver refuses any key at
 * the top that is not here and does not begin with `_`.
 *
 * @module
 */
import {
  type OrchestratorGoal,
  orchestratorGoal,
  type OrchestratorGoalInit,
  type TaskMessage,
  taskMessage,
  type TaskMessageInit,
  textOf,
} from "./v1.ts";

/** A message in its frame. */
export type Envelope<Type extends string, Body> = {
  /** The UUID of the body: the same for a repeat. */
  message_id: string;
  payload_type: Type;
  payload: Body;
  /** `scheduler:{name}`. */
  origin: string;
  correlation_id: string | null;
  causation_id: string | null;
  /** The due instant; RFC 3339, UTC. */
  occurred_at: string;
  /** When it was published; RFC 3339, UTC. */
  recorded_at: string;
  /** W3C Trace Context, with tracing on. */
  _trace_context?: Readonly<Record<string, string>>;
};

/** A goal in an envelope. */
export type GoalEnvelope = Envelope<
  "core.OrchestratorGoal",
  Omit<OrchestratorGoal, "created_at" | "_trace_context">
>;

/** A task in an envelope; `input` is what v1 calls `payload`. */
export type TaskEnvelope = Envelope<
  "core.TaskMessage",
  Omit<TaskMessage, "created_at" | "_trace_context" | "payload"> & {
    input: Record<string, unknown>;
  }
>;

/** What an envelope says beside its body. */
export interface EnvelopeInit {
  /** The name of the scheduler. */
  scheduler: string;
  /** The due instant; a text (RFC 3339, UTC) is taken as it is. */
  occurredAt: Date | string;
}

/** Builds a goal in an envelope; `createdAt` is when it is published. */
export function goalEnvelope(init: OrchestratorGoalInit & EnvelopeInit): GoalEnvelope {
  const { created_at, _trace_context, ...payload } = orchestratorGoal(init);
  const id = payload.goal_id;
  return framed("core.OrchestratorGoal", payload, { ...init, id, created_at, _trace_context });
}

/** Builds a task in an envelope; `createdAt` is when it is published. */
export function taskEnvelope(init: TaskMessageInit & EnvelopeInit): TaskEnvelope {
  const { created_at, _trace_context, payload: input, ...others } = taskMessage(init);
  const id = others.task_id;
  const payload = { ...others, input };
  return framed("core.TaskMessage", payload, { ...init, id, created_at, _trace_context });
}

function framed<Type extends string, Body>(
  type: Type,
  payload: Body,
  { id, scheduler, occurredAt, created_at, _trace_context }: EnvelopeInit & {
    id: string;
    created_at: string;
    _trace_context?: Readonly<Record<string, string>>;
  },
): Envelope<Type, Body> {
  return {
    message_id: id,
    payload_type: type,
    payload,
    origin: `scheduler:${scheduler}`,
    correlation_id: null,
    causation_id: null,
    occurred_at: textOf(occurredAt),
    recorded_at: created_at,
    ...(_trace_context !== undefined && { _trace_context }),
  };
}
