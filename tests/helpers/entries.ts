import { parseCronExpression } from "../../lib/time/cron/cron_expression.ts";
import type { Action, MessageConfig, ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { CronTiming } from "../../lib/config/timing/cron_timing.ts";
import { IntervalTiming } from "../../lib/config/timing/interval_timing.ts";

const COMMON = {
  description: null,
  labels: {},
  timezone: "UTC",
  expandFrom: null,
  expandWith: {},
  forEach: null,
  expandTimeoutSeconds: 30,
  enabled: true,
  runOnStart: false,
  jitterSeconds: 0,
  startAt: null,
  endAt: null,
  misfireGraceSeconds: null,
  catchUp: "none",
} as const;

const TASK: Action = {
  dispatchType: "task",
  goalConfig: null,
  messageConfig: null,
  taskConfig: {
    workerType: "worker",
    payload: { from: "payload" },
    modelTier: "local",
    priority: "normal",
  },
};

/** What a `message` entry has in place of a task. */
export function messageTo(
  subject: string,
  { payload = {}, headers = {} }: Partial<MessageConfig> = {},
) {
  const messageConfig = { subject, payload, headers };
  return { dispatchType: "message", goalConfig: null, taskConfig: null, messageConfig } as const;
}

type Overrides = Partial<Omit<ScheduleEntry, "timing" | keyof Action>>;

/** A task entry that is due every `seconds`. */
export function intervalEntry(name: string, seconds: number, overrides: Overrides = {}) {
  const entry: ScheduleEntry = {
    ...COMMON,
    ...TASK,
    name,
    timing: new IntervalTiming(seconds),
    ...overrides,
  };
  return entry;
}

/** A task entry that is due by `cron`. */
export function cronEntry(name: string, cron: string, overrides: Overrides = {}) {
  const timezone = overrides.timezone ?? "UTC";
  const entry: ScheduleEntry = {
    ...COMMON,
    ...TASK,
    name,
    timing: new CronTiming(cron, parseCronExpression(cron), timezone),
    ...overrides,
  };
  return entry;
}
