/** How late jobs run, with 100 to 100,000 of them, spread over 20 s and all in the same second. */
import { apart } from "./apart.ts";
import type { Lateness, LatenessTask } from "./lateness_contestant.ts";
import { PEERS } from "./schedulers.ts";
import { printTable } from "./table.ts";

const CONTESTANT = new URL("./lateness_contestant.ts", import.meta.url).href;

for (const seconds of [20, 1]) {
  for (const jobs of [100, 10_000, 100_000]) {
    const contestants = ["heddle-scheduler", ...Object.keys(PEERS)];
    // One timer for each job, and nothing else: the floor.
    contestants.push("setTimeout");
    const rows = [];
    for (const scheduler of contestants) {
      const lead = jobs >= 100_000 ? 20_000 : 4000;
      const task: LatenessTask = { scheduler, jobs, seconds, lead };
      const outcome = await apart<Lateness>(CONTESTANT, task);
      if ("failure" in outcome) {
        rows.push([scheduler, outcome.failure, null, null, null, null]);
      } else {
        const { p50, p99, max, fired, cpu } = outcome.result;
        rows.push([scheduler, fired.toLocaleString("en"), p50, p99, max, cpu]);
      }
    }
    const when = seconds === 1 ? "in the same second" : `over ${seconds} s`;
    printTable(
      `Lateness of ${jobs.toLocaleString("en")} jobs ${when}, in milliseconds`,
      ["scheduler", "fired", "p50", "p99", "max", "CPU"],
      rows,
    );
  }
}
