import { isPlainObject } from "../internal/plain_object.ts";
import type { ExpandAllow } from "../expansion/expand_allow.ts";
import { readExpandAllow } from "./config_allow.ts";
import { readEntry } from "./config_entry.ts";
import { JsonCheck } from "./config_json.ts";
import {
  type ConfigProblem,
  type DocumentPath,
  type Finding,
  formatPath,
  shown,
} from "./config_problem.ts";
import { DEFAULTS, FILE_SCHEMA } from "./config_schema.ts";
import { plainMeaning } from "./foreign/plain_meaning.ts";
import { fileStructure } from "./config_structure.ts";
import { schedulerNameProblem } from "./config_values.ts";
import { fileDifferences } from "./from_python.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import { type Wire, WIRES } from "../wire/vocabulary.ts";
import { TimingTable } from "./timing/timing_table.ts";

/** Some ten times what a file can hold; a list that is longer is not walked through. */
const MAX_ENTRIES = 1_000_000;

/** A checked configuration, with every default filled in. */
export interface SchedulerConfig {
  /** The scheduler's name, part of its subject and of each dispatch's identity. */
  readonly name: string;
  /** The zone of entries that name none. */
  readonly timezone: string;
  /** The format of goals and tasks. */
  readonly wire: Wire;
  /** What expansion functions may reach. */
  readonly expandAllow: ExpandAllow;
  /** In the order of the file. */
  readonly entries: readonly ScheduleEntry[];
}

/** A configuration, or null where there is any error, and all that was found. */
export interface CheckedConfig {
  readonly config: SchedulerConfig | null;
  readonly findings: readonly Finding[];
}

/**
 * Every problem of a configuration that was read from YAML or JSON, or built by a program; an empty
 * list when it is valid. Never throws, whatever it is given.
 *
 * @param path the name of the file, to begin the messages with
 */
export function validateSchedulerConfig(
  config: unknown,
  path?: string,
  options?: CheckOptions,
): ConfigProblem[] {
  const prefix = path === undefined ? "" : `${path}: `;
  return checkConfig(config, options).findings.map(({ severity, message, at }) => ({
    severity,
    message: prefix + message,
    path: formatPath(at),
  }));
}

/** How to check a configuration. */
export interface CheckOptions {
  /** Whether to report what only matters to someone who comes from Heddle's Python scheduler. */
  readonly fromPython?: boolean;
  /** The name of the scheduler that runs, which a reload does not change: another is reported. */
  readonly runsAs?: string;
  /**
   * The directory that `expand_from` counts from, where a file is read: functions that are not there are
   * reported. Default: that of the file.
   */
  readonly expandRoot?: string;
}

/** Checks `raw` and builds the configuration from it. Never throws. */
export function checkConfig(raw: unknown, options: CheckOptions = {}): CheckedConfig {
  const findings: Finding[] = [];
  const config = guarded([], findings, () => readConfig(raw, findings, options)) ?? null;
  const isRight = !findings.some((finding) => finding.severity === "error");
  return { config: isRight ? config : null, findings };
}

function readConfig(
  written: unknown,
  findings: Finding[],
  { fromPython = false, runsAs }: CheckOptions,
): SchedulerConfig | null {
  const raw = plainMeaning(written, FILE_SCHEMA, {
    at: [],
    place: "Top level",
    report: (finding) => findings.push(finding),
  });
  findings.push(...fileStructure(raw));
  if (!isPlainObject(raw)) return null;
  if (fromPython) findings.push(...fileDifferences(raw));
  const { name, timezone, wire, schedules } = raw;
  const fail = (message: string, key: string) =>
    findings.push({ severity: "error", message: `Top level: ${message}`, at: [key] });

  if (typeof name === "string" && name !== "") {
    const problem = schedulerNameProblem(name);
    if (problem !== null) fail(`'name' is ${shown(name)}: ${problem}`, "name");
    else if (runsAs !== undefined && name !== runsAs) {
      const message =
        `Top level: 'name' changed from ${shown(runsAs)} to ${shown(name)}: the old ` +
        "one stays in use until a restart; --name asks for it";
      findings.push({ severity: "warning", message, at: ["name"] });
    }
  }
  const timings = new TimingTable();
  let zone: string = DEFAULTS.timezone;
  if (typeof timezone === "string" && timezone !== "") {
    const problem = timings.zoneProblem(timezone);
    if (problem === null) zone = timezone;
    else fail(`'timezone': ${problem}`, "timezone");
  }
  const report = (finding: Finding) => void findings.push(finding);
  const expandAllow = readExpandAllow(raw.expand_allow, report);
  if (!Array.isArray(schedules)) return null;
  if (schedules.length > MAX_ENTRIES) {
    fail(`'schedules' holds ${schedules.length} entries, more than ${MAX_ENTRIES}`, "schedules");
    return null;
  }

  const file = {
    timezone: zone,
    timings,
    json: new JsonCheck(),
    fromPython,
    names: new Map<string, number>(),
    report,
  };
  const entries: ScheduleEntry[] = [];
  for (let index = 0; index < schedules.length; index++) {
    const entry = guarded(
      ["schedules", index],
      findings,
      () => readEntry(schedules[index], index, file),
    );
    if (entry) entries.push(entry);
  }
  return {
    name: String(name),
    timezone: zone,
    wire: WIRES.find((each) => each === wire) ?? DEFAULTS.wire,
    expandAllow,
    entries,
  };
}

/** What `read` returns; an object that throws when it is looked at becomes a problem. */
function guarded<Result>(
  at: DocumentPath,
  findings: Finding[],
  read: () => Result,
): Result | undefined {
  try {
    return read();
  } catch (error) {
    const message = `${formatPath(at) || "Top level"}: cannot be read: ${messageOf(error)}`;
    findings.push({ severity: "error", message, at });
  }
}

function messageOf(error: unknown): string {
  try {
    return shown(error instanceof Error ? error.message : error);
  } catch {
    return "it throws when it is looked at";
  }
}
