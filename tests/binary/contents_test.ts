/** What is in the executable. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { BUILDER, EXECUTABLE, ROOT } from "./executables.ts";

const BUNDLE = join(ROOT, "dist/bundle");

/** What the program begins with, and reads beside it. */
const ENTRIES = [
  ...["main.js", "config_worker.js", "expansion_worker.js", "http_worker.js"],
  ...["commit.txt", "page.html"],
];

/** Returns the bundle's files that `entries` lead to, by what `imports` matches. */
function reachable(entries: readonly string[], imports: RegExp): string[] {
  const found = new Set(entries);
  for (const name of found) {
    const text = Deno.readTextFileSync(join(BUNDLE, name));
    for (const [, imported] of text.matchAll(imports)) found.add(imported!);
  }
  return [...found].sort();
}

/** The bundler also writes pieces that nothing imports any more. */
const bundled = () => reachable(ENTRIES, /"\.\/([\w-]+\.js)"/g);

const latin1 = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** The text behind the executable that Deno itself is. */
async function embedded(): Promise<string> {
  const bytes = await Deno.readFile(EXECUTABLE);
  const size = bundled().reduce((sum, name) => sum + Deno.statSync(join(BUNDLE, name)).size, 0);
  return latin1(bytes.subarray(-(size + 2 ** 18)));
}

/** The modules that were bundled, by the comments that name them. */
async function modules(): Promise<string[]> {
  const found = new Set<string>();
  for (const name of bundled()) {
    if (!name.endsWith(".js")) continue;
    const text = latin1(await Deno.readFile(join(BUNDLE, name)));
    for (const [, module] of text.matchAll(/^ *\/\/ ((?:npm:|lib\/|main\.ts)\S*|\S+\.json)$/gm)) {
      found.add(module!);
    }
    assert.ok((await embedded()).includes(text), `${name} is embedded as it stands`);
  }
  return [...found];
}

Deno.test("the files in it are the bundle's, and no other", async () => {
  // The directory that `deno compile` writes before the files.
  const files = [...(await embedded()).matchAll(/"File":\{"n":"([^"]+)"/g)].map(([, name]) => name);
  assert.deepEqual(files.sort(), bundled());
});

/** What the program needs when it runs. */
const PACKAGES = [
  "@logtape/logtape",
  "@nats-io/jetstream",
  "@nats-io/kv",
  "@nats-io/nats-core",
  "@nats-io/nkeys",
  "@nats-io/nuid",
  "@opentelemetry/api",
  "@opentelemetry/core",
  "@opentelemetry/exporter-trace-otlp-http",
  "@opentelemetry/exporter-trace-otlp-proto",
  "@opentelemetry/otlp-exporter-base",
  "@opentelemetry/otlp-transformer",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace",
  "@opentelemetry/semantic-conventions",
  "bintrees",
  "commander",
  "croner",
  "js-yaml",
  "leven",
  "prom-client",
  "tdigest",
  "tweetnacl",
];

Deno.test("the packages in it are the program's, as deno.lock pins them, and no other", async () => {
  const packages = new Map((await modules()).flatMap((module) => {
    const found = /^npm:((?:@[^/]+\/)?[^/]+)\/(\d[^/]*)\//.exec(module);
    return found === null ? [] : [[found[1]!, found[2]!]];
  }));
  assert.deepEqual([...packages.keys()].sort(), PACKAGES);
  const { npm } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
  const locked = Object.keys(npm).map((name) => name.split("_")[0]);
  for (const [name, version] of packages) assert.ok(locked.includes(`${name}@${version}`), name);
});

Deno.test("a start without --tracing loads nothing of OpenTelemetry", async () => {
  // What a start imports when it needs it.
  const later = [...Deno.readDirSync(BUNDLE)].map(({ name }) => name)
    .filter((name) => /^(cli|nats_bus|nats_jetstream|expansion_host|http_server)-/.test(name));
  const loaded = reachable(
    ["main.js", ...later],
    /^(?:import|export)\b[^;"]*"\.\/([^"]+\.js)";$/gm,
  );
  assert.ok(loaded.length > 15, "the modules were followed");
  for (const name of loaded) {
    const text = await Deno.readTextFile(join(BUNDLE, name));
    assert.doesNotMatch(text, /^ *\/\/ npm:@opentelemetry\//m, name);
  }
});

Deno.test("docs/architecture.md names every package in it", async () => {
  const page = await Deno.readTextFile(join(ROOT, "docs/architecture.md"));
  for (const name of PACKAGES) assert.ok(page.includes(`\`${name}\``), name);
});

Deno.test("of the repository it holds the program alone: no test, no benchmark, no sample", async () => {
  const own = (await modules()).filter((module) => !module.startsWith("npm:"));
  assert.ok(own.length > 80, "the modules were listed");
  assert.deepEqual(own.filter((module) => !/^(main\.ts|deno\.json|lib\/.*)$/.test(module)), []);
  assert.deepEqual(own.filter((module) => module.startsWith("examples/")), []);
});

Deno.test("it tells nothing of the machine that it was built on", async () => {
  const text = await embedded();
  for (const secret of [ROOT, `${Deno.env.get("HOME") ?? "/root"}/`, BUILDER]) {
    assert.ok(!text.includes(secret), `"${secret}" is in it`);
  }
  // A short name may stand within the time zone data, which are base64.
  const host = new RegExp(`(?<![\\w+/=])${RegExp.escape(Deno.hostname())}/`);
  assert.doesNotMatch(text, host);
});
