import type { Action, ScheduleEntry, Timing } from "../../lib/config/schedule_entry.ts";
import { cronCadence } from "../../lib/time/cron/cron_cadence.ts";

const COMMON = {
  timezone: "UTC",
  cronCadence: null,
  expandFrom: null,
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
  taskConfig: {
    workerType: "worker",
    payload: { from: "payload" },
    modelTier: "local",
    priority: "normal",
  },
};

type Overrides = Partial<Omit<ScheduleEntry, keyof Timing | keyof Action>>;

/** A task entry that is due every `seconds`. */
export function intervalEntry(name: string, seconds: number, overrides: Overrides = {}) {
  const entry: ScheduleEntry = {
    ...COMMON,
    ...TASK,
    name,
    cron: null,
    intervalSeconds: seconds,
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
    cron,
    intervalSeconds: null,
    cronCadence: cronCadence(cron, timezone),
    ...overrides,
  };
  return entry;
}
