/**
 * The thread that a large configuration is read in: the entry of a worker. It answers the first
 * message, a path, with a {@link ConfigHead}, and each further one with the next entries.
 *
 * @module
 */
import type { ConfigProblem } from "./config_problem.ts";
import { loadSchedulerConfig } from "./load_config.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import type { SchedulerConfig } from "./validate_config.ts";

/** All but the entries. */
export interface ConfigHead {
  readonly problems: readonly ConfigProblem[];
  /** Null when `problems` has an error. */
  readonly config: Omit<SchedulerConfig, "entries"> & { readonly entryCount: number } | null;
}

/** An entry whose cadence, a function, has been left behind. */
export type EntryWithoutCadence = ScheduleEntry & { readonly cronCadence: null };

/** Few enough that to unpack them takes the receiver a few milliseconds. */
const ENTRIES_AT_ONCE = 500;

if (import.meta.main) {
  let entries: readonly ScheduleEntry[] = [];
  let sent = 0;
  globalThis.addEventListener("message", async (event) => {
    const { data } = event as MessageEvent<string | null>;
    if (data === null) {
      const next = entries.slice(sent, sent += ENTRIES_AT_ONCE);
      postMessage(next.map((entry): EntryWithoutCadence => ({ ...entry, cronCadence: null })));
      return;
    }
    const { config, problems } = await loadSchedulerConfig(data);
    entries = config?.entries ?? [];
    const head: ConfigHead = {
      problems,
      config: config && {
        name: config.name,
        timezone: config.timezone,
        entryCount: config.entries.length,
      },
    };
    postMessage(head);
  });
}

declare function postMessage(message: ConfigHead | readonly EntryWithoutCadence[]): void;
