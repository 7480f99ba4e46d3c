/**
 * What only matters to someone who comes from Heddle's Python scheduler: `validate --from-python`.
 *
 * @module
 */
import { croniterDifferences } from "../time/cron/croniter_reading.ts";
import { type DocumentPath, type Finding, shown } from "./config_problem.ts";
import { DEFAULTS, ENTRY_SCHEMA } from "./config_schema.ts";

/** The keys of an entry that the Python scheduler reads too, and those that have no effect here. */
const SAME_KEYS = [
  "description",
  "labels",
  "name",
  "cron",
  "interval_seconds",
  "dispatch_type",
  "goal",
  "task",
  "message",
  "expand_from",
];

/** An entry, and what is needed to tell what its keys do. */
export interface EntryToCompare {
  readonly fields: Record<string, unknown>;
  readonly at: DocumentPath;
  /** Begins the messages. */
  readonly place: string;
  /** The file's zone. */
  readonly timezone: string;
  /** Whether `cron` is a valid expression. */
  readonly hasCron: boolean;
}

/** Returns a warning for each part of an entry that does something else in Python. */
export function entryDifferences(entry: EntryToCompare): Finding[] {
  const { fields, at, place, timezone, hasCron } = entry;
  const readings = hasCron ? croniterDifferences(String(fields.cron)) : [];
  const defaults = { ...DEFAULTS, timezone };
  return [
    ...readings.map((reading): Finding => ({
      severity: "warning",
      message: `${place}: ${reading}`,
      at: [...at, "cron"],
    })),
    ...(fields.dispatch_type !== "message" ? [] : [
      {
        severity: "warning",
        message: `${place}: 'dispatch_type' is "message", which the Python scheduler refuses`,
        at: [...at, "dispatch_type"],
      } satisfies Finding,
    ]),
    ...Object.keys(ENTRY_SCHEMA.properties)
      .filter((key) => !SAME_KEYS.includes(key))
      .flatMap((key) => newKey(fields, key, { defaults, at, place })),
  ];
}

/** The same for what stands beside the entries. */
export function fileDifferences(fields: Record<string, unknown>): Finding[] {
  return ["timezone", "wire", "expand_allow"].flatMap((key) =>
    newKey(fields, key, { defaults: DEFAULTS, at: [], place: "Top level" })
  );
}

function newKey(
  fields: Record<string, unknown>,
  key: string,
  { defaults, at, place }: { defaults: object; at: DocumentPath; place: string },
): Finding[] {
  const value = fields[key] ?? null;
  if (value === null || value === Reflect.get(defaults, key)) return [];
  return [{
    severity: "warning",
    message: `${place}: '${key}' is ${shown(value)} and has an effect here; the Python scheduler ` +
      "ignored it: remove it unless it is meant",
    at: [...at, key],
    aimsAtKey: true,
  }];
}
