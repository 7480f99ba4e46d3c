/** What is in the executable. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { BUILDER, EXECUTABLE, ROOT } from "./executables.ts";

const BUNDLE = join(ROOT, "dist/bundle");

const latin1 = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** The text behind the executable that Deno itself is. */
async function embedded(): Promise<string> {
  const bytes = await Deno.readFile(EXECUTABLE);
  const files = [...Deno.readDirSync(BUNDLE)];
  const size = files.reduce((sum, { name }) => sum + Deno.statSync(join(BUNDLE, name)).size, 0);
  return latin1(bytes.subarray(-(size + 2 ** 18)));
}

/** The modules that were bundled, by the comments that name them. */
async function modules(): Promise<string[]> {
  const found = new Set<string>();
  for await (const { name } of Deno.readDir(BUNDLE)) {
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
  const bundled = [...Deno.readDirSync(BUNDLE)].map(({ name }) => name);
  assert.deepEqual(files.sort(), bundled.sort());
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
  for (const [name, version] of packages) assert.ok(`${name}@${version}` in npm, name);
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
