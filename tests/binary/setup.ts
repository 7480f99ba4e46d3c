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
import {
  BARE_ROOT,
  BUILDER_DENO_DIR,
  EXECUTABLE,
  EXECUTABLE_WITH_EXPANSIONS,
  ROOT,
} from "./executables.ts";

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

/** Makes Deno's directory, with its packages, of a user who must not be named in an executable. */
async function makeDenoDir(directory: string): Promise<void> {
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  await Deno.mkdir(directory, { recursive: true });
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
  // "dl" has the bases that were downloaded.
  for (const part of ["npm", "dl"].map((name) => join(denoDir, name))) {
    const link = new Deno.Command("cp", { args: ["--recursive", "--link", part, directory] });
    if ((await link.output()).success) continue;
    await new Deno.Command("cp", { args: ["--recursive", part, directory] }).output();
  }
}

if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
  console.error(
    "Cannot test the executable here: that takes root on Linux, with namespaces and groups of " +
      "processes; on other systems there is `deno task test:systems`",
  );
  Deno.exit(1);
}
console.log("Compiling the executables to test, in dist/");
await makeDenoDir(BUILDER_DENO_DIR);
const env = { DENO_DIR: BUILDER_DENO_DIR };
await compile(join(ROOT, "tests/fixtures/binary"), [
  ...["--include", "expansions", "--include", "packages", "--output", EXECUTABLE_WITH_EXPANSIONS],
], env);
await compile(ROOT, [], env);

await Deno.remove(BARE_ROOT, { recursive: true }).catch(() => {});
for (const executable of [EXECUTABLE, EXECUTABLE_WITH_EXPANSIONS]) {
  await copyInto(BARE_ROOT, executable, executable.slice(executable.lastIndexOf("/")));
}
for (const library of await librariesOf(EXECUTABLE)) await copyInto(BARE_ROOT, library, library);
await copyInto(BARE_ROOT, AUTHORITIES, AUTHORITIES);
for (const directory of ["dev", "proc", "work"]) await Deno.mkdir(join(BARE_ROOT, directory));
await Deno.writeTextFile(join(BARE_ROOT, "dev/null"), "");
