/** What the executable, and an expansion in it, may do: as little as will do. */
import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { compile } from "./compile.ts";
import { EXECUTABLE, ROOT } from "./executables.ts";
import { everywhere, HERE, type Site } from "./places.ts";

Deno.test("what is allowed in deno.json is baked in, and nothing is ever asked for", async () => {
  const { read, net, env, run, sys, import: imports, ...rest } = denoJson.permissions.default;
  assert.deepEqual([read, net, run, sys, imports, rest], [
    true,
    true,
    ["/proc/self/exe"],
    ["setPriority"],
    { deny: true },
    {},
  ]);

  // As `deno compile` writes it behind the executable.
  const text = new TextDecoder("latin1").decode(await Deno.readFile(EXECUTABLE));
  const [, json] = /"permissions":(\{[^{}]*\}),"location"/.exec(
    text.slice(text.length - 4_000_000),
  )!;
  const { allow_import: _, ...permissions } = JSON.parse(json!); // all of it is denied
  const none = Object.fromEntries(
    ["env", "net", "ffi", "read", "run", "sys", "write"].map((kind) => [`deny_${kind}`, null]),
  );
  assert.deepEqual(permissions, {
    ...none,
    ...{ ignore_env: null, ignore_read: null },
    ...{ allow_env: env, allow_net: [], allow_read: [], allow_run: run },
    ...{ allow_ffi: null, allow_sys: sys, allow_write: null },
    deny_import: [],
    prompt: false,
  });
});

/** Each is refused: the code, and what the error says. */
const REFUSED: [what: string, code: string, error: RegExp][] = [
  ["write a file", `Deno.writeTextFile("/tmp/written", "x")`, /write/],
  ["write where it is", `Deno.writeTextFile(new URL("./x", import.meta.url), "x")`, /write/],
  ["remove a file", `Deno.remove(new URL(import.meta.url))`, /write/],
  ["start a program", `new Deno.Command("/bin/true").output()`, /run/],
  ["start the scheduler", `new Deno.Command("/proc/self/exe").output()`, /run/],
  [
    "start one by Node's API",
    `(await import("node:child_process")).execFileSync("/bin/true", { env: {} })`,
    /run|env/,
  ],
  ["end the scheduler", `Deno.kill(Deno.ppid, "SIGKILL")`, /run/],
  ["load a library", `Deno.dlopen("libc.so.6", {})`, /ffi/],
  ["ask for the host's name", `Deno.hostname()`, /sys/],
  [
    "raise its priority",
    `import("node:os").then(({ setPriority }) => setPriority(Deno.ppid, 0))`,
    /sys/,
  ],
  [
    "read the scheduler's environment",
    `Deno.readTextFile("/proc/" + Deno.ppid + "/environ")`,
    /all|environ/,
  ],
  ["read the scheduler's memory", `Deno.readFile("/proc/" + Deno.ppid + "/mem")`, /all|mem/],
  [
    "read the scheduler's arguments",
    `Deno.readTextFile("/proc/" + Deno.ppid + "/cmdline")`,
    /all|cmdline/,
  ],
  ["list its environment", `Deno.env.toObject()`, /env/],
  ["read a variable of another's", `Deno.env.get("AWS_SECRET_ACCESS_KEY")`, /env/],
  [
    "ask for more",
    `Deno.permissions.request({ name: "write" }).then(({ state }) => { throw state; })`,
    /denied/,
  ],
  ["load from the network", `import("https://esm.sh/is-number")`, /import|Module not found/],
  [
    "get more in a thread",
    `new Promise((_, fail) => {
       const code = "try { Deno.writeTextFileSync('/tmp/x', '') } catch (e) { postMessage(e.message) }";
       new Worker("data:text/javascript," + encodeURIComponent(code), { type: "module" })
         .onmessage = ({ data }) => fail(new Error(data));
     })`,
    /write/,
  ],
];

/** What is left: documented in docs/security.md, under "Expansion functions". */
const LEFT: [what: string, code: string][] = [
  ["read any file that the scheduler's user may", `Deno.readTextFileSync("$FILES/s.yaml").length`],
  ["connect to anything", `Deno.listen({ hostname: "127.0.0.1", port: 0 }).addr.port`],
  ["read a few harmless variables", `Deno.env.get("TZ")`],
];

/** The credentials that the scheduler itself was given. */
const CREDENTIALS = {
  NATS_URL: "nats://user:secret@127.0.0.1:4222",
  NATS_CREDS: "/etc/heddle/nats.creds",
  NATS_NKEY: "/etc/heddle/nats.nk",
  HEDDLE_SCHEDULER_CONFIG: "/etc/heddle/schedules.yaml",
};

everywhere(
  "an expansion can neither write, nor start or end a program, nor load a library",
  async (place) => {
    const attempts = REFUSED.map(([what, code]) =>
      `[${JSON.stringify(what)}, async () => await ${code}],`
    );
    await place.withFiles(files(attempts), async (site) => {
      const results = await attempt(site);
      for (const [what, , error] of REFUSED) {
        assert.match(String(results.get(what)), /^refused: /, what);
        assert.match(String(results.get(what)), error, what);
      }
    });
  },
);

everywhere(
  "an expansion's process has none of the scheduler's credentials in its environment",
  async (place) => {
    const attempts = Object.keys(CREDENTIALS).map((name) =>
      `["${name}", () => Deno.env.get("${name}")],`
    );
    await place.withFiles(files(attempts), async (site) => {
      const results = await attempt(site);
      for (const name of Object.keys(CREDENTIALS)) assert.equal(results.get(name), "undefined");
    });
  },
);

everywhere("what an expansion can still do is what docs/security.md says", async (place) => {
  await place.withFiles({}, async (empty) => {
    const attempts = LEFT.map(([what, code]) => `[${JSON.stringify(what)}, () => ${code}],`);
    for (const [name, text] of Object.entries(files(attempts))) {
      await Deno.writeTextFile(empty.hostPath(name), text.replaceAll("$FILES", empty.path(".")));
    }
    const results = await attempt(empty);
    for (const [what] of LEFT) assert.doesNotMatch(results.get(what)!, /^refused: /, what);
  });
});

Deno.test("built with --allow-write and --allow-run, it may do that and no more", async () => {
  const attempts = [
    `["write there", () => Deno.writeTextFileSync("$FILES/x", "")],`,
    `["write elsewhere", () => Deno.writeTextFileSync("/tmp/x", "")],`,
    `["start that", () => new Deno.Command("/bin/true").outputSync().code],`,
    `["start another", () => new Deno.Command("/bin/false").outputSync()],`,
    `["start the scheduler", () => new Deno.Command("/proc/self/exe").outputSync()],`,
  ];
  await HERE.withFiles({}, async (site) => {
    for (const [name, text] of Object.entries(files(attempts))) {
      await Deno.writeTextFile(site.hostPath(name), text.replaceAll("$FILES", site.path(".")));
    }
    const executable = site.path("heddle-scheduler");
    await compile(ROOT, [
      ...[`--allow-write=${site.path(".")}`, "--allow-run=/bin/true", "--output", executable],
    ]);
    const results = await attempt(site, executable);
    assert.deepEqual(
      [...results.values()].map((result) => /^refused: Requires (\w+)/.exec(result)?.[1] ?? result),
      ["undefined", "write", "0", "run", "run"],
    );
  });
});

function files(attempts: string[]): Record<string, string> {
  return {
    "s.yaml": `name: attempts
schedules:
  - name: attempts
    interval_seconds: 3600
    expand_from: ./attempts.js#attempts
    dispatch_type: task
    task: { worker_type: w }
`,
    "attempts.js": `
const ATTEMPTS = [${attempts.join("\n")}];
export async function attempts() {
  const results = [];
  for (const [what, attempt] of ATTEMPTS) {
    try {
      results.push({ what, result: String(await attempt()) });
    } catch (error) {
      results.push({ what, result: "refused: " + (error?.message ?? error) });
    }
  }
  return results;
}`,
  };
}

/** What each attempt came to, made by an expansion of the executable. */
async function attempt(site: Site, executable = EXECUTABLE): Promise<Map<string, string>> {
  const { stdout, stderr, code } = await site.run([
    ...["fire", "attempts", "--bus", "memory", "--config", site.path("s.yaml")],
  ], { executable, env: { ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: "secret", TZ: "UTC" } });
  assert.equal(code, 0, stderr);
  const payloads = stdout.split("\n").map((line) => JSON.parse(line).data.payload);
  return new Map(payloads.map(({ what, result }) => [what, result]));
}
