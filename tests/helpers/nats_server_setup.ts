/**
 * Finds the nats-server that the tests start, or gets Debian's. Nothing is installed: the package
 * is unpacked into a cache directory, so that no service starts and no root is needed.
 *
 * @module
 */
import { join } from "node:path";
import { cacheDirectory, findNatsServer } from "./nats_server_executable.ts";

const HELP = `Cannot get nats-server: install it (Debian and Ubuntu: apt-get install nats-server;
elsewhere: https://github.com/nats-io/nats-server/releases) or point NATS_SERVER at one`;

class SetupError extends Error {}

async function run(command: string, args: string[], cwd?: string): Promise<void> {
  console.log(`  ${[command, ...args].join(" ")}`);
  const options = { args, cwd, env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" } };
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(command, { ...options, stdin: "null" }).output();
  } catch (error) {
    throw new SetupError(`Cannot run "${command}": ${error instanceof Error ? error.message : ""}`);
  }
  if (!output.success) {
    const said = new TextDecoder().decode(output.stderr).trim();
    throw new SetupError(`Cannot run "${command}": exit code ${output.code}: ${said}`);
  }
}

async function download(directory: string): Promise<void> {
  await run("apt-get", ["download", "nats-server"], directory);
}

async function getFromDebian(): Promise<void> {
  const cache = cacheDirectory();
  console.log(`nats-server not found: getting Debian's package into ${cache}`);
  const directory = await Deno.makeTempDir({ prefix: "nats-server-package-" });
  try {
    // apt's download user must be able to write here.
    await Deno.chmod(directory, 0o777);
    try {
      await download(directory);
    } catch (error) {
      if (Deno.uid() !== 0) throw error;
      console.log("  apt knows no such package yet: updating its lists");
      await run("apt-get", ["update", "-q"]);
      await download(directory);
    }
    const [found] = [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".deb"));
    if (found === undefined) throw new SetupError("Cannot find what apt-get downloaded");
    await Deno.mkdir(cache, { recursive: true });
    await run("dpkg-deb", ["-x", join(directory, found.name), cache]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function main(): Promise<number> {
  try {
    if (findNatsServer() === null) await getFromDebian();
    const executable = findNatsServer();
    if (executable === null) throw new SetupError("The package has no usr/sbin/nats-server");
    const { stdout } = await new Deno.Command(executable, { args: ["--version"] }).output();
    console.log(`nats-server: ${executable} (${new TextDecoder().decode(stdout).trim()})`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    if (error instanceof SetupError) console.error(HELP);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
