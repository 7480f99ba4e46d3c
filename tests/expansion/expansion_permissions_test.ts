/** What a function may reach: its own directory, what `expand_allow` lists, and nothing else. */
import assert from "node:assert/strict";
import type { ExpandAllow } from "../../lib/expansion/expand_allow.ts";
import type { ExpanderOptions } from "../../lib/expansion/expansion.ts";
import { Harness } from "./expansion_harness.ts";

const PLACES: NonNullable<ExpanderOptions["apart"]>[] = ["process", "thread"];
const NESTED = `
  const nested = (code, options) => new Promise((resolve) => {
    const url = "data:text/javascript," + encodeURIComponent(
      "try { postMessage(await (" + code + ")()) } catch (e) { postMessage(e.message) }");
    const worker = new Worker(url, { type: "module", ...options });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => { event.preventDefault(); resolve(event.message); };
  });`;

/** Each way to a file outside of the root: all are refused for the lack of the same permission. */
const READ: Record<string, string> = {
  "Deno.readTextFile": `() => Deno.readTextFile("$OUT/secret.txt")`,
  "Deno.stat": `() => Deno.stat("$OUT/secret.txt")`,
  "node:fs": `async () => (await import("node:fs")).readFileSync("$OUT/secret.txt", "utf8")`,
  "fetch": `async () => await (await fetch("file://$OUT/secret.txt")).text()`,
  "up from the root": `() => Deno.readTextFile(new URL("../out/secret.txt", import.meta.url))`,
  "shadow": `() => Deno.readTextFile("/etc/shadow")`,
  "import of text": `() => import("file://$OUT/secret.txt", { with: { type: "text" } })`,
  "computed import of text":
    `() => import(["file://$OUT", "secret.txt"].join("/"), { with: { type: "text" } })`,
  "import of JSON": `() => import("../out/secret.json", { with: { type: "json" } })`,
  "computed import of JSON":
    `() => import(["..", "out", "secret.json"].join("/"), { with: { type: "json" } })`,
  "import of JavaScript": `() => import("../out/secret.js")`,
  "computed import of JavaScript": `() => import(["..", "out", "secret.js"].join("/"))`,
  "import by a module of the root": `() => import("./imports.js")`,
  "import by a link": `() => import("./link.txt", { with: { type: "text" } })`,
  "require": `async () => (await import("node:module"))
    .createRequire(import.meta.url)("../out/secret.json")`,
  "the scheduler's environment":
    `() => import("/proc/" + Deno.ppid + "/environ", { with: { type: "text" } })`,
  "its own environment": `() => import("/proc/self/environ", { with: { type: "text" } })`,
  "environment as a file":
    `async () => (await import("node:process")).loadEnvFile("/proc/" + Deno.ppid + "/environ")`,
  "nested worker": `() => nested("() => Deno.readTextFile('$OUT/secret.txt')")`,
  "import in a nested worker":
    `() => nested("() => import('file://$OUT/secret.txt', { with: { type: 'text' } })")`,
};

/** The same for the rest, with what is said of it. */
const OTHER: Record<string, [code: string, error: RegExp]> = {
  "a worker with more": [
    `() => nested("() => Deno.readTextFile('/etc/passwd')",
      { deno: { permissions: { read: true } } })`,
    /escalate/,
  ],
  "write": [`() => Deno.writeTextFile("$ROOT/x", "x")`, /Requires write access/],
  "start a program": [`() => new Deno.Command("/bin/true").output()`, /Requires run access/],
  "host name": [`() => Deno.hostname()`, /Requires sys access/],
  "library": [`() => Deno.dlopen("libc.so.6", {})`, /Requires ffi access/],
  "code from the network": [
    `() => import("https://esm.sh/is-number")`,
    /Requires import access|Module not found|--cached-only/,
  ],
};

class Place implements AsyncDisposable {
  readonly #directory: string;
  readonly root: string;
  readonly out: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.root = `${directory}/root`;
    this.out = `${directory}/out`;
  }

  /** A root with `attempts` in it, and secrets beside it. */
  static async create(attempts: Record<string, string>): Promise<Place> {
    const place = new Place(await Deno.makeTempDir());
    const { root, out } = place;
    await Deno.mkdir(root);
    await Deno.mkdir(out);
    const list = Object.entries(attempts).map(([what, code]) => `${JSON.stringify(what)}: ${code},`)
      .join("\n").replaceAll("$OUT", out).replaceAll("$ROOT", root);
    await Deno.writeTextFile(
      `${root}/attempts.js`,
      `${NESTED}
      const ATTEMPTS = { ${list} };
      export async function all() {
        const results = [];
        for (const [what, attempt] of Object.entries(ATTEMPTS)) {
          try {
            const got = await attempt();
            results.push({ what, result: "got " + (got?.default ?? got ?? undefined) });
          } catch (error) {
            results.push({ what, result: String(error.message) });
          }
        }
        return results;
      }
      export const read = () => Deno.readTextFileSync("${out}/secret.txt");
      export const connect = () => Deno.connect({ hostname: "127.0.0.1", port: 9 });`,
    );
    await Deno.writeTextFile(`${root}/own.txt`, "own");
    await Deno.writeTextFile(`${root}/imports.js`, `export * from "../out/secret.js";`);
    await Deno.writeTextFile(`${out}/secret.txt`, "secret");
    await Deno.writeTextFile(`${out}/secret.json`, `"secret"`);
    await Deno.writeTextFile(`${out}/secret.js`, `export default "secret";`);
    await Deno.symlink(`${out}/secret.txt`, `${root}/link.txt`);
    return place;
  }

  /** What each attempt came to. */
  async results(
    apart: ExpanderOptions["apart"],
    allow?: ExpandAllow,
  ): Promise<Map<string, string>> {
    await using harness = new Harness({ root: this.root, apart, allow: allow && (() => allow) });
    const objects = await harness.expand("attempts.all");
    return new Map(objects.map(({ what, result }) => [String(what), String(result)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}

for (const apart of PLACES) {
  Deno.test(`${apart}: no way leads to a file outside of the root, nor to more permissions`, async () => {
    const others = Object.entries(OTHER).map(([what, [code]]) => [what, code]);
    await using place = await Place.create({ ...READ, ...Object.fromEntries(others) });
    const results = await place.results(apart);
    for (const what of Object.keys(READ)) {
      assert.match(results.get(what)!, /Requires (read|env|all) access/, what);
    }
    for (const [what, [, error]] of Object.entries(OTHER)) {
      assert.match(results.get(what)!, error, what);
    }
  });

  Deno.test(`${apart}: a function reads its own directory, and what expand_allow adds`, async () => {
    await using place = await Place.create({
      own: `() => Deno.readTextFile(new URL("./own.txt", import.meta.url))`,
      nested: `() => nested("() => Deno.readTextFile('$ROOT/own.txt')")`,
      added: `() => Deno.readTextFile("$OUT/secret.txt")`,
      imported: `() => import("../out/secret.json", { with: { type: "json" } })`,
    });
    const { out } = place;
    for (const read of [[out], ["../out"], [`${out}/secret.txt`, `${out}/secret.json`]]) {
      const results = await place.results(apart, { read, net: null });
      assert.deepEqual([...results.values()], ["got own", "got own", "got secret", "got secret"]);
    }
  });

  Deno.test(`${apart}: the network is open, or what expand_allow lists, nested workers included`, async () => {
    using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using nats = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = ({ addr }: Deno.Listener) => `127.0.0.1:${(addr as Deno.NetAddr).port}`;
    const connect = (to: string) =>
      `() => Deno.connect({ hostname: "127.0.0.1", port: ${
        to.split(":")[1]
      } }).then((c) => c.close())`;
    const [allowed, refused] = [address(server), address(nats)];
    await using place = await Place.create({
      allowed: connect(allowed),
      refused: connect(refused),
      nested: `() => nested(\`${connect(refused)}\`)`,
      listen: `() => Deno.listen({ port: 0 }).close()`,
    });
    const open = "got undefined";
    const of = async (net: string[] | null) =>
      [
        ...(await place.results(apart, { read: [], net })).values(),
      ].map((result) => /Requires net access/.test(result) ? "refused" : result);
    assert.deepEqual(await of(null), [open, open, open, open]);
    assert.deepEqual(await of([allowed]), [open, "refused", "refused", "refused"]);
    assert.deepEqual(await of([]), ["refused", "refused", "refused", "refused"]);
  });

  Deno.test(`${apart}: only variables named HEDDLE_EXPANSION_ are added to the few of every function`, async () => {
    Deno.env.set("HEDDLE_EXPANSION_TOKEN", "t");
    Deno.env.set("SECRET_OF_TESTS", "s");
    try {
      await using place = await Place.create({
        own: `() => Deno.env.get("HEDDLE_EXPANSION_TOKEN")`,
        unset: `() => Deno.env.get("HEDDLE_EXPANSION_OTHER")`,
        node: `async () => (await import("node:process")).env.HEDDLE_EXPANSION_TOKEN`,
        secret: `() => Deno.env.get("SECRET_OF_TESTS")`,
        all: `() => JSON.stringify(Deno.env.toObject())`,
      });
      const { own, unset, node, secret, all } = Object.fromEntries(await place.results(apart));
      assert.deepEqual([own, unset, node], ["got t", "got undefined", "got t"]);
      assert.notEqual(secret, "got s");
      assert.doesNotMatch(all!, /"SECRET_OF_TESTS"/);
    } finally {
      Deno.env.delete("HEDDLE_EXPANSION_TOKEN");
      Deno.env.delete("SECRET_OF_TESTS");
    }
  });

  Deno.test(`${apart}: a refusal names the key that would allow it`, async () => {
    await using place = await Place.create({});
    await using harness = new Harness({
      root: place.root,
      apart,
      allow: () => ({ read: [], net: [] }),
    });
    const message = async (name: string) => (await harness.failure(`attempts.${name}`)).message;
    assert.match(
      await message("read"),
      /: NotCapable: Requires read access to ".*secret\.txt": an expansion function may read its own directory and what `expand_allow\.read` lists \(attempts\.js:/,
    );
    assert.match(
      await message("connect"),
      /: an expansion function may reach what `expand_allow\.net` lists and nothing else/,
    );
    const error = await harness.failure("imports.default");
    assert.equal(error.kind, "import");
    assert.match(
      error.message,
      /Requires read access to ".*secret\.js": .*`expand_allow\.read` li/,
    );
  });

  Deno.test(`${apart}: a reload changes what a function may reach`, async () => {
    await using place = await Place.create({ read: `() => Deno.readTextFile("$OUT/secret.txt")` });
    const read: string[] = [];
    await using harness = new Harness({
      root: place.root,
      apart,
      allow: () => ({ read, net: null }),
    });
    const result = async () => (await harness.expand("attempts.all"))[0]!.result;
    assert.match(String(await result()), /Requires read access/);
    read.push("../out");
    harness.expander.reload();
    assert.equal(await result(), "got secret");
    read.pop();
    harness.expander.reload();
    assert.match(String(await result()), /Requires read access/);
  });
}
