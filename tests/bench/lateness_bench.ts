/** How late jobs run, with 100 to 100,000 of them, spread over 20 s and all in the same second. */
import { apart } from "./apart.ts";
import { type Lateness, type LatenessTask, TIMERS } from "./lateness_contestant.ts";
import { OURS, PEERS } from "./schedulers.ts";
import { type Cell, printTable } from "./table.ts";

const CONTESTANT = new URL("./lateness_contestant.ts", import.meta.url).href;

for (const seconds of [20, 1]) {
  for (const jobs of [100, 10_000, 100_000]) {
    const rows: Cell[][] = [];
    for (const scheduler of [OURS, ...Object.keys(PEERS), TIMERS]) {
      const lead = jobs < 100_000 ? 4000 : 15_000;
      const first = Math.ceil((Date.now() + lead) / 1000) * 1000;
      const task: LatenessTask = { scheduler, jobs, seconds, first };
      const outcome = await apart<Lateness>(CONTESTANT, task);
      if ("failure" in outcome) {
        rows.push([scheduler, outcome.failure, null, null, null, null]);
      } else {
        const { p50, p99, max, fired, cpu } = outcome.result;
        rows.push([scheduler, fired.toLocaleString("en"), p50, p99, max, cpu]);
      }
    }
    printTable(
      `Lateness of ${jobs.toLocaleString("en")} jobs, ` +
        `${seconds === 1 ? "all in the same second" : `over ${seconds} s`}: milliseconds`,
      ["scheduler", "ran", "p50", "p99", "max", "CPU"],
      rows,
    );
  }
}
