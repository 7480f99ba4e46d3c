/** From the start of reading a YAML file to every entry scheduled, against a bare parse. */
// deno-lint-ignore no-import-prefix -- a peer, pinned here and nowhere else
import * as yaml from "npm:yaml@2.9.1";
import { load } from "js-yaml";
import { loadSchedulerConfig } from "../../lib/config/load_config.ts";
import { ALONE, JobTable } from "../../lib/engine/job_table.ts";
import { defaultLogger } from "../../lib/log/logger.ts";
import { systemClock } from "../../lib/time/clock.ts";
import { apart, report, taskOf } from "./apart.ts";
import { configText } from "./schedulers.ts";
import { type Cell, printTable, quantile } from "./table.ts";

interface Task {
  contestant: keyof typeof CONTESTANTS;
  path: string;
}

const CONTESTANTS = {
  async "heddle-scheduler, scheduled"(path: string): Promise<unknown> {
    const { config } = await loadSchedulerConfig(path);
    const table = new JobTable({ clock: systemClock, logger: defaultLogger() });
    table.swap(await table.prepare(config!.entries, ALONE), ALONE);
    return table;
  },
  "js-yaml 5, parsed": async (path: string) => load(await Deno.readTextFile(path)),
  "yaml 2, parsed": async (path: string) => yaml.parse(await Deno.readTextFile(path)),
};

const ROUNDS = 5;

if (Deno.args.length > 0) {
  const { contestant, path } = taskOf<Task>();
  const began = performance.now();
  const loaded = await CONTESTANTS[contestant](path);
  const took = performance.now() - began;
  report(loaded === null ? NaN : took);
}

const sizes = [10_000, 100_000];
const path = await Deno.makeTempFile({ suffix: ".yaml" });
const rows: Cell[][] = Object.keys(CONTESTANTS).map((contestant) => [contestant]);
for (const jobs of sizes) {
  const expressions = Array.from({ length: jobs }, (_, job) => {
    const kind = job % 1000;
    return `${kind % 60} ${Math.floor(kind / 60)} * * *`;
  });
  await Deno.writeTextFile(path, configText(expressions));
  for (const row of rows) {
    const took = [];
    for (let round = 0; round < ROUNDS; round++) {
      const outcome = await apart<number>(import.meta.url, { contestant: row[0], path });
      if ("result" in outcome) took.push(outcome.result);
    }
    row.push(took.length === 0 ? "failed" : quantile(took, 0.5));
  }
}
await Deno.remove(path);
printTable(
  "A YAML file's way into the program, each in a new process: milliseconds",
  ["what", ...sizes.map((jobs) => `${jobs.toLocaleString("en")} entries`)],
  rows,
);
