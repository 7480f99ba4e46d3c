/**
 * heddle-scheduler as a library, for programs that embed the scheduler. Its parts have entries of
 * their own: `/actor`, `/bus`, `/config`, `/control`, `/cron`, `/simulation`, `/testing`,
 * `/tracing`, `/wire`.
 *
 * @module
 */
export { type ActorOptions, BaseActor, type RunOptions } from "./actor/actor.ts";
export { MemoryBus } from "./bus/memory_bus.ts";
export {
  BusClosedError,
  BusConnectError,
  type JsonObject,
  type Message,
  type MessageBus,
  NoReplyError,
  NotPermittedError,
  type PublishOptions,
  type Subscription,
  UnconfirmedError,
} from "./bus/message_bus.ts";
export { NatsBus } from "./bus/nats/nats_bus.ts";
export { JetStreamUnavailableError, NoStreamError } from "./bus/stream_bus.ts";
export { ConfigError } from "./config/config_error.ts";
export type { ConfigProblem } from "./config/config_problem.ts";
export {
  type LoadedConfig,
  loadSchedulerConfig,
  type SchedulerConfig,
} from "./config/load_config.ts";
export type { ScheduleEntry } from "./config/schedule_entry.ts";
export { validateSchedulerConfig } from "./config/validate_config.ts";
export type { DeliveryMode } from "./wire/vocabulary.ts";
export type { ReplicaOptions } from "./engine/firing_engine.ts";
export type { FiredOccurrence, OnFire } from "./engine/firing.ts";
export type { Logger } from "./log/logger.ts";
export type { ConfigDocument } from "./scheduler/config_source.ts";
export { SchedulerActor, type SchedulerActorOptions } from "./scheduler/scheduler_actor.ts";
export type { Cadence } from "./time/cadence.ts";
export type { Clock } from "./time/clock.ts";
export { cronCadence, CronExpressionError } from "./time/cron/cron_cadence.ts";
export { intervalCadence } from "./time/interval_cadence.ts";
export { TimeZoneError } from "./time/zone.ts";
export type { Tracing } from "./trace/tracing.ts";
export {
  type OrchestratorGoal,
  orchestratorGoal,
  type OrchestratorGoalInit,
  type TaskMessage,
  taskMessage,
  type TaskMessageInit,
} from "./wire/v1.ts";
