/** What `deno task dev` runs, in a directory of its own. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { Program } from "../helpers/program.ts";

const pathOf = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const ENTRY =
  "{ name: often, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }";

Deno.test("task dev waits for a file that is right, follows it, and outlives one that is wrong", async () => {
  const cwd = await Deno.makeTempDir();
  const write = (schedules: string) =>
    Deno.writeTextFile(`${cwd}/schedules.yaml`, `name: dev\nschedules: ${schedules}\n`);
  try {
    await write("5");
    const deno = [Deno.execPath(), "run", "-P", `--config=${pathOf("deno.json")}`, "--watch"];
    await using program = new Program([], { command: [...deno, pathOf("deploy/dev.ts")], cwd });
    const says = (pattern: RegExp) =>
      eventually(`it says ${pattern}`, () => pattern.test(program.stderr.join("\n")));
    await says(/schedules\.yaml:2:\d+: error: [\s\S]*Waiting until schedules\.yaml changes/);
    await write(`[${ENTRY}]`);
    await eventually("it fires", () => program.stdout.length > 1);
    assert.match(program.stdout[0]!, /^\{"subject":/);
    await write("5");
    await says(/actor\.reload_failed/);
    const count = program.stdout.length;
    await eventually("it fires on", () => program.stdout.length > count + 2);
    await write(`[${ENTRY}, ${ENTRY.replace("often", "more")}]`);
    await says(/scheduler\.config_reloaded/);
    assert.equal(program.stderr.filter((line) => line.includes("scheduler.starting")).length, 1);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
