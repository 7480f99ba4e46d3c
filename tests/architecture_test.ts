/** The house rules that a reader relies on, checked against the imports themselves. */
import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import denoJson from "../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A folder may import from the floors below it, and from its own folders. */
const FLOORS: Record<string, number> = {
  internal: -1,
  wire: 0,
  time: 0,
  log: 0,
  bus: 1,
  trace: 1,
  expansion: 1,
  config: 2,
  actor: 3,
  durable: 3,
  schedule: 3,
  testing: 3,
  engine: 4,
  control: 5,
  forecast: 5,
  scheduler: 6,
  http: 7,
  cli: 8,
};

interface Import {
  from: string;
  to: string;
  /** Whether it is loaded only when the line is reached. */
  isDynamic: boolean;
}

/** What the program and the library are made of. */
function graphs(): Promise<Graph[]> {
  const entries: string[] = Object.values(denoJson.exports);
  return Promise.all(["main.ts", ...entries].map(async (entry) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entry],
      cwd: ROOT,
    });
    const { stdout } = await command.output();
    return JSON.parse(new TextDecoder().decode(stdout));
  }));
}

/** Every import of the program's own modules: paths from the repository's root, or `npm:` names. */
async function imports(): Promise<Import[]> {
  const found = (await graphs()).flatMap(importsOf);
  assert.ok(found.length > 100, "the imports were listed");
  return found;
}

interface Graph {
  npmPackages: Record<string, { name: string; version: string }>;
  modules: {
    specifier: string;
    dependencies?: {
      code?: { specifier: string };
      type?: { specifier: string };
      isDynamic?: boolean;
    }[];
  }[];
}

function importsOf({ modules }: Graph): Import[] {
  const place = (specifier: string) =>
    specifier.startsWith("file:") ? relative(ROOT, fileURLToPath(specifier)) : specifier;
  return modules
    .filter(({ specifier }) => specifier.startsWith("file:"))
    .flatMap(({ specifier, dependencies = [] }) =>
      dependencies.flatMap(({ code, type, isDynamic = false }) => {
        const to = (code ?? type)?.specifier;
        return to === undefined ? [] : [{ from: place(specifier), to: place(to), isDynamic }];
      })
    );
}

const floorOf = (path: string) => FLOORS[path.split("/")[1] ?? ""];
const folderOf = (path: string) => path.split("/").slice(0, 2).join("/");

Deno.test("imports go down a floor or stay in their folder", async () => {
  const wrong = (await imports())
    .filter(({ from, to }) => from.startsWith("lib/") && to.startsWith("lib/"))
    // The library's entries stand above all floors.
    .filter(({ from }) => from.split("/").length > 2)
    .filter(({ from, to }) => folderOf(from) !== folderOf(to) && !(floorOf(to)! < floorOf(from)!));
  assert.deepEqual(wrong, []);
});

Deno.test("a folder holds at most 20 files", async () => {
  const counts = new Map<string, number>();
  for (const path of await sources("lib")) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  assert.ok(counts.size > 15, "the folders were listed");
  assert.deepEqual([...counts].filter(([, count]) => count > 20), []);
});

Deno.test("each outside library is known to one place only", async () => {
  const knowers: Record<string, RegExp> = {
    "npm:/@nats-io/": /^lib\/bus\//,
    "npm:/croner@": /^lib\/time\/cron\/cron_sets\.ts$/,
    "npm:/js-yaml@": /^lib\/config\/yaml\/yaml/,
    "npm:/leven@": /^lib\/internal\/suggestion\.ts$/,
    "npm:/commander@": /^lib\/cli\//,
    "npm:/@logtape/": /^lib\/log\//,
    "npm:/uuid@": /^lib\/wire\/identity\.ts$/,
    "npm:/@opentelemetry/": /^lib\/trace\/open_telemetry\.ts$/,
  };
  const wrong = (await imports()).filter(({ from, to }) => {
    const library = Object.keys(knowers).find((name) => to.startsWith(name));
    return library !== undefined && !knowers[library]!.test(from);
  });
  assert.deepEqual(wrong, []);
});

Deno.test("the kinds of timing are known to the schema, and cron's to warnings about expressions", async () => {
  const knowers = (await imports())
    .filter(({ to }) => /^lib\/config\/timing\/(?!timing\.|timing_table\.)/.test(to))
    .map(({ from }) => from);
  assert.deepEqual([...new Set(knowers)].sort(), [
    "lib/config/config_schema.ts",
    "lib/forecast/lint/lint.ts",
  ]);
});

Deno.test("only the clock reads time or sets a timer", async () => {
  const forbidden = /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bset(Timeout|Interval)\(/;
  const wrong: string[] = [];
  for (const path of await sources("lib")) {
    if (path === "lib/time/clock.ts") continue;
    const text = await Deno.readTextFile(`${ROOT}/${path}`);
    text.split("\n").forEach((line, index) => {
      if (forbidden.test(line)) wrong.push(`${path}:${index + 1}: ${line.trim()}`);
    });
  }
  assert.deepEqual(wrong, []);
});

async function sources(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await sources(path));
    else if (name.endsWith(".ts")) found.push(path);
  }
  return found;
}

Deno.test("deno.lock holds what the program needs, and no more", async () => {
  const read = async (path: string) => {
    const { npm } = JSON.parse(await Deno.readTextFile(path));
    return Object.keys(npm).map((name) => name.split("_")[0]!); // what a peer's version follows
  };
  const locked = await read(`${ROOT}deno.lock`);
  const needed = new Set(
    (await graphs()).flatMap(({ npmPackages }) =>
      Object.values(npmPackages).map(({ name, version }) => `${name}@${version}`)
    ),
  );
  assert.deepEqual(locked.sort(), [...needed].sort());
  const tested = await read(`${ROOT}tests/deno.lock`);
  assert.deepEqual(locked.filter((name) => !tested.includes(name)), [], "the tests have the same");
});

Deno.test("the NATS client is used by its public face, but where its transport is put in", async () => {
  const inside = (await imports()).filter(({ to }) => /\/nats-core(@[^/]*)?\/internal/.test(to));
  assert.deepEqual([...new Set(inside.map(({ from }) => from))], [
    "lib/bus/nats/nats_transport.ts",
  ]);
});

Deno.test("JetStream's packages are loaded only by whoever asks for them", async () => {
  const all = await imports();
  const users = all.filter(({ to }) => /^npm:\/?@nats-io\/(jetstream|kv)@/.test(to));
  assert.deepEqual([...new Set(users.map(({ from }) => from))].toSorted(), [
    "lib/bus/nats/bucket_watch.ts",
    "lib/bus/nats/nats_jetstream.ts",
  ]);
  const loaders = all.filter(({ to }) => to === "lib/bus/nats/nats_jetstream.ts");
  assert.ok(loaders.length > 0 && loaders.every(({ isDynamic }) => isDynamic), String(loaders));
});

Deno.test("OpenTelemetry is loaded only by whoever traces", async () => {
  const all = await imports();
  const known = all.filter(({ to }) => /^npm:\/?@opentelemetry\//.test(to));
  assert.ok(known.length >= 5, "its packages were listed");
  const loaders = all.filter(({ to }) => to === "lib/trace/open_telemetry.ts");
  assert.deepEqual(loaders.map(({ from, isDynamic }) => [from, isDynamic]), [
    ...loaders.map(() => ["lib/trace/start_tracing.ts", true]),
  ]);
});
