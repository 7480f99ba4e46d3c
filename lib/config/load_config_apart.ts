import type { Clock } from "../time/clock.ts";
// Imported, the worker's entry is in what `deno compile` makes of these modules unbundled.
import type { ConfigHead, ConfigQuestion, EntryData } from "./config_worker.ts";
import "./config_worker.ts";
import { type CheckOptions, type LoadedConfig, loadSchedulerConfig } from "./load_config.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import { TimingTable } from "./timing/timing_table.ts";
import { workerEntry } from "../internal/worker_entry.ts";

/** Up to this size a file is read in less time than a due entry may be delayed; in bytes. */
const MAX_SMALL_FILE_BYTES = 128 * 2 ** 10;

/**
 * Does what {@link loadSchedulerConfig} does without holding up what is due meanwhile: a large file
 * is read in another thread, and its entries come over in small lots.
 */
export async function loadConfigApart(
  path: string,
  clock: Clock,
  options?: CheckOptions,
): Promise<LoadedConfig> {
  const size = await Deno.stat(path).then((file) => file.size, () => 0);
  if (size <= MAX_SMALL_FILE_BYTES) return await loadSchedulerConfig(path, options);
  const worker = new Worker(workerEntry("config_worker", import.meta.url), {
    type: "module",
    name: "configuration",
  });
  try {
    const { problems, config } = await ask<ConfigHead>(worker, { path, options });
    if (config === null) return { config, problems };
    const { entryCount, ...others } = config;
    const timings = new TimingTable();
    const entries: ScheduleEntry[] = [];
    while (entries.length < entryCount) {
      for (const entry of await ask<EntryData[]>(worker, null)) {
        entries.push({ ...entry, timing: timings.remade(entry.timing, entry.timezone) });
      }
      await clock.sleep(0);
    }
    return { config: { ...others, entries }, problems };
  } finally {
    worker.terminate();
  }
}

function ask<Answer>(worker: Worker, question: ConfigQuestion): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Cannot read the configuration in a thread of its own: ${event.message}`));
    };
    worker.postMessage(question);
  });
}
