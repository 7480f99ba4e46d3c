/** Expansion functions at their worst, beside a schedule that must not notice. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { Program } from "../helpers/program.ts";

const EXPANSIONS = fileURLToPath(new URL("../fixtures/expansions", import.meta.url));

const HOSTILE = {
  throws: "hostile.throws",
  spins: "hostile.spins",
  hangs: "hostile.hangs",
  exits: "hostile.exits",
  eats_heap: "hostile.eatsHeap",
  leaks_timers: "hostile.leaksTimers",
  prints: "hostile.prints",
  returns_number: "returns.number",
  returns_million: "returns.million",
};

function config(): string {
  const hostile = Object.entries(HOSTILE).map(([name, expandFrom]) =>
    `  - { name: ${name}, interval_seconds: 0.5, expand_from: ${expandFrom}, ` +
    `expand_timeout_seconds: 2, dispatch_type: task, task: { worker_type: w } }\n`
  );
  return "name: hostile\nschedules:\n" +
    "  - { name: steady, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }\n" +
    hostile.join("");
}

/** The program's child processes, by PID. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  return text.split(" ").filter((each) => each !== "").map(Number);
}

Deno.test({
  name: "hostile expansions delay no other schedule, and SIGTERM ends them all",
  ignore: Deno.build.os !== "linux", // elsewhere a thread serves, which cannot be stopped
  async fn() {
    const path = await Deno.makeTempFile({ suffix: ".yaml" });
    await Deno.writeTextFile(path, config());
    await using program = new Program(
      ["--config", path, "--bus", "memory", "--expand-root", EXPANSIONS],
    );
    const failed = (schedule: string) =>
      program.log().some((line) => line.level === "error" && line.schedule === schedule);
    const expected = Object.keys(HOSTILE).filter((name) =>
      !["leaks_timers", "prints"].includes(name)
    );
    await eventually("each hostile one has failed", () => expected.every(failed), 30_000);

    const steady = program.log("scheduler.firing").filter(({ schedule }) => schedule === "steady");
    const lateness = steady.map(({ lateness_ms }) => Number(lateness_ms)).sort((a, b) => a - b);
    assert.ok(lateness.length >= 8, `${lateness.length} firings`);
    const worst = lateness.at(-1)!;
    // Nine processes compete for the machine's cores; the schedule itself waits for none of them.
    assert.ok(worst < 150, `${worst} ms late`);
    const skipped = program.log("scheduler.fire_skipped").filter(({ schedule }) =>
      schedule === "steady"
    );
    assert.deepEqual(skipped, []);
    for (const line of program.stdout) {
      assert.equal(JSON.parse(line).subject, "heddle.tasks.incoming");
    }

    const children = await childrenOf(program.pid);
    assert.ok(children.length > 0, "expansions are running");
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    for (const child of children) {
      await assert.rejects(Deno.stat(`/proc/${child}`), Deno.errors.NotFound);
    }
    await Deno.remove(path);
  },
});
