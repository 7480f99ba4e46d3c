/** The program's end: whatever the server, a pipe, a disk or a file does, it comes in time. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { Place } from "../helpers/durable_place.ts";
import { Program, type ProgramOptions } from "../helpers/program.ts";

const MAX_IDLE_STOP_MS = 5000;

/** Returns how long the program takes to end, and checks that it ends well. */
async function stop(program: Program): Promise<number> {
  const before = performance.now();
  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0, program.stderr.slice(-5).join("\n"));
  return performance.now() - before;
}

/** The program with a redirection, as a shell does it. */
function redirected(redirection: string): ProgramOptions {
  const run = [Deno.execPath(), "run", "-P", "main.ts"];
  return { command: ["bash", "-c", `exec "$0" "$@" ${redirection}`, ...run] };
}

async function withConfig(yaml: string, test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/schedules.yaml`, yaml);
    await test(`${directory}/schedules.yaml`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function often(count: number, seconds: number): string {
  const entries = Array.from(
    { length: count },
    (_, n) =>
      `  - { name: n${n}, interval_seconds: ${seconds}, dispatch_type: task, task: { worker_type: w } }\n`,
  );
  return `name: often\nschedules:\n${entries.join("")}`;
}

Deno.test("SIGTERM ends an idle program in time while the server stands still", async (t) => {
  await using place = await Place.open(["name: rare, interval_seconds: 86400"]);
  const programs = [
    place.start("--delivery", "core"),
    place.start("--http", "127.0.0.1:0"),
    place.start("--replicas", "--shards", "4"),
  ];
  await Promise.all(programs.map((each) => each.logged("scheduler.running")));
  await programs[2]!.logged("scheduler.lease_acquired", 4);
  place.server.signal("SIGSTOP");
  const took = await Promise.all(programs.map(stop));
  for (const [at, what] of ["core NATS", "JetStream", "leases"].entries()) {
    await t.step(what, () => assert.ok(took[at]! < MAX_IDLE_STOP_MS, `${took[at]} ms`));
  }
});

Deno.test("SIGTERM ends the program while nobody reads its full stderr; it fires meanwhile", async () => {
  await withConfig(often(100, 0.1), async (path) => {
    const unread = redirected("2> >(exec sleep 60 > /dev/null 2>&1)");
    await using program = new Program(["--config", path, "--bus", "memory"], unread);
    // Each is reported by two lines of some 200 bytes, and a pipe holds 64 kB.
    await eventually("it fires on", () => program.stdout.length > 1000);
    const took = await stop(program);
    assert.ok(took < MAX_IDLE_STOP_MS, `${took} ms`);
  });
});

Deno.test("a full disk under stderr costs the log and nothing else", async () => {
  await withConfig(often(1, 0.1), async (path) => {
    const full = redirected("2> /dev/full");
    await using program = new Program(["--config", path, "--bus", "memory"], full);
    await eventually("it fires", () => program.stdout.length > 3);
    await stop(program);
  });
});

Deno.test("a full disk under stdout is a failure, and says why", async () => {
  await withConfig(often(1, 0.1), async (path) => {
    await using program = new Program(
      ["--config", path, "--bus", "memory"],
      redirected("> /dev/full"),
    );
    assert.equal(await program.exit(), 1);
    assert.match(
      String(program.log("actor.error")[0]?.error),
      /^Cannot write to stdout: No space left on device/,
    );
    assert.deepEqual(program.log("scheduler.task_dispatched"), []);
  });
});

const makeFifo = (path: string) => new Deno.Command("mkfifo", { args: [path] }).output();

Deno.test("a file that a pipe takes the place of is refused; what fires goes on", async () => {
  await withConfig(often(1, 0.1), async (path) => {
    const args = ["--config", path, "--bus", "memory"];
    await using program = new Program([...args, "--watch-config"]);
    await program.logged("scheduler.task_dispatched");
    await makeFifo(`${path}.fifo`);
    await Deno.rename(`${path}.fifo`, path);
    for (const count of [1, 2]) {
      await program.logged("actor.reload_failed", count);
      const { message } = program.log("scheduler.config_error").at(-1)!;
      assert.equal(message, "This is a pipe (FIFO): name a regular file");
      if (count === 1) program.kill("SIGHUP");
    }
    const fired = program.stdout.length;
    await eventually("it fires on", () => program.stdout.length > fired + 2);
    await stop(program);
    await using another = new Program(args);
    assert.equal(await another.exit(), 2);
  });
});

/** Resolves when the process has handlers for its signals. */
async function listens({ pid }: Program): Promise<void> {
  await eventually("it catches SIGTERM", async () => {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const mask = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)![1]}`);
    return (mask >> 14n & 1n) === 1n;
  });
  // Deno catches them all at once, and then learns what to do with each: so it has to run on.
  const ticks = async () => {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const [user, system] = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14);
    return Number(user) + Number(system);
  };
  const before = await ticks();
  await eventually("it has run for 20 ms more", async () => await ticks() > before + 1);
}

for (const signal of ["SIGHUP", "SIGTERM"] as const) {
  Deno.test({
    name: `${signal} while a large file is read kills nothing`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      await withConfig(often(60_000, 86_400), async (path) => {
        // On a busy machine the file may be read before this test is run again: five times at most.
        let isReading = false;
        for (let time = 0; time < 5 && !isReading; time++) {
          await using program = new Program(["--config", path, "--bus", "memory"]);
          await listens(program);
          isReading = program.log("scheduler.starting").length === 0;
          program.kill(signal);
          if (signal === "SIGHUP") {
            await program.logged("scheduler.running");
            if (isReading) await program.logged("scheduler.config_reloaded");
            program.kill("SIGTERM");
          }
          assert.equal(await program.exit(), 0);
        }
        assert.ok(isReading, "it listens before the file is read, not after");
      });
    },
  });
}
