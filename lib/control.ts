/**
 * What a running scheduler is asked over the bus, on `heddle.scheduler.{name}`, or by
 * `SchedulerActor.ask`, and what it answers.
 *
 * @module
 */
export * from "./control/control_api.ts";
export { type Outcome, OUTCOMES } from "./engine/history.ts";
export { schedulerSubject } from "./wire/subjects.ts";
export {
  CATCH_UP_POLICIES,
  type CatchUp,
  type DeliveryMode,
  type DeliveryWay,
} from "./wire/vocabulary.ts";
