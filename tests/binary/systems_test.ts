/**
 * What must hold on every system: start, reload, expansion, stop; from source and as the executable.
 * `deno task test:systems` runs this file alone.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Program, type ProgramOptions, runProgram } from "../helpers/program.ts";
import { EXECUTABLE } from "./executables.ts";

const IS_WINDOWS = Deno.build.os === "windows";

const PROGRAMS: [name: string, options: ProgramOptions][] = [
  ["from source", { command: [Deno.execPath(), "run", "-P", "main.ts"] }],
  ["the executable", { command: [EXECUTABLE] }],
];

const config = (...names: string[]) =>
  `name: systems
schedules:
  - name: expanded
    interval_seconds: 0.5
    expand_from: ./expansions/list.js#list
    dispatch_type: task
    task: { worker_type: w }
` + names.map((name) =>
    `  - { name: ${name}, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }\n`
  ).join("");

/** As a service manager of Windows has a program end: Ctrl+Break, to its group of processes. */
const IN_GROUP = `
import os, signal, subprocess, sys, time
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=sys.stdout, stderr=sys.stderr,
                         creationflags=subprocess.CREATE_NEW_PROCESS_GROUP)
while child.poll() is None:
    if os.path.exists(sys.argv[1]):
        os.remove(sys.argv[1])
        child.send_signal(signal.CTRL_BREAK_EVENT)
    time.sleep(0.05)
sys.exit(child.returncode)
`;

interface Running {
  readonly program: Program;
  write(text: string): Promise<void>;
  /** Has it end as the system does. */
  stop(): Promise<void>;
}

async function running(options: ProgramOptions, test: (it: Running) => Promise<void>) {
  const directory = await Deno.makeTempDir({ prefix: "heddle-systems-" });
  try {
    const path = join(directory, "schedules.yaml");
    const request = join(directory, "stop");
    await Deno.mkdir(join(directory, "expansions"));
    await Deno.writeTextFile(
      join(directory, "expansions", "list.js"),
      "export const list = ({ schedule }) => [{ schedule }, { schedule }];",
    );
    await Deno.writeTextFile(path, config("a"));
    const group = IS_WINDOWS ? ["python", "-c", IN_GROUP, request] : [];
    const command = [...group, ...options.command!];
    await using program = new Program(
      ["--config", path, "--bus", "memory", "--watch-config"],
      { ...options, command },
    );
    await test({
      program,
      write: (text) => Deno.writeTextFile(path, text),
      stop: async () =>
        IS_WINDOWS ? await Deno.writeTextFile(request, "") : program.kill("SIGTERM"),
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const [name, options] of PROGRAMS) {
  Deno.test(`${name}: it starts, expands, reloads and stops`, async () => {
    await running(options, async ({ program, write, stop }) => {
      await program.logged("scheduler.expansion_dispatched", 2, 20_000);
      await program.logged("scheduler.task_dispatched", 2);
      assert.ok(program.stdout.some((line) => line.includes('"schedule":"expanded"')));
      await write(config("a", "b"));
      assert.equal((await program.logged("scheduler.config_reloaded")).schedule_count, 3);
      await write("schedules: [");
      await program.logged("actor.reload_failed");
      if (!IS_WINDOWS) {
        await write(config("a"));
        program.kill("SIGHUP");
        assert.equal((await program.logged("scheduler.config_reloaded", 2)).schedule_count, 2);
      }
      const dispatched = program.log("scheduler.task_dispatched").length;
      await program.logged("scheduler.task_dispatched", dispatched + 1);
      await stop();
      assert.equal(await program.exit(), 0, program.stderr.join("\n"));
      const { reason } = await program.logged("actor.shutdown_requested");
      assert.equal(reason, IS_WINDOWS ? "SIGBREAK" : "SIGTERM");
    });
  });

  Deno.test(`${name}: a mistake is refused, with its place`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "heddle-systems-" });
    const path = join(directory, "schedules.yaml");
    await Deno.writeTextFile(path, config("a").replace("interval_seconds: 0.2", "cron: '* *'"));
    const { code, stdout } = await runProgram(["validate", path], options);
    assert.equal(code, 2);
    assert.ok(stdout.includes(`${path}:8:`), stdout);
    await Deno.remove(directory, { recursive: true });
  });
}
