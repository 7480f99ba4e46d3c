/** An `expand_from` that names nothing is told before it is due. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { exportsWithout } from "../../lib/expansion/module_exports.ts";
import { loadSchedulerConfig } from "../../lib/config/load_config.ts";
import { Program, runProgram } from "../helpers/program.ts";

const entry = (name: string, expandFrom: string) =>
  `  - { name: ${name}, interval_seconds: 3600, expand_from: "${expandFrom}", ` +
  "dispatch_type: task, task: { worker_type: w } }\n";

async function withFiles(
  files: Record<string, string>,
  test: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "heddle-expand-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(`${directory}/${path}`), { recursive: true });
      await Deno.writeTextFile(`${directory}/${path}`, text);
    }
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const MODULES = {
  // To load it would be seen.
  "root/jobs/sessions.js": "throw new Error('loaded');\nexport async function getActive() {}\n",
};
const CONFIG = "name: e\nschedules:\n" + entry("right", "./jobs/sessions.js#getActive") +
  entry("dotted", "jobs.sessions.getActive") + entry("file", "./jobs/sessions.ts#getActive") +
  entry("export", "jobs.sessions.getActve");
const FILE = '5:56: warning: schedules[2] "file": Cannot resolve expand_from ' +
  '"./jobs/sessions.ts#getActive": no such file in "ROOT": tried jobs/sessions.ts ' +
  '(did you mean "jobs/sessions.js"?)';
const EXPORT = "6:58: warning: schedules[3] \"export\": 'expand_from' is " +
  '"jobs.sessions.getActve": "jobs/sessions.js" does not export "getActve" ' +
  '(did you mean "getActive"?)';

Deno.test("validate and next warn of an expansion function that is not there", async () => {
  await withFiles({ ...MODULES, "root/s.yaml": CONFIG, "s.yaml": CONFIG }, async (directory) => {
    const root = await Deno.realPath(`${directory}/root`);
    const expected = (path: string) =>
      [FILE, EXPORT].map((line) => `${path}:${line.replace("ROOT", root)}`).join("\n");
    for (
      const [path, ...args] of [[`${root}/s.yaml`], [`${directory}/s.yaml`, "--expand-root", root]]
    ) {
      const validated = await runProgram(["validate", path!, ...args]);
      assert.deepEqual([validated.stdout, validated.code], [expected(path!), 0]);
      const next = await runProgram(["next", path!, ...args]);
      assert.deepEqual([next.stderr, next.code], [expected(path!), 0]);
    }
    assert.equal((await runProgram(["validate", "--strict", `${root}/s.yaml`])).code, 2);
  });
});

Deno.test("the start and a reload warn of an expansion function that is not there", async () => {
  await withFiles({ ...MODULES, "s.yaml": CONFIG }, async (directory) => {
    await using program = new Program([
      ...["--config", `${directory}/s.yaml`, "--expand-root", `${directory}/root`],
      ...["--bus", "memory"],
    ]);
    await program.logged("scheduler.running");
    const problems = () =>
      program.log("scheduler.config_error").map(({ line, level }) => [line, level]);
    assert.deepEqual(problems(), [[5, "warning"], [6, "warning"]]);
    // A large file is read in a thread of its own.
    const padding = `# ${"x".repeat(98)}\n`.repeat(2000);
    const others = CONFIG.replace("sessions.ts", "session.ts").replace("getActve", "getActives");
    await Deno.writeTextFile(`${directory}/s.yaml`, others + padding);
    program.kill("SIGHUP");
    await program.logged("scheduler.config_reloaded");
    assert.deepEqual(problems().slice(2), [[5, "warning"], [6, "warning"]]);
  });
});

Deno.test("a module is looked at once, however many entries name it", async () => {
  const entries = Array.from({ length: 20_000 }, (_, n) => entry(`e${n}`, "./m.js#f"));
  await withFiles({
    "s.yaml": "name: e\nschedules:\n" + entries.join(""),
    "m.js": "// a comment\n".repeat(50_000) + "export function g() {}\n",
  }, async (directory) => {
    const read = Deno.readTextFile;
    let looks = 0;
    Deno.readTextFile = (...args) => {
      looks++;
      return read(...args);
    };
    try {
      const { problems } = await loadSchedulerConfig(`${directory}/s.yaml`);
      assert.equal(problems.length, entries.length);
    } finally {
      Deno.readTextFile = read;
    }
    assert.equal(looks, 1);
  });
});

for (
  const text of [
    "export function f() {}",
    "export  async\nfunction* f() {}",
    "const a = 1;export const f = () => {};",
    "export let f: Expansion = g;",
    "function f() {} export { f };",
    "export { a, g as f, };",
    'export { g as "f" } from "./g.ts";',
    "/* the function */ export class f {}",
    "export const a = 1, f = 2;",
    'export * from "./others.ts";',
    'export * as others from "./others.ts";',
    "export const { f } = all;",
    "export const /* it */ f = 1;",
    "export {\n  a, // }\n  f,\n};",
    "export function /* it */ f() {}",
    "exports.f = () => {};",
    "export import f = others.f;",
  ]
) {
  Deno.test(`a module that exports f, or may do so: ${JSON.stringify(text)}`, () => {
    assert.equal(exportsWithout("f", text), null);
  });
}

for (
  const [text, ...names] of [
    [""],
    ["function f() {}"],
    ["// export function f() {}"],
    ["export default function f() {}", "default"],
    ["export type { f };\nexport interface f {}\nexport type f = 1;"],
    ["export { type f, g, f as h };", "g", "h"],
    ["export const $f = 1;\nexport async function ff(a, b) {}", "$f", "ff"],
    ["export const g = (a, f1) => f;", "g"],
  ]
) {
  Deno.test(`a module that does not export f: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(exportsWithout("f", text!), names);
  });
}

Deno.test("the exports of a text are found in time proportional to its length", () => {
  for (
    const piece of ["\n", " ", "export ", "export {", "export function ", ", ", "}", "/*", "as "]
  ) {
    const took = (length: number) => {
      const text = piece.repeat(length / piece.length);
      const began = performance.now();
      exportsWithout("f", text);
      return performance.now() - began;
    };
    assert.ok(took(1_000_000) < 2000, JSON.stringify(piece));
  }
});
