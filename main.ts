import { EXPANSION_HOST_ARGUMENT } from "./lib/expansion/expansion_protocol.ts";
import { denoProblem } from "./lib/wire/version.ts";

if (import.meta.main) {
  const problem = denoProblem(Deno.version.deno);
  // The program starts itself to run expansion functions apart from the schedules. Each side
  // loads what it needs and no more.
  if (problem !== null) {
    console.error(problem);
    Deno.exit(1);
  } else if (Deno.args[0] === EXPANSION_HOST_ARGUMENT) {
    const { runExpansionHost } = await import("./lib/expansion/host/expansion_host.ts");
    await runExpansionHost();
  } else {
    const { runCli } = await import("./lib/cli/cli.ts");
    Deno.exit(await runCli(Deno.args));
  }
}
