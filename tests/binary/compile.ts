import { join } from "node:path";
import { ROOT } from "./executables.ts";

/** Runs the Deno that `DENO_COMPILE` names where it is set, else this one. */
export async function deno(
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.env.get("DENO_COMPILE") ?? Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

/** Runs deploy/compile.ts in `cwd`. */
export async function compile(
  cwd: string,
  args: string[],
  env?: Record<string, string>,
): Promise<void> {
  const all = ["run", "-A", join(ROOT, "deploy/compile.ts"), ...args];
  const { code, stderr } = await deno(all, cwd, env);
  if (code === 0) return;
  console.error(stderr);
  throw new Error(
    "Cannot compile: see above, and docs/deploy.md on builds without access to Deno's site",
  );
}
