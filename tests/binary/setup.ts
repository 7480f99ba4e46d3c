/**
 * Makes what the tests in this folder start, in dist/:
 *
 *   heddle-scheduler                   as it is deployed
 *   test/heddle-scheduler-expansions   with the expansions of tests/fixtures/binary compiled in
 *   test/root/                         both, with what an image of Google's distroless/cc has
 *
 * `DENO_COMPILE` names the Deno to compile with, `DENORT_BIN` its base, where Deno's download site
 * cannot be reached.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { compile } from "./compile.ts";
import { BARE_ROOT, EXECUTABLE, EXECUTABLE_WITH_EXPANSIONS, ROOT } from "./executables.ts";

const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

/** The shared libraries that `executable` loads, as `ldd` lists them. */
async function librariesOf(executable: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("ldd", { args: [executable] }).output();
  return [...new TextDecoder().decode(stdout).matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)]
    .map(([, path]) => path!);
}

async function copyInto(root: string, from: string, to: string): Promise<void> {
  await Deno.mkdir(join(root, dirname(to)), { recursive: true });
  await Deno.copyFile(from, join(root, to));
}

console.log("Compiling the executables to test, in dist/");
await Deno.mkdir(dirname(EXECUTABLE_WITH_EXPANSIONS), { recursive: true });
await compile(join(ROOT, "tests/fixtures/binary"), [
  ...["--include", "expansions", "--include", "packages", "--output", EXECUTABLE_WITH_EXPANSIONS],
]);
await compile(ROOT, []);

await Deno.remove(BARE_ROOT, { recursive: true }).catch(() => {});
for (const executable of [EXECUTABLE, EXECUTABLE_WITH_EXPANSIONS]) {
  await copyInto(BARE_ROOT, executable, executable.slice(executable.lastIndexOf("/")));
}
for (const library of await librariesOf(EXECUTABLE)) await copyInto(BARE_ROOT, library, library);
await copyInto(BARE_ROOT, AUTHORITIES, AUTHORITIES);
for (const directory of ["dev", "proc", "work"]) await Deno.mkdir(join(BARE_ROOT, directory));
await Deno.writeTextFile(join(BARE_ROOT, "dev/null"), "");
