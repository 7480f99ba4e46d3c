import { dirname } from "node:path";
import { isPlainObject } from "../internal/plain_object.ts";
import { missingExpansions } from "./config_expansions.ts";
import { ConfigFileError, readConfigFile } from "./config_file.ts";
import { type ConfigProblem, type Finding, formatPath } from "./config_problem.ts";
import {
  checkConfig,
  type CheckedConfig,
  type CheckOptions,
  type SchedulerConfig,
} from "./validate_config.ts";
import { readYaml, type YamlDocument } from "./yaml/yaml_document.ts";

export { type ConfigProblem, formatProblem } from "./config_problem.ts";
export {
  type CheckOptions,
  type SchedulerConfig,
  validateSchedulerConfig,
} from "./validate_config.ts";

/** Returns what else there is to say about a configuration without errors. */
type Advise = (config: SchedulerConfig) => readonly Finding[];

/** What a configuration file holds, and what is wrong with it. */
export interface LoadedConfig {
  /** Null when `problems` has an error. */
  readonly config: SchedulerConfig | null;
  /** In the order of the file, each with its line and column. */
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads and checks a configuration file. Never rejects: a file that cannot be read is a problem like
 * any other.
 *
 * @param source the file's path, or its bytes
 */
export async function loadSchedulerConfig(
  source: string | ReadableStream<Uint8Array>,
  options?: CheckOptions,
): Promise<LoadedConfig> {
  return await loadAdvisedConfig(source, () => [], options);
}

/** Does what {@link loadSchedulerConfig} does, with what `advise` returns among the problems. */
export async function loadAdvisedConfig(
  source: string | ReadableStream<Uint8Array>,
  advise: Advise,
  options?: CheckOptions,
): Promise<LoadedConfig> {
  const text = await textOf(source);
  if (typeof text !== "string") return refused(text);
  const checked = check(text, options);
  const { config } = checked;
  if (config === null) return located(checked);
  const root = options?.expandRoot ?? (typeof source === "string" ? dirname(source) : null);
  const missing = root === null ? [] : await missingExpansions(config.entries, root);
  return located(checked, [...missing, ...advise(config)]);
}

/** Reads and checks the text of a configuration file. Never throws. */
export function parseSchedulerConfig(text: string, options?: CheckOptions): LoadedConfig {
  return located(check(text, options));
}

/** What a text holds, before the places of what was found are looked up. */
interface Checked extends CheckedConfig {
  /** Null where it could not be read at all, and `problem` says why. */
  readonly document: YamlDocument | null;
  readonly problem?: ConfigProblem;
}

function check(text: string, options?: CheckOptions): Checked {
  const document = readYaml(text);
  return "severity" in document
    ? { document: null, problem: document, config: null, findings: [] }
    : { document, ...checkConfig(document.value, options) };
}

function located(
  { document, problem, config, findings }: Checked,
  advice: readonly Finding[] = [],
): LoadedConfig {
  if (document === null) return refused(problem!);
  const settled = new Set(
    findings.filter(({ isSettled }) => isSettled).map(({ at }) => formatPath(at)),
  );
  const doubts = settled.size === 0
    ? document.findings
    : document.findings.filter(({ at, aimsAtKey }) => aimsAtKey || !settled.has(formatPath(at)));
  return { config, problems: document.locate([...doubts, ...findings, ...advice]) };
}

/**
 * Returns the scheduler's name in the file at `path`, or the problem that keeps it from being told.
 * The rest of the file may be wrong: whoever runs by an older version of it has the same name.
 */
export async function schedulerName(path: string): Promise<string | ConfigProblem> {
  const text = await textOf(path);
  if (typeof text !== "string") return text;
  const document = readYaml(text);
  if ("severity" in document) return document;
  const { value } = document;
  const named = isPlainObject(value) ? { name: value.name, schedules: [] } : value;
  const { config, findings } = checkConfig(named);
  if (config !== null) return config.name;
  return document.locate(findings.filter(({ severity }) => severity === "error"))[0]!;
}

/** Returns the text of a file, or why it cannot be read. */
async function textOf(
  source: string | ReadableStream<Uint8Array>,
): Promise<string | ConfigProblem> {
  try {
    return await readConfigFile(source);
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    const { message, line, column } = error;
    return { severity: "error", message, path: "", line, column };
  }
}

function refused(problem: ConfigProblem): LoadedConfig {
  return { config: null, problems: [problem] };
}
