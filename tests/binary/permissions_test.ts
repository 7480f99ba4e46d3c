/** What the executable, and an expansion in it, may do: as little as will do. */
import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { compile } from "./compile.ts";
import { EXECUTABLE, ROOT } from "./executables.ts";
import { everywhere, HERE, type Site } from "./places.ts";

Deno.test("what is allowed in deno.json is baked in, and nothing is ever asked for", async () => {
  const { read, net, env, run, sys, import: imports, ...rest } = denoJson.permissions.default;
  assert.deepEqual([read, net, env.ignore, run, sys, imports, rest], [
    true,
    true,
    true,
    ["/proc/self/exe"],
    ["setPriority", "systemMemoryInfo"],
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
    ...{ ignore_env: [], ignore_read: null }, // what is not allowed of it is not there
    ...{ allow_env: env.allow, allow_net: [], allow_read: [], allow_run: run },
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
    /run|env|Command failed/, // `true` itself does not fail
  ],
  ["end the scheduler", `Deno.kill(Deno.ppid, "SIGKILL")`, /run/],
  ["load a library", `Deno.dlopen("libc.so.6", {})`, /ffi/],
  ["ask for the machine's memory", `Deno.systemMemoryInfo()`, /sys/],
  ["ask for the host's name", `Deno.hostname()`, /sys/],
  ["read another file of the scheduler's user", `Deno.readTextFile("/etc/shadow")`, /read/],
  ["read one by Node's API", `(await import("node:fs")).readFileSync("/etc/shadow")`, /read/],
  ["read one by fetch", `fetch("file:///etc/shadow")`, /read/],
  [
    "read one as a module",
    `(await import("node:module")).createRequire("/")("/etc/x.json")`,
    /read/,
  ],
  [
    "import the scheduler's environment",
    `import("/proc/" + Deno.ppid + "/environ", { with: { type: "text" } })`,
    /read|"text" is not a valid module type/,
  ],
  [
    "take variables out of the scheduler's environment",
    `(await import("node:process")).loadEnvFile("/proc/" + Deno.ppid + "/environ")`,
    /read|env|all/,
  ],
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
  ["read its own directory", `Deno.readTextFileSync("$FILES/s.yaml").length`],
  ["connect to anything", `Deno.listen({ hostname: "127.0.0.1", port: 0 }).addr.port`],
  ["read a few harmless variables", `Deno.env.get("TZ")`],
  ["read what is meant for it", `Deno.env.get("HEDDLE_EXPANSION_KEY").length`],
];

/** The credentials that the scheduler itself was given. */
const CREDENTIALS = {
  NATS_URL: "nats://user:secret@127.0.0.1:4222",
  NATS_CREDS: "/etc/heddle/nats.creds",
  NATS_NKEY: "/etc/heddle/nats.nk",
  HEDDLE_SCHEDULER_CONFIG: "/etc/heddle/schedules.yaml",
  AWS_SECRET_ACCESS_KEY: "secret",
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
    attempts.push(`["all", () => Object.keys(Deno.env.toObject())],`);
    await place.withFiles(files(attempts), async (site) => {
      const results = await attempt(site);
      for (const name of Object.keys(CREDENTIALS)) assert.equal(results.get(name), "undefined");
      const all = new Set(results.get("all")!.split(","));
      assert.ok(all.has("HEDDLE_EXPANSION_KEY"), results.get("all"));
      for (const name of Object.keys(CREDENTIALS)) assert.ok(!all.has(name), results.get("all"));
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

everywhere("expand_allow says what an expansion reads and reaches", async (place) => {
  using open = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using nats = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [port, natsPort] = [open, nats].map(({ addr }) => (addr as Deno.NetAddr).port);
  const connect = (to: number) =>
    `Deno.connect({ hostname: "127.0.0.1", port: ${to} }).then((connection) => connection.close())`;
  const attempts = [
    `["read what is allowed", () => Deno.readTextFileSync("$FILES/../more/data.txt")],`,
    `["read what is not", () => Deno.readTextFileSync("$FILES/../more2/data.txt")],`,
    `["connect to what is allowed", () => ${connect(port!)}],`,
    `["connect to what is not", () => ${connect(natsPort!)}],`,
  ];
  const allow = `expand_allow: { read: [../more], net: ["127.0.0.1:${port}"] }\n`;
  await place.withFiles({}, async (site) => {
    for (const [name, text] of Object.entries(files(attempts))) {
      const path = site.hostPath(`root/${name}`);
      await Deno.mkdir(site.hostPath("root"), { recursive: true });
      await Deno.writeTextFile(path, text.replaceAll("$FILES", site.path("root")));
    }
    for (const directory of ["more", "more2"]) {
      await Deno.mkdir(site.hostPath(directory));
      await Deno.writeTextFile(site.hostPath(`${directory}/data.txt`), "data");
    }
    const yaml = site.hostPath("root/s.yaml");
    await Deno.writeTextFile(yaml, allow + await Deno.readTextFile(yaml));
    const results = await attempt(site, EXECUTABLE, "root/s.yaml");
    assert.deepEqual(
      [...results.values()].map((result) => /^refused: Requires (\w+)/.exec(result)?.[1] ?? result),
      ["data", "read", "undefined", "net"],
    );
  });
});

/** Older bases check no permission of what a module imports: docs/security.md, known issues. */
Deno.test("an expansion imports nothing from outside of its directory, but on Deno 2.6.10", async () => {
  const attempts = [
    `["JSON", () => import("../out/data.json", { with: { type: "json" } }).then(() => "loaded")],`,
    `["JavaScript", () => import(["..", "out", "data.js"].join("/")).then(() => "loaded")],`,
    `["version", () => Deno.version.deno],`,
  ];
  const inRoot = Object.entries(files(attempts)).map(([name, text]) => [`root/${name}`, text]);
  await HERE.withFiles({
    ...Object.fromEntries(inRoot),
    "out/data.json": "{}",
    "out/data.js": "",
  }, async (site) => {
    const { JSON: json, JavaScript, version } = Object.fromEntries(
      await attempt(site, EXECUTABLE, "root/s.yaml"),
    );
    for (const result of [json!, JavaScript!]) {
      if (version === "2.6.10") assert.equal(result, "loaded");
      else assert.match(result, /^refused: Requires read access/);
    }
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
async function attempt(
  site: Site,
  executable = EXECUTABLE,
  config = "s.yaml",
): Promise<Map<string, string>> {
  const { stdout, stderr, code } = await site.run([
    ...["fire", "attempts", "--bus", "memory", "--config", site.path(config)],
  ], { executable, env: { ...CREDENTIALS, HEDDLE_EXPANSION_KEY: "k", TZ: "UTC" } });
  assert.equal(code, 0, stderr);
  const payloads = stdout.split("\n").map((line) => JSON.parse(line).data.payload);
  return new Map(payloads.map(({ what, result }) => [what, result]));
}
