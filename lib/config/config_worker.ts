/**
 * The thread that a large configuration is read in: the entry of a worker. It answers the first
 * message, a {@link ConfigQuestion}, with a {@link ConfigHead}, and each further one with the next entries.
 *
 * @module
 */
import type { ConfigProblem } from "./config_problem.ts";
import { loadSchedulerConfig } from "./load_config.ts";
import type { EntryWith, ScheduleEntry } from "./schedule_entry.ts";
import type { TimingData } from "./timing/timing.ts";
import type { SchedulerConfig } from "./validate_config.ts";

/** Which file to read. */
export interface ConfigQuestion {
  readonly path: string;
  readonly expandRoot: string;
}

/** All but the entries. */
export interface ConfigHead {
  readonly problems: readonly ConfigProblem[];
  /** Null when `problems` has an error. */
  readonly config: Omit<SchedulerConfig, "entries"> & { readonly entryCount: number } | null;
}

/** An entry whose timing, which has functions, has been left behind. */
export type EntryData = EntryWith<TimingData>;

/** Few enough that to unpack them takes the receiver a few milliseconds. */
const MAX_ENTRIES_AT_ONCE = 500;

if (import.meta.main) {
  let entries: readonly ScheduleEntry[] = [];
  let sent = 0;
  globalThis.addEventListener("message", async (event) => {
    const { data } = event as MessageEvent<ConfigQuestion | null>;
    if (data === null) {
      const next = entries.slice(sent, sent += MAX_ENTRIES_AT_ONCE);
      postMessage(next.map(dataOf));
      return;
    }
    const { config, problems } = await loadSchedulerConfig(data.path, data);
    if (config === null) return postMessage({ problems, config });
    const { entries: all, ...others } = config;
    entries = all;
    postMessage({ problems, config: { ...others, entryCount: all.length } });
  });
}

function dataOf(entry: ScheduleEntry): EntryData {
  const { kind, value } = entry.timing;
  return { ...entry, timing: { kind, value } };
}

declare function postMessage(message: ConfigHead | readonly EntryData[]): void;
