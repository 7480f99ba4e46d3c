import type { Cadence } from "../time/cadence.ts";
import type { CatchUp, ModelTier, Priority } from "../wire/vocabulary.ts";

/** What a `goal` entry dispatches. */
export interface GoalConfig {
  readonly instruction: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly priority: Priority;
}

/** What a `task` entry dispatches. */
export interface TaskConfig {
  readonly workerType: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly modelTier: ModelTier;
  readonly priority: Priority;
}

/** When an entry is due: one of a cron expression and an interval, never both. */
export type Timing =
  | { readonly cron: string; readonly intervalSeconds: null }
  | { readonly cron: null; readonly intervalSeconds: number };

/** What an entry dispatches: a goal or a task, never both. */
export type Action =
  | { readonly dispatchType: "goal"; readonly goalConfig: GoalConfig; readonly taskConfig: null }
  | { readonly dispatchType: "task"; readonly goalConfig: null; readonly taskConfig: TaskConfig };

/** What every entry has. */
export interface CommonSettings {
  /** Unique in the file. */
  readonly name: string;
  /** IANA zone in which `cron` is read; the file's default is already applied. */
  readonly timezone: string;
  /** The cron expression's cadence, shared by all entries of the same expression and zone. */
  readonly cronCadence: Cadence | null;
  readonly expandFrom: string | null;
  readonly expandTimeoutSeconds: number;
  readonly enabled: boolean;
  readonly runOnStart: boolean;
  /** Largest delay added to an occurrence, in seconds. */
  readonly jitterSeconds: number;
  /** The first and the last instant at which the entry may be due; null for no bound. */
  readonly startAt: Date | null;
  readonly endAt: Date | null;
  /** How late a firing may be, in seconds, before it is skipped; null for no limit. */
  readonly misfireGraceSeconds: number | null;
  /** Null where the file does not say: what is in effect depends on whether there are replicas. */
  readonly catchUp: CatchUp | null;
}

/** One entry of `schedules`: checked, with every default filled in that the file alone decides. */
export type ScheduleEntry = CommonSettings & Timing & Action;
