/**
 * `deno task dev`: runs the sample schedules on the embedded bus. The scheduler itself follows changes
 * of the file and its modules; Deno starts this program again only when the program's own code changes.
 * A file that is wrong at the start does not end it, as it ends the scheduler.
 *
 * @module
 */
import { runCli } from "../lib/cli/cli.ts";
import { printError } from "../lib/cli/print.ts";
import { formatProblem } from "../lib/config/config_problem.ts";
import { loadSchedulerConfig } from "../lib/config/load_config.ts";
import { fileVersions, watchFiles } from "../lib/config/watch_file.ts";
import { systemClock } from "../lib/time/clock.ts";

const CONFIG = "schedules.yaml";

for (;;) {
  const since = await fileVersions([CONFIG]);
  const { config, problems } = await loadSchedulerConfig(CONFIG);
  if (config !== null) break;
  for (const problem of problems) printError(formatProblem(CONFIG, problem));
  printError(`Waiting until ${CONFIG} changes`);
  const changed = new AbortController();
  const onChange = () => changed.abort();
  const { signal } = changed;
  await watchFiles(() => [CONFIG], { clock: systemClock, since, signal, onChange });
}
const options = ["--watch-config", "--bus", "memory", "--log-format", "pretty"];
Deno.exit(await runCli(["--config", CONFIG, ...options]));
