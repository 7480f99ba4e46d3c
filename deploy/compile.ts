/**
 * Makes the executable:
 *
 *   deno task compile                        dist/heddle-scheduler, for this machine
 *   deno task compile --include expansions   with the modules of a directory, or one module, in it;
 *                                            a deno.json and deno.lock beside them say which packages
 *   deno task compile --allow-write=/var/lib/reports --allow-run=/usr/bin/git
 *   deno task compile --target aarch64-apple-darwin
 *   deno task compile:all                    for every target, with checksums
 *
 * The program and its packages are bundled first: a few modules instead of 250 make it start in
 * half the time and six megabytes smaller.
 *
 * @module
 */
import { Command, Option } from "commander";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type HiddenPlace, hidePlaces } from "./hidden_places.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
const BUNDLE = join(DIST, "bundle");
const NAME = "heddle-scheduler";

/** The packages of the program itself; a lock file that would change fails. */
const OWN_PACKAGES = ["--config", join(ROOT, "deno.json"), "--frozen"];

/** The entries of the program's threads, which it looks for beside its own modules. */
const WORKERS = {
  config_worker: "lib/config/config_worker.ts",
  expansion_worker: "lib/expansion/host/expansion_worker.ts",
  http_worker: "lib/http/http_worker.ts",
};

/** What they read beside them. */
const ASSETS = ["lib/http/page.html"];

/** All that `deno compile` can build for. */
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

const V8_FLAGS = [
  // The heap is collected when it has doubled, not when it has quadrupled: under 10,000 firings a
  // second 100 MB in place of 150, and back to where it was when they are over.
  "--heap-growing-percent=100",
  "--max-semi-space-size=8",
];

interface Options {
  target: string[];
  include: string[];
  output?: string;
  commit?: string;
  allowWrite?: string;
  allowRun?: string;
  allowSys?: string;
  allowFfi?: string;
}

async function main(options: Options): Promise<void> {
  const { target, output } = options;
  const unknown = target.find((each) => !TARGETS.includes(each));
  if (unknown !== undefined) {
    throw new Error(`There is no target "${unknown}", only ${TARGETS.join(", ")}`);
  }
  if (target.length > 1 && Deno.env.get("DENORT_BIN") !== undefined) {
    throw new Error(
      "DENORT_BIN is a base for one target: run `deno task compile --target …` once for each",
    );
  }
  if (target.length > 1 && output !== undefined) {
    throw new Error("--output names one file: give it with one --target at most");
  }
  const embedded = await bundleAll(await included(options.include), options.commit);
  const built: string[] = [];
  for (const each of target.length === 0 ? [null] : target) {
    const suffix = each?.includes("windows") ? ".exe" : "";
    const path = output ?? join(DIST, each === null ? NAME : `${NAME}-${each}${suffix}`);
    // It gets its name when it has been tried: nobody takes one that does not run for what was built.
    const untried = `${path}.untried${suffix}`;
    await deno([
      "compile",
      "-P",
      ...morePermissions(options),
      "--no-prompt", // what is not allowed is refused, on a terminal too
      // It lies in a directory that every user may write to: another one's file would be run.
      "--no-code-cache",
      ...["--config", join(ROOT, "deno.json"), "--no-lock", "--no-check"],
      ...embedded.flatMap((path) => ["--include", join(BUNDLE, path)]),
      ...each === null ? [] : ["--target", each],
      `--v8-flags=${V8_FLAGS.join()}`,
      ...["--output", untried, join(BUNDLE, "main.js")],
    ]);
    try {
      if (each === null || each === Deno.build.target) await tryOut(untried);
      await Deno.rename(untried, path);
    } finally {
      await Deno.remove(untried).catch(ignoreMissing);
    }
    built.push(path);
  }
  if (target.length > 0 && output === undefined) await writeChecksums(built);
}

/** A module to include. */
interface Included {
  module: string;
  /** Where it goes in the bundle: expansion_path.ts looks there. */
  path: string;
  /** What says which packages its imports mean, in which versions, as arguments of `deno bundle`. */
  packages: string[];
}

async function included(paths: readonly string[]): Promise<Included[]> {
  const found: Included[] = [];
  for (const each of paths) {
    const packages = await packagesOf((await Deno.stat(each)).isDirectory ? each : dirname(each));
    for await (const module of modulesIn([each])) {
      const path = join("compiled_in", relative(Deno.cwd(), module));
      if (path.split(sep)[0] !== "compiled_in") {
        throw new Error(
          `Cannot include "${module}": it is outside "${Deno.cwd()}", which expand_from counts from; ` +
            `run deploy/compile.ts in a directory above it`,
        );
      }
      found.push({ module, path, packages });
    }
  }
  return found;
}

/** The `deno.json` and the lock of an included directory, or the program's own where it has none. */
async function packagesOf(directory: string): Promise<string[]> {
  const [config, lock] = ["deno.json", "deno.lock"].map((name) => join(directory, name));
  if (!await isFile(config!)) return OWN_PACKAGES;
  const locked = await isFile(lock!) ? ["--lock", lock!, "--frozen"] : ["--no-lock"];
  return ["--config", config!, ...locked];
}

/** Fills the bundle, and returns what in it must be named to `deno compile`. */
async function bundleAll(modules: readonly Included[], commit?: string): Promise<string[]> {
  await Deno.remove(BUNDLE, { recursive: true }).catch(ignoreMissing);
  // In pieces: what is imported when it is needed, such as the NATS client, stays out of the rest.
  await bundle(join(ROOT, "main.ts"), [...OWN_PACKAGES, "--code-splitting", "--outdir", BUNDLE]);
  const built = `${commit ?? await headCommit()}\n${await headDate()}\n`;
  await Deno.writeTextFile(join(BUNDLE, "commit.txt"), built);
  for (const [name, module] of Object.entries(WORKERS)) {
    await bundleTo(`${name}.js`, join(ROOT, module));
  }
  for (const asset of ASSETS) {
    await Deno.copyFile(join(ROOT, asset), join(BUNDLE, basename(asset)));
  }
  for (const { module, path, packages } of modules) await bundleTo(path, module, packages);
  const places = await hiddenPlaces();
  for await (const module of modulesIn([BUNDLE])) {
    const text = await Deno.readTextFile(module);
    await Deno.writeTextFile(module, hidePlaces(text, places, Deno.cwd()));
  }
  const workers = Object.keys(WORKERS).map((name) => `${name}.js`);
  return [
    "commit.txt",
    ...workers,
    ...ASSETS.map((asset) => basename(asset)),
    ...modules.map(({ path }) => path),
  ];
}

/** What is allowed besides what deno.json says. */
function morePermissions({ allowWrite, allowRun, allowSys, allowFfi }: Options): string[] {
  return [
    ...allowWrite === undefined ? [] : [`--allow-write=${allowWrite}`],
    // These two are said in place of what deno.json says.
    ...allowRun === undefined ? [] : [`--allow-run=/proc/self/exe,${allowRun}`],
    ...allowSys === undefined ? [] : [`--allow-sys=setPriority,systemMemoryInfo,${allowSys}`],
    ...allowFfi === undefined ? [] : [`--allow-ffi=${allowFfi}`],
  ];
}

/** A module and all that it imports, as one file at `path` in the bundle. */
const bundleTo = (path: string, module: string, packages = OWN_PACKAGES) =>
  bundle(module, [...packages, "--output", join(BUNDLE, path)]);

async function bundle(module: string, options: string[]): Promise<void> {
  await deno(["bundle", "--quiet", "--platform", "deno", ...options, module]);
}

/** The directories of this machine that a bundle names. */
async function hiddenPlaces(): Promise<HiddenPlace[]> {
  const { npmCache } = JSON.parse(await run(Deno.execPath(), ["info", "--json"]));
  return [
    { directory: npmCache, name: "npm:", withNext: true }, // the next is the registry's
    { directory: resolve(ROOT), name: "" },
    { directory: Deno.cwd(), name: "" },
  ].flatMap((place) => [{ ...place, directory: Deno.realPathSync(place.directory) }, place]);
}

async function* modulesIn(paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) {
    if ((await Deno.stat(path)).isDirectory) {
      for await (const { name } of Deno.readDir(path)) yield* modulesIn([join(path, name)]);
    } else if (/\.(ts|js|mjs)$/.test(path)) {
      yield path;
    }
  }
}

const git = (...args: string[]) => run("git", ["-C", ROOT, ...args]);

async function isFile(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => null))?.isFile === true;
}

/** The commit that is built, or "unknown" where there is no repository. */
async function headCommit(): Promise<string> {
  try {
    const hash = (await git("rev-parse", "--short=12", "HEAD")).trim();
    return await git("status", "--porcelain") === "" ? hash : `${hash}-modified`;
  } catch {
    return "unknown";
  }
}

/** When the commit that is built was made, or "" where there is no repository. */
async function headDate(): Promise<string> {
  try {
    return (await git("log", "-1", "--format=%cI")).trim();
  } catch {
    return "";
  }
}

/** In the form that `sha256sum --check` reads. */
async function writeChecksums(paths: readonly string[]): Promise<void> {
  const lines = paths.map(async (path) => {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
    return `${new Uint8Array(digest).toHex()}  ${basename(path)}\n`;
  });
  await Deno.writeTextFile(join(DIST, "SHA256SUMS"), (await Promise.all(lines)).join(""));
}

/**
 * This same Deno: the base that it compiles to belongs to its version. It takes the variables of
 * Deno's own OpenTelemetry into what it compiles, which would trace then whoever starts it.
 */
async function deno(args: string[]): Promise<void> {
  const env = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("OTEL_"));
  const command = new Deno.Command(Deno.execPath(), {
    args,
    clearEnv: true,
    env: Object.fromEntries(env),
    stdout: "inherit",
    stderr: "inherit",
  });
  const { code } = await command.output();
  if (code !== 0) throw new Error(`deno ${args[0]} ended with exit code ${code}`);
}

/** @throws {Error} where the executable for this machine does not say its version */
async function tryOut(path: string): Promise<void> {
  let said: string;
  try {
    const asked = new Deno.Command(path, { args: ["--version"], env: { NO_COLOR: "1" } });
    const { stdout, stderr } = await asked.output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
    if (out!.startsWith(`${NAME} `)) return;
    [said] = (error || out || "nothing").split("\n", 1) as [string];
  } catch (error) {
    said = (error as Error).message;
  }
  const base = Deno.env.get("DENORT_BIN");
  throw new Error(
    `What was compiled does not run, and is not kept: asked for its --version it says "${said}"\n` +
      (base === undefined
        ? `The base that Deno ${Deno.version.deno} fetched may be damaged: compile again with an ` +
          `empty DENO_DIR`
        : `DENORT_BIN (${base}) must be the denort of Deno ${Deno.version.deno}, which compiles: ` +
          `name that one, or compile with the Deno that it belongs to`),
  );
}

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program} ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

const collect = (value: string, all: string[]) => [...all, value];
const program = new Command("compile")
  .addOption(
    new Option("--target <target>", "may be repeated, or `all`; default: this machine")
      .default([]).argParser(collect),
  )
  .option("--include <path>", "a module, or a directory of modules; may be repeated", collect, [])
  .option("--allow-write <paths>", "comma-separated; expansions may then write there")
  .option("--allow-run <programs>", "comma-separated; expansions may then start them")
  .option("--allow-sys <apis>", "comma-separated, as Deno names them")
  .option("--allow-ffi <libraries>", "comma-separated")
  .option("--commit <hash>", "for --version; default: what git says")
  .option("--output <file>", "default: in dist/, named after the target where one is given")
  .parse(Deno.args, { from: "user" });
const options = program.opts<Options>();
if (options.target.includes("all")) options.target = TARGETS;
try {
  await main(options);
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
