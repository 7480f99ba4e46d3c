/**
 * Where a scheduler's configuration comes from: a file, or an object of the program that embeds it.
 *
 * @module
 */
import { dirname } from "node:path";
import { missingExpansions } from "../config/config_expansions.ts";
import { type ConfigProblem, formatPath } from "../config/config_problem.ts";
import { type LoadedConfig, loadSchedulerConfig } from "../config/load_config.ts";
import { loadConfigApart } from "../config/load_config_apart.ts";
import { checkConfig, validateSchedulerConfig } from "../config/validate_config.ts";
import { fileVersion, watchFile, type WatchFileOptions } from "../config/watch_file.ts";
import type { Clock } from "../time/clock.ts";

/** A configuration as a file holds it, before it is checked: `{ name, schedules: [...] }`. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

type WatchOptions = Omit<WatchFileOptions, "since">;

export interface ConfigSource {
  /** The path of the file; null for an object. */
  readonly path: string | null;
  /** The directory that `expand_from` counts from. */
  readonly expandRoot: string;
  /** Reads and checks it. Never rejects. */
  load(): Promise<LoadedConfig>;
  /** The same without holding up what is due meanwhile. */
  reload(clock: Clock): Promise<LoadedConfig>;
  /** Calls `onChange` for each change since the last `load` until `signal` aborts. */
  watch(options: WatchOptions): Promise<void>;
}

/** A file, which is read again at each reload. */
export class ConfigFile implements ConfigSource {
  readonly path: string;
  readonly expandRoot: string;
  /** The version of the file at the last `load`. */
  #version: string | null = null;

  constructor(path: string, expandRoot = dirname(path)) {
    this.path = path;
    this.expandRoot = expandRoot;
  }

  async load(): Promise<LoadedConfig> {
    // Before the file is read: a change in between is then seen as one.
    this.#version = await fileVersion(this.path);
    return await loadSchedulerConfig(this.path, { expandRoot: this.expandRoot });
  }

  reload(clock: Clock): Promise<LoadedConfig> {
    return loadConfigApart(this.path, clock, this.expandRoot);
  }

  watch(options: WatchOptions): Promise<void> {
    return watchFile(this.path, { ...options, since: this.#version });
  }
}

/** An object. What the program changes in it acts at the next reload, and not before. */
export class ConfigObject implements ConfigSource {
  readonly path = null;
  readonly expandRoot: string;
  readonly #document: ConfigDocument;

  constructor(document: ConfigDocument, expandRoot = ".") {
    this.#document = document;
    this.expandRoot = expandRoot;
  }

  async load(): Promise<LoadedConfig> {
    const problems = validateSchedulerConfig(this.#document);
    if (problems.some(({ severity }) => severity === "error")) return { config: null, problems };
    const loaded = this.#copy(problems);
    if (loaded.config === null) return loaded;
    const missing = await missingExpansions(loaded.config.entries, this.expandRoot);
    const more = missing.map(({ at, ...problem }) => ({ ...problem, path: formatPath(at) }));
    return { ...loaded, problems: [...problems, ...more] };
  }

  reload(): Promise<LoadedConfig> {
    return this.load();
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
