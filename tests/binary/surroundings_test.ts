/** The executable where something is missing that a machine usually has. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import type { Program } from "../helpers/program.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { controlGroup, skipped } from "./control_group.ts";
import { BARE_ROOT } from "./executables.ts";
import { listen } from "./listen.ts";
import { BARE, everywhere, HERE, NOBODY } from "./places.ts";

/** An interval, and an expansion, which is what needs most. */
const CONFIG = `name: surroundings
schedules:
  - { name: often, interval_seconds: 0.1, dispatch_type: task, task: { worker_type: w } }
  - name: expanded
    interval_seconds: 0.5
    expand_from: ./list.js#list
    dispatch_type: task
    task: { worker_type: w }
`;
const FILES = { "s.yaml": CONFIG, "list.js": "export const list = () => [{ id: 1 }];" };

/** Works: fires, expands, and ends cleanly by the signal. */
async function works(program: Program, terminate = () => program.kill("SIGTERM")): Promise<void> {
  await program.logged("scheduler.expansion_dispatched", 2);
  await program.logged("scheduler.task_dispatched", 5);
  terminate();
  assert.equal(await program.exit(), 0, program.stderr.join("\n"));
  assert.deepEqual(program.log().filter(({ level }) => level !== "info"), []);
}

everywhere("as PID 1 it works, and ends by SIGTERM", async (place) => {
  await place.withFiles(FILES, async (site) => {
    const by = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"], { by });
    await works(program, () => {
      const [child] = childrenOf(program.pid);
      assert.match(Deno.readTextFileSync(`/proc/${child}/status`), /^NSpid:.*\t1$/m);
      Deno.kill(child!, "SIGTERM");
    });
  });
});

const childrenOf = (pid: number) =>
  Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").map(Number);

Deno.test("as a user without a name or a right it works", async () => {
  await BARE.withFiles(FILES, async (site) => {
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"]);
    await program.logged("scheduler.running");
    const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
    assert.match(status, new RegExp(`^Uid:\\t${NOBODY}\\t${NOBODY}\\t`, "m"));
    assert.match(status, /^CapEff:\t0+$/m);
    await works(program);
  });
});

Deno.test("on a read-only file system, with no /tmp, it works", async () => {
  await BARE.withFiles(FILES, async (site) => {
    await assert.rejects(Deno.stat(`${BARE_ROOT}/tmp`), Deno.errors.NotFound);
    const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && ' +
      '! touch "$0/x" 2>/dev/null && exec "$@"';
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"], {
      by: ["unshare", "--mount", "bash", "-c", readOnly, BARE_ROOT],
    });
    await works(program);
  });
});

Deno.test("where /proc shows its own user's processes and nothing else, as in the systemd unit, it works", async () => {
  await HERE.withFiles(FILES, async (site) => {
    const proc = "mount -t proc -o subset=pid,hidepid=invisible proc /proc && " +
      '! test -e /proc/sys && ! test -e /proc/meminfo && exec "$@"';
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"], {
      by: ["unshare", "--mount", "bash", "-c", proc, "bash"],
    });
    await works(program);
  });
});

everywhere("with an empty environment, and so no home directory, it works", async (place) => {
  await place.withFiles(FILES, async (site) => {
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"], {
      by: ["/usr/bin/env", "-i"],
    });
    await works(program);
  });
});

everywhere("where TMPDIR and HOME lead nowhere it works", async (place) => {
  await place.withFiles(FILES, async (site) => {
    const env = { TMPDIR: "/no/such", HOME: "/no/such", DENO_DIR: "/no/such" };
    const args = ["--config", site.path("s.yaml"), "--bus", "memory"];
    await using program = site.start(args, { env });
    await works(program);
  });
});

const ZONED = `name: zoned
schedules:
  - { name: utc, cron: "0 8 * * *", dispatch_type: task, task: { worker_type: w } }
  - name: berlin
    cron: "0 8 * * *"
    timezone: Europe/Berlin
    dispatch_type: task
    task: { worker_type: w }
`;

for (const TZ of ["Asia/Tokyo", "Mars/Phobos", ""]) {
  everywhere(`TZ=${TZ} changes no instant, and zones need no database`, async (place) => {
    await place.withFiles({ "s.yaml": ZONED }, async (site) => {
      const span = ["--from", "2026-07-01T00:00:00Z", "--until", "2026-07-02T00:00:00Z"];
      const { stdout } = await site.run(
        ["simulate", "--config", site.path("s.yaml"), ...span, "--format", "json"],
        { env: { TZ, TZDIR: "/no/such" } },
      );
      const fired = stdout.split("\n").map((line) => JSON.parse(line)).slice(0, 2);
      assert.deepEqual(fired.map(({ entry, scheduled_for }) => [entry, scheduled_for]), [
        ["berlin", "2026-07-01T06:00:00.000Z"],
        ["utc", "2026-07-01T08:00:00.000Z"],
      ]);
    });
  });
}

everywhere("a locale that is not English changes no word and no number", async (place) => {
  await place.withFiles({ "s.yaml": ZONED.replace("cron:", "corn:") }, async (site) => {
    const outputs = ["C", "tr_TR.UTF-8", "de_DE.UTF-8", "ar_EG.UTF-8"].map((locale) =>
      site.run(["validate", site.path("s.yaml")], {
        env: { LANG: locale, LC_ALL: locale, LANGUAGE: locale },
      })
    );
    const [english, ...others] = await Promise.all(outputs);
    assert.match(english!.stdout, /did you mean "cron"/);
    for (const { code, stdout } of others) {
      assert.equal(stdout, english!.stdout);
      assert.equal(code, 2);
    }
  });
});

const MIB = 2 ** 20;
const noMemoryGroup = await skipped("memory");
const noPidsGroup = await skipped("pids");

Deno.test({
  name: `under a limit of 128 MiB it works on a server, expansions included${noMemoryGroup}`,
  ignore: noMemoryGroup !== "",
  fn: async () => {
    await using server = await startNatsServer();
    await using listener = await listen(server.url);
    await using group = await controlGroup("memory", 128 * MIB);
    await HERE.withFiles(FILES, async (site) => {
      const args = ["--config", site.path("s.yaml"), "--nats-url", server.url];
      await using program = site.start([...args, "--memory-limit", "128Mi"], { by: group.enter });
      await eventually(
        "it has expanded a few times",
        () => listener.messages.filter(({ schedule }) => schedule === "expanded").length >= 5,
      );
      assert.ok(await group.peak() > 30 * MIB, "the limit counts the program's memory");
      await works(program);
    });
  },
});

/** `count` entries that expand at the same time, by the function `name` of list.js. */
const atOnce = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) =>
    `  - name: ${name}_${index}
    interval_seconds: 30
    run_on_start: true
    expand_from: ./list.js#${name}
    dispatch_type: task
    task: { worker_type: w }
`).join("");

const LIST = `
  export const one = () => [{ id: 1 }];
  export const greedy = () => {
    const all = [];
    for (;;) all.push(new Array(10_000).fill(all.length));
  };`;

Deno.test({
  name: `in the manifest's 256 MiB 16 expansions at once all dispatch${noMemoryGroup}`,
  ignore: noMemoryGroup !== "",
  fn: async () => {
    await using group = await controlGroup("memory", 256 * MIB);
    const files = { "s.yaml": `name: limited\nschedules:\n${atOnce(16, "one")}`, "list.js": LIST };
    await HERE.withFiles(files, async (site) => {
      await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"], {
        by: group.enter,
        env: { HEDDLE_SCHEDULER_MEMORY_LIMIT: String(256 * MIB) },
      });
      await program.logged("scheduler.expansion_dispatched", 16);
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0, program.stderr.join("\n"));
      assert.deepEqual(program.log().filter(({ level }) => level !== "info"), []);
    });
  },
});

Deno.test({
  name: `one that takes all memory fails its own firing, and no more${noMemoryGroup}`,
  ignore: noMemoryGroup !== "",
  fn: async () => {
    await using group = await controlGroup("memory", 256 * MIB);
    const entries = atOnce(3, "greedy") + atOnce(3, "one");
    const files = { "s.yaml": `name: limited\nschedules:\n${entries}`, "list.js": LIST };
    await HERE.withFiles(files, async (site) => {
      const args = ["--config", site.path("s.yaml"), "--bus", "memory", "--memory-limit", "256Mi"];
      await using program = site.start(args, { by: group.enter });
      await program.logged("scheduler.expansion_dispatched", 3);
      await program.logged("scheduler.expand_from_call_failed", 3);
      for (const { error } of program.log("scheduler.expand_from_call_failed")) {
        assert.match(String(error), /: out of memory: it used more than 80 MiB$/);
      }
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0, program.stderr.join("\n"));
    });
  },
});

Deno.test({
  name: `where no more threads may be started the error says so${noPidsGroup}`,
  ignore: noPidsGroup !== "",
  fn: async () => {
    await using group = await controlGroup("pids", 24);
    const files = { "s.yaml": `name: limited\nschedules:\n${atOnce(8, "one")}`, "list.js": LIST };
    await HERE.withFiles(files, async (site) => {
      await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"], {
        by: group.enter,
      });
      const { error } = await program.logged("scheduler.expand_from_call_failed");
      assert.match(String(error), /: no thread could be started: TasksMax .*, or the pids limit /);
    });
  },
});

everywhere("SIGUSR1 and SIGUSR2 end nothing, and are logged", async (place) => {
  await place.withFiles(FILES, async (site) => {
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"]);
    await program.logged("scheduler.expansion_dispatched");
    for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
      program.kill(signal);
      await eventually(
        `${signal} is logged`,
        () => program.log("actor.signal_ignored").some((line) => line.signal === signal),
      );
    }
    const { length } = program.log("scheduler.expansion_dispatched");
    await program.logged("scheduler.expansion_dispatched", length + 1);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0, program.stderr.join("\n"));
  });
});

Deno.test("it keeps no compiled code: nothing is read or written in TMPDIR", async () => {
  await HERE.withFiles({ ...FILES, "tmp/.keep": "" }, async (site) => {
    // Another user can make this file, in a directory that all can write to; to open it is to wait.
    const cache = site.hostPath("tmp/deno-compile-heddle-scheduler.cache");
    await new Deno.Command("mkfifo", { args: [cache] }).output();
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"], {
      env: { TMPDIR: site.path("tmp") },
    });
    await works(program);
    const left = [...Deno.readDirSync(site.hostPath("tmp"))].map(({ name }) => name);
    assert.deepEqual(left.sort(), [".keep", "deno-compile-heddle-scheduler.cache"]);
  });
});
