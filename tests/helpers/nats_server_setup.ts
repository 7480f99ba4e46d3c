/**
 * Finds the nats-server that the tests start, or gets Debian's. Nothing is installed: the package
 * is unpacked into a cache directory, so that no service starts and no root is needed. A suite that
 * is not the machine's own is read by a private configuration of apt.
 *
 * @module
 */
import { join } from "node:path";
import { cacheDirectory, findNatsServer, namedSuite } from "./nats_server_executable.ts";

const HELP =
  `Cannot get nats-server: install it (Debian and Ubuntu: apt-get install nats-server; macOS:
brew install nats-server; Windows: choco install nats-server; where there is Go: go install
github.com/nats-io/nats-server/v2@latest; all: https://github.com/nats-io/nats-server/releases), or
point NATS_SERVER at one`;

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

class SetupError extends Error {}

async function run(command: string, args: string[], cwd?: string): Promise<string> {
  console.log(`  ${[command, ...args].join(" ")}`);
  const options = { args, cwd, env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" } };
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(command, { ...options, stdin: "null" }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new SetupError(`There is no "${command}" here: Debian and its like alone have it`);
    }
    throw new SetupError(`Cannot run "${command}": ${error instanceof Error ? error.message : ""}`);
  }
  const [stdout, said] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes).trim()
  );
  if (output.success) return stdout!;
  throw new SetupError(`Cannot run "${command}": exit code ${output.code}: ${said}`);
}

async function getFromDebian(suite: string | null): Promise<void> {
  if (Deno.build.os !== "linux") {
    throw new SetupError(`There is no nats-server, and Debian's is none for ${Deno.build.os}`);
  }
  const cache = cacheDirectory(suite);
  const name = suite === null ? "Debian's package" : `the package of Debian's suite ${suite}`;
  console.log(`nats-server not found: getting ${name} into ${cache}`);
  const directory = await Deno.makeTempDir({ prefix: "nats-server-package-" });
  try {
    // apt's download user must be able to write here.
    await Deno.chmod(directory, 0o777);
    await (suite === null ? download(directory) : downloadFrom(suite, directory));
    const [found] = [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".deb"));
    if (found === undefined) throw new SetupError("Cannot find what apt-get downloaded");
    await Deno.mkdir(cache, { recursive: true });
    await run("dpkg-deb", ["-x", join(directory, found.name), cache]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Downloads what the machine's own apt has. */
async function download(directory: string): Promise<void> {
  const args = ["download", "nats-server"];
  try {
    await run("apt-get", args, directory);
  } catch (error) {
    if (Deno.uid() !== 0) throw error;
    console.log("  apt knows no such package yet: updating its lists");
    await run("apt-get", ["update", "-q"]);
    await run("apt-get", args, directory);
  }
}

/** Downloads what a suite has: the machine's own lists, sources and cache stay as they are. */
async function downloadFrom(suite: string, directory: string): Promise<void> {
  const sources = join(directory, "sources.list");
  const options = Object.entries({
    "Dir::State::lists": await folder(directory, "lists"),
    "Dir::Cache": await folder(directory, "cache"),
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "/dev/null",
    "APT::Update::Error-Mode": "any",
    "Acquire::Languages": "none",
    "Acquire::Retries": "0",
    "Acquire::http::Timeout": "15",
  }).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const line = `deb [signed-by=${KEYRING}] ${await debianArchive()} ${suite} main\n`;
  await Deno.writeTextFile(sources, line);
  await run("apt-get", ["update", "-q", ...options]);
  await run("apt-get", ["download", "nats-server", ...options], directory);
}

async function folder(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  await Deno.mkdir(path);
  await Deno.chmod(path, 0o777);
  return path;
}

/** Returns the address of Debian's archive that this machine uses. */
async function debianArchive(): Promise<string> {
  const format = ["--no-release-info", "--format", "$(REPO_URI)", "Created-By: Packages"];
  const known = (await run("apt-get", ["indextargets", ...format])).split("\n");
  const found = known.find((address) => /\/debian\/?$/.test(address));
  if (found === undefined) throw new SetupError("The sources of apt do not name Debian's archive");
  return found;
}

async function main(): Promise<number> {
  try {
    if (findNatsServer() === null) await getFromDebian(namedSuite());
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
