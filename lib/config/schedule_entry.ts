import { GOALS_SUBJECT, TASKS_SUBJECT } from "../wire/subjects.ts";
import type { CatchUp, ModelTier, Priority } from "../wire/vocabulary.ts";
import type { Timing } from "./timing/timing.ts";

/** What a `goal` entry dispatches. */
export interface GoalConfig {
  /** What the orchestrator is asked to do. */
  readonly instruction: string;
  /** Sent with the goal; an expansion's object is merged over it. */
  readonly context: Readonly<Record<string, unknown>>;
  /** How urgent it is. */
  readonly priority: Priority;
}

/** What a `task` entry dispatches. */
export interface TaskConfig {
  /** Which kind of worker does it. */
  readonly workerType: string;
  /** What the worker is given; an expansion's object is merged over it. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Which kind of model the worker is to use. */
  readonly modelTier: ModelTier;
  /** How urgent it is. */
  readonly priority: Priority;
}

/** What a `message` entry dispatches. */
export interface MessageConfig {
  /** The subject that it is published to. */
  readonly subject: string;
  /** Published as it is; an expansion's object is merged over it. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Sent beside the scheduler's own headers. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What an entry dispatches: one of the three. */
export type Action =
  | {
    readonly dispatchType: "goal";
    readonly goalConfig: GoalConfig;
    readonly taskConfig: null;
    readonly messageConfig: null;
  }
  | {
    readonly dispatchType: "task";
    readonly goalConfig: null;
    readonly taskConfig: TaskConfig;
    readonly messageConfig: null;
  }
  | {
    readonly dispatchType: "message";
    readonly goalConfig: null;
    readonly taskConfig: null;
    readonly messageConfig: MessageConfig;
  };

/** Returns the subject that an entry publishes to. */
export function subjectOf({ dispatchType, messageConfig }: Action): string {
  if (messageConfig !== null) return messageConfig.subject;
  return dispatchType === "goal" ? GOALS_SUBJECT : TASKS_SUBJECT;
}

/** Returns what tells people most about what an entry dispatches. */
export function gistOf({ goalConfig, taskConfig, messageConfig }: Action): string {
  return goalConfig?.instruction ?? taskConfig?.workerType ?? messageConfig!.subject;
}

/** What every entry has. */
export interface CommonSettings {
  /** Unique in the file. */
  readonly name: string;
  /** What it is for; null where the file does not say. */
  readonly description: string | null;
  /** Words about it, by their names. */
  readonly labels: Readonly<Record<string, string>>;
  /** IANA zone of the entry's wall clock; the file's default is already applied. */
  readonly timezone: string;
  /** Names the expansion function; null without one. */
  readonly expandFrom: string | null;
  /** What that function is given as `with`. */
  readonly expandWith: Readonly<Record<string, unknown>>;
  /** One message is dispatched for each of these objects; null without them. */
  readonly forEach: readonly Readonly<Record<string, unknown>>[] | null;
  /** How long the expansion function may take. */
  readonly expandTimeoutSeconds: number;
  /** Whether the entry fires at all. */
  readonly enabled: boolean;
  /** Whether it fires at the start too. */
  readonly runOnStart: boolean;
  /** Largest delay added to an occurrence, in seconds. */
  readonly jitterSeconds: number;
  /** The first instant at which the entry may be due; null for no bound. */
  readonly startAt: Date | null;
  /** The last instant at which the entry may be due; null for no bound. */
  readonly endAt: Date | null;
  /** How late a firing may be, in seconds, before it is skipped; null for no limit. */
  readonly misfireGraceSeconds: number | null;
  /** Null where the file does not say: what is in effect depends on whether there are replicas. */
  readonly catchUp: CatchUp | null;
}

/** An entry with its timing in whatever form. */
export type EntryWith<T> = CommonSettings & Action & { readonly timing: T };

/** Returns in one line what the file says about an entry for people; empty where it says nothing. */
export function notesOf(
  { description, labels }: Pick<CommonSettings, "description" | "labels">,
): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const text = [description ?? "", ...(pairs.length > 0 ? [`[${pairs.join(", ")}]`] : [])].join(
    " ",
  );
  return text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

/** One entry of `schedules`: checked, with every default filled in that the file alone decides. */
export type ScheduleEntry = EntryWith<Timing>;

/** Reports whether a firing may have any number of messages, also none. */
export function isExpanded({ expandFrom, forEach }: CommonSettings): boolean {
  return expandFrom !== null || forEach !== null;
}
