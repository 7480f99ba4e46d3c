/**
 * What travels on Heddle's bus: the two messages on both of its wires, their subjects, and how a
 * dispatch is named.
 *
 * @module
 */
export {
  DISPATCH_NAMESPACE,
  dispatchId,
  type DispatchName,
  dispatchUuid,
} from "./wire/identity.ts";
export {
  type Envelope,
  type EnvelopeInit,
  type GoalEnvelope,
  goalEnvelope,
  type TaskEnvelope,
  taskEnvelope,
} from "./wire/envelope.ts";
export { GOALS_SUBJECT, RELOAD_SUBJECT, schedulerSubject, TASKS_SUBJECT } from "./wire/subjects.ts";
export {
  type MessageInit,
  type OrchestratorGoal,
  orchestratorGoal,
  type OrchestratorGoalInit,
  type TaskMessage,
  taskMessage,
  type TaskMessageInit,
} from "./wire/v1.ts";
export {
  DISPATCH_TYPES,
  type DispatchType,
  MODEL_TIERS,
  type ModelTier,
  PRIORITIES,
  type Priority,
  type Wire,
  WIRES,
} from "./wire/vocabulary.ts";
