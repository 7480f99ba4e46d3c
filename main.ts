import { runCli } from "./lib/cli/cli.ts";
import { EXPANSION_HOST_ARGUMENT, runExpansionHost } from "./lib/scheduler/expansion_host.ts";

if (import.meta.main) {
  // The program starts itself to run expansion functions apart from the schedules.
  if (Deno.args[0] === EXPANSION_HOST_ARGUMENT) await runExpansionHost();
  else Deno.exit(await runCli(Deno.args));
}
