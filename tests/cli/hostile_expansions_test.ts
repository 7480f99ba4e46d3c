/** Expansion functions at their worst, beside a schedule that must not notice. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { MachineDelay } from "../helpers/machine_delay.ts";
import { type LogEvent, Program } from "../helpers/program.ts";

const EXPANSIONS = fileURLToPath(new URL("../fixtures/expansions", import.meta.url));

/** Beyond what the machine itself is late. */
const MAX_LATENESS_MS = 100;
const MAX_MEGABYTES = 200;

const HOSTILE = {
  throws: "hostile.throws",
  spins: "hostile.spins",
  hangs: "hostile.hangs",
  exits: "hostile.exits",
  eats_heap: "hostile.eatsHeap",
  leaks_timers: "hostile.leaksTimers",
  prints: "hostile.prints",
  prints_without_end: "hostile.printsWithoutEnd",
  throws_places: "many.places",
  throws_characters: "many.characters",
  returns_number: "returns.number",
  returns_million: "returns.million",
  much: "channel.sendsMeanwhile",
};

function config(functions: Record<string, string>): string {
  const hostile = Object.entries(functions).map(([name, expandFrom]) =>
    `  - { name: ${name}, interval_seconds: 0.5, expand_from: ${expandFrom}, ` +
    `expand_timeout_seconds: 2, dispatch_type: task, task: { worker_type: w } }\n`
  );
  return "name: hostile\nschedules:\n" +
    "  - { name: steady, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }\n" +
    hostile.join("");
}

/** The same function eight times. */
const eightOf = (expandFrom: string) =>
  Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`hostile_${n}`, expandFrom]));

/** Runs the program beside hostile functions, until `until` holds, and looks at the steady entry. */
async function beside(
  functions: Record<string, string>,
  until: (program: Program) => boolean,
  test: (program: Program) => Promise<void> = async () => {},
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, config(functions));
  try {
    using machine = new MachineDelay();
    await using program = new Program(
      ["--config", path, "--bus", "memory", "--expand-root", EXPANSIONS],
    );
    await eventually("what is hostile has happened", () => until(program), 30_000);
    const of = (event: string) =>
      program.log(event).filter(({ schedule }) => schedule === "steady");
    const lateness = of("scheduler.firing").map(({ lateness_ms }) => Number(lateness_ms));
    assert.ok(lateness.length >= 8, `${lateness.length} firings`);
    const worst = Math.max(...lateness);
    const allowed = MAX_LATENESS_MS + machine.worst;
    assert.ok(worst < allowed, `${worst} ms late, of ${allowed} allowed`);
    // One that was late may have run still when the next was due.
    const skipped = of("scheduler.fire_skipped");
    if (machine.worst < MAX_LATENESS_MS) assert.deepEqual(skipped, []);
    const megabytes = await peakMegabytes(program.pid);
    assert.ok(megabytes < MAX_MEGABYTES, `${megabytes} MB`);
    await test(program);
  } finally {
    await Deno.remove(path);
  }
}

/** Counts the firings of the hostile entries that have come to `event`. */
const hostileLines = (program: Program, event: string): LogEvent[] =>
  program.log(event).filter(({ schedule }) => schedule !== "steady");

/** The most memory that the process has had. */
async function peakMegabytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024 / 1e6;
}

/** The program's child processes, by PID. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  return text.split(" ").filter((each) => each !== "").map(Number);
}

/** How nice the threads of a process are. */
async function nicenessOf(pid: number): Promise<number[]> {
  const all = [];
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const stat = await Deno.readTextFile(`/proc/${pid}/task/${name}/stat`).catch(() => null);
    if (stat !== null) all.push(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]));
  }
  return all;
}

// Elsewhere a thread serves, which cannot be stopped.
const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "hostile expansions delay no other schedule, and SIGTERM ends them all",
  ignore,
  async fn() {
    const expected = Object.keys(HOSTILE).filter((name) =>
      !["leaks_timers", "prints"].includes(name)
    );
    const allFailed = (program: Program) => {
      const failed = new Set(
        program.log().filter(({ level }) => level === "error").map(({ schedule }) => schedule),
      );
      return expected.every((name) => failed.has(name));
    };
    const test = async (program: Program) => {
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
    };
    await beside(HOSTILE, allFailed, test);
  },
});

for (const expandFrom of ["hostile.printsWithoutEnd", "hostile.spinsInThreads"]) {
  Deno.test({
    name: `eight functions at once delay no other schedule: ${expandFrom}`,
    ignore,
    async fn() {
      const failed = (program: Program) =>
        hostileLines(program, "scheduler.expand_from_call_failed").length >= 16;
      await beside(eightOf(expandFrom), failed);
    },
  });
}

Deno.test({
  name: "each thread of an expansion has a lower priority than the scheduler",
  ignore,
  async fn() {
    const own = (await nicenessOf(Deno.pid))[0]!;
    const failed = (program: Program) =>
      hostileLines(program, "scheduler.expand_from_call_failed").length >= 1;
    const test = async (program: Program) => {
      assert.deepEqual(new Set(await nicenessOf(program.pid)), new Set([own]));
      let niceness: number[] = [];
      await eventually("its threads run", async () => {
        const [child] = await childrenOf(program.pid);
        niceness = child === undefined ? [] : await nicenessOf(child).catch(() => []);
        return niceness.length > 12;
      });
      assert.ok(niceness.every((each) => each > own), niceness.join());
    };
    await beside({ spins: "hostile.spinsInThreads" }, failed, test);
  },
});
