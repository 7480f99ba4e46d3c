import { ConfigFileError, readConfigFile } from "./config_file.ts";
import { type ConfigProblem, type Finding, formatPath } from "./config_problem.ts";
import { FILE_SCHEMA } from "./config_schema.ts";
import { schedulerNameProblem } from "./config_values.ts";
import { plainMeaning } from "./foreign/plain_meaning.ts";
import { checkConfig, type CheckOptions, type SchedulerConfig } from "./validate_config.ts";
import { readYaml } from "./yaml/yaml_document.ts";

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
  try {
    return parse(await readConfigFile(source), advise, options);
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    const { message, more } = error;
    return refused({ severity: "error", message, path: "", line: 1, column: 1, ...more });
  }
}

/** Reads and checks the text of a configuration file. Never throws. */
export function parseSchedulerConfig(text: string, options?: CheckOptions): LoadedConfig {
  return parse(text, () => [], options);
}

function parse(text: string, advise: Advise, options?: CheckOptions): LoadedConfig {
  const document = readYaml(text);
  if ("severity" in document) return refused(document);
  const { config, findings } = checkConfig(document.value, options);
  const settled = new Set(
    findings.filter(({ isSettled }) => isSettled).map(({ at }) => formatPath(at)),
  );
  const doubts = settled.size === 0
    ? document.findings
    : document.findings.filter(({ at, aimsAtKey }) => aimsAtKey || !settled.has(formatPath(at)));
  const advice = config === null ? [] : advise(config);
  return { config, problems: document.locate([...doubts, ...findings, ...advice]) };
}

/**
 * The scheduler's name in the file at `path`, or null where it has none. The rest of the file may
 * be wrong: whoever runs by an older version of it has the same name.
 */
export async function schedulerName(path: string): Promise<string | null> {
  try {
    const document = readYaml(await readConfigFile(path));
    if ("severity" in document) return null;
    const { name } = Object(plainMeaning(document.value, FILE_SCHEMA, {
      at: [],
      place: "",
      report: () => {},
    }));
    return typeof name === "string" && schedulerNameProblem(name) === null ? name : null;
  } catch (error) {
    if (error instanceof ConfigFileError) return null;
    throw error;
  }
}

function refused(problem: ConfigProblem): LoadedConfig {
  return { config: null, problems: [problem] };
}
