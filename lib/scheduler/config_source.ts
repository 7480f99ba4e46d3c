/**
 * Where a scheduler's configuration comes from: a file, or an object of the program that embeds it.
 *
 * @module
 */
import { dirname } from "node:path";
import { missingExpansions } from "../config/config_expansions.ts";
import { type ConfigProblem, formatPath } from "../config/config_problem.ts";
import {
  type CheckOptions,
  type LoadedConfig,
  loadSchedulerConfig,
} from "../config/load_config.ts";
import { loadConfigApart } from "../config/load_config_apart.ts";
import { checkConfig, validateSchedulerConfig } from "../config/validate_config.ts";
import {
  type FileVersions,
  fileVersions,
  watchFiles,
  type WatchFilesOptions,
} from "../config/watch_file.ts";
import { absolutePath } from "../internal/absolute_path.ts";
import type { Clock } from "../time/clock.ts";

/** A configuration as a file holds it, before it is checked: `{ name, schedules: [...] }`. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

interface WatchOptions extends Omit<WatchFilesOptions, "since"> {
  /** Returns the other files that count as the configuration now. */
  others(): Iterable<string>;
}

export interface ConfigSource {
  /** The path of the file; null for an object. */
  readonly path: string | null;
  /** The same for processes in other directories. */
  readonly absolutePath: string | null;
  /** The directory that `expand_from` counts from. */
  readonly expandRoot: string;
  /** Reads and checks it. Never rejects. */
  load(): Promise<LoadedConfig>;
  /** The same without holding up what is due meanwhile. */
  reload(clock: Clock, options: CheckOptions): Promise<LoadedConfig>;
  /** Calls `onChange` for each change since `load` until `signal` aborts. */
  watch(options: WatchOptions): Promise<void>;
}

/** A file, which is read again at each reload. */
export class ConfigFile implements ConfigSource {
  readonly path: string;
  readonly expandRoot: string;
  /** The version of the file at the last `load`. */
  #version: FileVersions = new Map();

  constructor(path: string, expandRoot = dirname(path)) {
    this.path = path;
    this.expandRoot = expandRoot;
  }

  get absolutePath(): string {
    return absolutePath(this.path);
  }

  async load(): Promise<LoadedConfig> {
    // Before the file is read: a change in between is then seen as one.
    this.#version = await fileVersions([this.path]);
    return await loadSchedulerConfig(this.path, { expandRoot: this.expandRoot });
  }

  reload(clock: Clock, options: CheckOptions): Promise<LoadedConfig> {
    return loadConfigApart(this.path, clock, { ...options, expandRoot: this.expandRoot });
  }

  watch({ others, ...options }: WatchOptions): Promise<void> {
    const paths = () => [this.path, ...others()];
    return watchFiles(paths, { ...options, since: this.#version });
  }
}

/** An object. What the program changes in it acts at the next reload, and not before. */
export class ConfigObject implements ConfigSource {
  readonly path = null;
  readonly absolutePath = null;
  readonly expandRoot: string;
  readonly #document: ConfigDocument;

  constructor(document: ConfigDocument, expandRoot = ".") {
    this.#document = document;
    this.expandRoot = expandRoot;
  }

  async load(options?: CheckOptions): Promise<LoadedConfig> {
    const problems = validateSchedulerConfig(this.#document, undefined, options);
    if (problems.some(({ severity }) => severity === "error")) return { config: null, problems };
    const loaded = this.#copy(problems);
    if (loaded.config === null) return loaded;
    const missing = await missingExpansions(loaded.config.entries, this.expandRoot);
    const more = missing.map(({ at, ...problem }) => ({ ...problem, path: formatPath(at) }));
    return { ...loaded, problems: [...problems, ...more] };
  }

  reload(_: Clock, options: CheckOptions): Promise<LoadedConfig> {
    return this.load(options);
  }

  watch(): Promise<void> {
    return Promise.resolve();
  }

  #copy(problems: readonly ConfigProblem[]): LoadedConfig {
    try {
      const copy = JSON.parse(JSON.stringify(this.#document));
      return { config: checkConfig(copy).config, problems };
    } catch (error) {
      // An unknown key, which is only a warning, holds what JSON cannot carry.
      const message = `Top level: cannot be copied: ${(error as Error).message}`;
      return { config: null, problems: [...problems, { severity: "error", message, path: "" }] };
    }
  }
}
