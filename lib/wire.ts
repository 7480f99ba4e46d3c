/**
 * What travels on Heddle's bus: the two messages, their subjects, and how a dispatch is named.
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
  type OrchestratorGoal,
  orchestratorGoal,
  type OrchestratorGoalInit,
} from "./wire/orchestrator_goal.ts";
export { GOALS_SUBJECT, RELOAD_SUBJECT, schedulerSubject, TASKS_SUBJECT } from "./wire/subjects.ts";
export { type TaskMessage, taskMessage, type TaskMessageInit } from "./wire/task_message.ts";
export {
  DISPATCH_TYPES,
  type DispatchType,
  MODEL_TIERS,
  type ModelTier,
  PRIORITIES,
  type Priority,
} from "./wire/vocabulary.ts";
