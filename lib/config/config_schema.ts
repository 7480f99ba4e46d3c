/**
 * The schema of the configuration. The TypeScript types, the check, the words of its messages and the
 * JSON Schema for editors are all made from it.
 *
 * @module
 */

import {
  CATCH_UP_POLICIES,
  DISPATCH_TYPES,
  MODEL_TIERS,
  PRIORITIES,
  WIRES,
} from "../wire/vocabulary.ts";
import { published, type TypeOf } from "./schema_interpreter.ts";
import { CRON } from "./timing/cron_timing.ts";
import { INTERVAL, MAX_SECONDS } from "./timing/interval_timing.ts";

/** Names go into a header, a message id and a subject; longer ones are refused. */
export const MAX_NAME_CHARACTERS = 256;
/** A machine that has other work delays healthy firings by most of a second. */
export const MIN_GRACE_SECONDS = 1;
/** The length up to which NATS advises to keep subjects. A line of its protocol has an end. */
export const MAX_SUBJECT_CHARACTERS = 256;
/** An expansion that takes longer than a day is not waited for. */
export const MAX_EXPAND_TIMEOUT_SECONDS = 86_400;

/** It is sent to the function's process with each call, and shown. */
export const MAX_EXPAND_WITH_CHARACTERS = 65_536;

/** What stands in for an optional key that is absent or null. */
export const DEFAULTS = {
  timezone: "UTC",
  wire: "v1",
  priority: "normal",
  model_tier: "local",
  enabled: true,
  jitter_seconds: 0,
  run_on_start: false,
  expand_timeout_seconds: 30,
} as const;

const NAME = `a string that is not empty and no longer than ${MAX_NAME_CHARACTERS} characters`;

/** Keys that mean nothing to the scheduler, at every level. */
const FREE_KEYS = { "^x-": {} } as const;

const timezone = {
  type: ["string", "null"],
  mayBeEmpty: true,
  minLength: 1,
  title: "Time zone",
  wanted: "an IANA time zone such as 'Europe/Berlin'",
  examples: ["UTC", "Europe/Berlin", "America/New_York"],
} as const;

const priority = {
  enum: [...PRIORITIES, null],
  default: DEFAULTS.priority,
  title: "Priority",
  description: "Priority of the dispatched message.",
} as const;

const GOAL_SCHEMA = {
  type: ["object", "null"],
  title: "Goal",
  description: "What a `goal` entry dispatches to `heddle.goals.incoming`.",
  examples: [{ instruction: "Summarize the documents of the last hour" }],
  required: ["instruction"],
  additionalProperties: false,
  patternProperties: FREE_KEYS,
  properties: {
    instruction: {
      type: "string",
      readsNumbers: true,
      title: "Instruction",
      wanted: "a string",
      description: "What the orchestrator is asked to do.",
      examples: ["Summarize the documents of the last hour"],
    },
    context: {
      type: ["object", "null"],
      title: "Context",
      wanted: "a mapping",
      description: "Sent with the goal; an expansion's object is merged over it.",
      examples: [{ source: "docs" }],
    },
    priority,
  },
} as const;

const TASK_SCHEMA = {
  type: ["object", "null"],
  title: "Task",
  description: "What a `task` entry dispatches to `heddle.tasks.incoming`.",
  examples: [{ worker_type: "health_checker", payload: { check: "system" } }],
  required: ["worker_type"],
  additionalProperties: false,
  patternProperties: FREE_KEYS,
  properties: {
    worker_type: {
      type: "string",
      readsNumbers: true,
      minLength: 1,
      title: "Worker type",
      wanted: "a string that is not empty",
      description: "Which kind of worker takes the task.",
      examples: ["health_checker"],
    },
    payload: {
      type: ["object", "null"],
      title: "Payload",
      wanted: "a mapping",
      description: "Sent with the task; an expansion's object is merged over it.",
      examples: [{ check: "system" }],
    },
    input: {
      type: ["object", "null"],
      title: "Input",
      wanted: "a mapping",
      description: "The same as `payload`, of which it is a synonym.",
      examples: [{ check: "system" }],
    },
    model_tier: {
      enum: [...MODEL_TIERS, null],
      default: DEFAULTS.model_tier,
      title: "Model tier",
      description: "Which tier of model the worker is given.",
    },
    priority,
  },
} as const;

const MESSAGE_SCHEMA = {
  type: ["object", "null"],
  title: "Message",
  description: "What a `message` entry publishes to a subject of your own.",
  examples: [{ subject: "jobs.cache.refresh", payload: { scope: "all" } }],
  required: ["subject"],
  additionalProperties: false,
  patternProperties: FREE_KEYS,
  properties: {
    subject: {
      type: "string",
      minLength: 1,
      maxLength: MAX_SUBJECT_CHARACTERS,
      title: "Subject",
      wanted: "a subject such as 'jobs.cache.refresh', no longer than " +
        `${MAX_SUBJECT_CHARACTERS} characters`,
      description: "Where it is published, without wildcards.",
      examples: ["jobs.cache.refresh"],
    },
    payload: {
      type: ["object", "null"],
      title: "Payload",
      wanted: "a mapping",
      description: "Published as it is; an expansion's object is merged over it.",
      examples: [{ scope: "all" }],
    },
    headers: {
      type: ["object", "null"],
      additionalProperties: { type: "string", wanted: "a string", readsNumbers: true },
      title: "Headers",
      wanted: "a mapping of strings",
      description: "Sent beside the scheduler's own headers.",
      examples: [{ "X-Tenant": "a" }],
    },
  },
} as const;

/** The kinds of timing; an entry has exactly one of these keys. */
export const TIMINGS = {
  cron: CRON,
  interval_seconds: INTERVAL,
} as const;

const TIMING_SCHEMAS = schemasOf(TIMINGS);

/** The structure of one entry of `schedules`: keys and types, without the rules between keys. */
export const ENTRY_SCHEMA = {
  type: "object",
  title: "Schedule",
  required: ["name", "dispatch_type"],
  additionalProperties: false,
  patternProperties: FREE_KEYS,
  properties: {
    name: {
      type: "string",
      readsNumbers: true,
      minLength: 1,
      maxLength: MAX_NAME_CHARACTERS,
      title: "Name",
      wanted: NAME,
      description: "Unique in the file; names the entry in logs, headers and message ids.",
      examples: ["hourly_summarize"],
    },
    description: {
      type: ["string", "null"],
      readsNumbers: true,
      title: "Description",
      wanted: "a string",
      description: "What the entry is for; shown to people, never sent.",
      examples: ["Summarizes what came in since the last hour"],
    },
    labels: {
      type: ["object", "null"],
      additionalProperties: { type: "string", wanted: "a string", readsNumbers: true },
      title: "Labels",
      wanted: "a mapping of strings",
      description: "Words about the entry by their names; shown to people, never sent.",
      examples: [{ team: "reports" }],
    },
    ...TIMING_SCHEMAS,
    dispatch_type: {
      enum: DISPATCH_TYPES,
      title: "Dispatch type",
      wanted: "'goal' or 'task', or 'message' for a subject of your own",
      description: "Whether the entry dispatches its `goal`, its `task` or its `message`.",
    },
    goal: GOAL_SCHEMA,
    task: TASK_SCHEMA,
    message: MESSAGE_SCHEMA,
    expand_from: {
      type: ["string", "null"],
      mayBeEmpty: true,
      title: "Expansion function",
      wanted: "a string such as 'sessions.active_sessions' or './sessions.ts#getActive'",
      description: "A function that returns a list of objects; one message is dispatched for " +
        "each. Relative to the directory of this file.",
      examples: ["sessions.active_sessions", "./expansions/sessions.ts#getActive"],
    },
    expand_with: {
      type: ["object", "null"],
      title: "Expansion argument",
      wanted: "a mapping",
      description: "What the expansion function is given as `with`.",
      examples: [{ tenant: "acme" }],
    },
    for_each: {
      type: ["array", "null"],
      items: { type: "object", title: "Object" },
      title: "Objects",
      wanted: "a list of mappings",
      description: "One message is dispatched for each of these objects, as for those that an " +
        "expansion function returns.",
      examples: [[{ tenant: "acme" }, { tenant: "globex" }]],
    },
    expand_timeout_seconds: {
      type: ["number", "null"],
      exclusiveMinimum: 0,
      maximum: MAX_EXPAND_TIMEOUT_SECONDS,
      default: DEFAULTS.expand_timeout_seconds,
      title: "Expansion time-out",
      wanted: `a positive number of seconds of at most ${MAX_EXPAND_TIMEOUT_SECONDS}`,
      description: "Seconds an expansion function may take.",
      examples: [30, 0.5],
    },
    enabled: {
      type: ["boolean", "null"],
      default: DEFAULTS.enabled,
      title: "Enabled",
      wanted: "true or false",
      description: "An entry that is not enabled is checked but never fires.",
    },
    timezone: {
      ...timezone,
      description: "IANA zone in which `cron` is read; the file's `timezone` where absent.",
    },
    jitter_seconds: {
      type: ["number", "null"],
      minimum: 0,
      maximum: MAX_SECONDS,
      default: DEFAULTS.jitter_seconds,
      title: "Jitter",
      wanted: `a number of seconds from 0 to ${MAX_SECONDS}`,
      description: "Largest delay in seconds that is added to a firing.",
      examples: [10],
    },
    run_on_start: {
      type: ["boolean", "null"],
      default: DEFAULTS.run_on_start,
      title: "Run on start",
      wanted: "true or false",
      description: "Whether the entry also fires when the scheduler starts.",
    },
    start_at: {
      type: ["string", "null"],
      mayBeEmpty: true,
      title: "Start at",
      wanted: "an instant such as '2026-03-01T08:00:00Z'",
      description: "The first instant at which the entry may be due, with an offset or `Z`; an " +
        "interval counts from it, also where it lies in the past.",
      examples: ["2026-03-01T08:00:00Z"],
    },
    end_at: {
      type: ["string", "null"],
      mayBeEmpty: true,
      title: "End at",
      wanted: "an instant such as '2026-03-01T08:00:00Z'",
      description: "The last instant at which the entry may be due, with an offset or `Z`.",
      examples: ["2026-12-31T23:59:59+01:00"],
    },
    misfire_grace_seconds: {
      type: ["number", "null"],
      minimum: 0,
      title: "Misfire grace",
      wanted: "a number of seconds that is 0 or more",
      description:
        "A firing later than this many seconds is skipped; no limit where absent. Less " +
        "than 1 skips healthy ones.",
      examples: [60],
    },
    catch_up: {
      enum: [...CATCH_UP_POLICIES, null],
      title: "Catch up",
      description: "What becomes of occurrences missed while no scheduler ran: none, the latest " +
        "one, or all (at most 1000). Where absent: one with `--replicas`, else none.",
    },
  },
} as const;

/** One entry as it stands in a file whose structure is right. */
export type EntryInput = TypeOf<typeof ENTRY_SCHEMA>;

/** The structure of the file around its entries. */
export const FILE_SCHEMA = {
  type: "object",
  required: ["name", "schedules"],
  additionalProperties: false,
  patternProperties: FREE_KEYS,
  properties: {
    name: {
      type: "string",
      readsNumbers: true,
      minLength: 1,
      maxLength: MAX_NAME_CHARACTERS,
      title: "Scheduler name",
      wanted: NAME,
      description: "Names the scheduler; it listens on `heddle.scheduler.{name}`.",
      examples: ["default_scheduler"],
    },
    timezone: {
      ...timezone,
      default: DEFAULTS.timezone,
      description: "IANA zone for the entries that name none.",
    },
    wire: {
      enum: [...WIRES, null],
      default: DEFAULTS.wire,
      title: "Wire",
      description: "The format of goals and tasks: that of Heddle's releases, or the envelope of " +
        "its main branch.",
    },
    expand_allow: {
      type: ["object", "null"],
      title: "What expansion functions may reach",
      wanted: "a mapping with 'read' or 'net'",
      description: "What expansion functions may reach beside their own directory.",
      examples: [{ read: ["/srv/tenants"], net: ["api.example.com:443"] }],
      required: [],
      additionalProperties: false,
      properties: {
        read: {
          type: "array",
          items: { type: "string", title: "Path" },
          title: "Readable paths",
          wanted: "a list of paths",
          description: "Files and directories that they may read too; relative paths count from " +
            "the directory of this file.",
        },
        net: {
          type: "array",
          items: { type: "string", title: "Address" },
          title: "Reachable hosts",
          wanted: "a list such as ['api.example.com:443'] (empty for nothing)",
          description: "All that they may reach over the network, `host:port` or `host`; " +
            "everything where absent, nothing where empty.",
        },
      },
    },
    schedules: {
      type: "array",
      title: "Schedules",
      wanted: "a list of schedules (it may be empty)",
      description: "The entries; may be empty.",
    },
  },
} as const;

/** The rules between the keys of an entry, for editors; validate_config.ts words them for people. */
const ENTRY_RULES = {
  allOf: [
    {
      oneOf: Object.entries(TIMING_SCHEMAS).map(([key, { type: [type] }]) => ({
        required: [key],
        properties: { [key]: { type } },
      })),
    },
    {
      not: {
        required: ["expand_from", "for_each"],
        properties: { expand_from: { type: "string" }, for_each: { type: "array" } },
      },
    },
    ...DISPATCH_TYPES.map((type) => ({
      if: { required: ["dispatch_type"], properties: { dispatch_type: { const: type } } },
      then: { required: [type], properties: { [type]: { type: "object" } } },
    })),
  ],
};

/**
 * The JSON Schema (draft 7) that `heddle-scheduler schema` prints for editors. It accepts what the
 * scheduler accepts, but flags unknown keys, which are warnings to the scheduler.
 */
export const CONFIG_JSON_SCHEMA = published({
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "urn:heddle:scheduler-config",
  title: "Heddle scheduler configuration",
  description: "Which messages the scheduler dispatches, and when.",
  ...FILE_SCHEMA,
  properties: {
    ...FILE_SCHEMA.properties,
    schedules: {
      ...FILE_SCHEMA.properties.schedules,
      items: { ...ENTRY_SCHEMA, ...ENTRY_RULES },
    },
  },
  examples: [
    {
      name: "default_scheduler",
      timezone: "UTC",
      schedules: [
        {
          name: "hourly_summarize",
          cron: "0 * * * *",
          dispatch_type: "goal",
          goal: { instruction: "Summarize the documents of the last hour" },
        },
        {
          name: "refresh_cache",
          cron: "*/10 * * * *",
          dispatch_type: "message",
          message: { subject: "jobs.cache.refresh", payload: { scope: "all" } },
        },
        {
          name: "health",
          interval_seconds: 300,
          dispatch_type: "task",
          task: { worker_type: "health_checker", payload: { check: "system" } },
        },
      ],
    },
  ],
});

function schemasOf<Kinds extends Record<string, { schema: unknown }>>(kinds: Kinds) {
  const schemas = Object.entries(kinds).map(([key, { schema }]) => [key, schema]);
  return Object.fromEntries(schemas) as { readonly [K in keyof Kinds]: Kinds[K]["schema"] };
}
