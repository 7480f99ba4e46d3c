import { EXPANSION_HOST_ARGUMENT } from "./lib/expansion/expansion_protocol.ts";

if (import.meta.main) {
  // The program starts itself to run expansion functions apart from the schedules. Each side
  // loads what it needs and no more.
  if (Deno.args[0] === EXPANSION_HOST_ARGUMENT) {
    const { runExpansionHost } = await import("./lib/expansion/host/expansion_host.ts");
    await runExpansionHost();
  } else {
    const { runCli } = await import("./lib/cli/cli.ts");
    Deno.exit(await runCli(Deno.args));
  }
}
