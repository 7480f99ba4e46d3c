import { join } from "node:path";
import { ROOT } from "./executables.ts";

/** Runs deploy/compile.ts, by the Deno that `DENO_COMPILE` names where it is set. */
export async function compile(cwd: string, args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.env.get("DENO_COMPILE") ?? Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "deploy/compile.ts"), ...args],
    cwd,
  }).output();
  if (code === 0) return;
  console.error(new TextDecoder().decode(stderr));
  throw new Error("Cannot compile: see above, and README.md on builds behind a firewall");
}
