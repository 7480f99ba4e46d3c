/**
 * Configurations: reading and checking one, and what a checked one holds.
 *
 * @module
 */
export { ConfigError } from "./config/config_error.ts";
export type { ConfigProblem } from "./config/config_problem.ts";
export {
  type CheckOptions,
  type LoadedConfig,
  loadSchedulerConfig,
  parseSchedulerConfig,
  type SchedulerConfig,
} from "./config/load_config.ts";
export type {
  Action,
  CommonSettings,
  EntryWith,
  GoalConfig,
  MessageConfig,
  ScheduleEntry,
  TaskConfig,
} from "./config/schedule_entry.ts";
export type { Timing, TimingData } from "./config/timing/timing.ts";
export { validateSchedulerConfig } from "./config/validate_config.ts";
export type { Cadence } from "./time/cadence.ts";
export {
  CATCH_UP_POLICIES,
  type CatchUp,
  type ModelTier,
  type Priority,
} from "./wire/vocabulary.ts";
export type { ExpandAllow } from "./expansion/expand_allow.ts";
