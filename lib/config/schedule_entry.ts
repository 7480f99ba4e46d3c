import type { CatchUp, ModelTier, Priority } from "../wire/vocabulary.ts";
import type { Timing } from "./timing/timing.ts";

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

/** What an entry dispatches: a goal or a task, never both. */
export type Action =
  | { readonly dispatchType: "goal"; readonly goalConfig: GoalConfig; readonly taskConfig: null }
  | { readonly dispatchType: "task"; readonly goalConfig: null; readonly taskConfig: TaskConfig };

/** What every entry has. */
export interface CommonSettings {
  /** Unique in the file. */
  readonly name: string;
  /** IANA zone of the entry's wall clock; the file's default is already applied. */
  readonly timezone: string;
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

/** An entry with its timing in whatever form. */
export type EntryWith<T> = CommonSettings & Action & { readonly timing: T };

/** One entry of `schedules`: checked, with every default filled in that the file alone decides. */
export type ScheduleEntry = EntryWith<Timing>;
