/** The whole system on real input: the program as a process, a real nats-server, real files. */
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { connect } from "../helpers/nats_client.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { type LogEvent, Program, type ProgramOptions } from "../helpers/program.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

const WHOLE_SYSTEM = "tests/fixtures/whole_system/schedules.yaml";
const UUID_V5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const CLOCK_OFFSET = fileURLToPath(new URL("../chaos/clock_offset.ts", import.meta.url));
const FAULT = fileURLToPath(new URL("../helpers/fault.ts", import.meta.url));
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

interface Seen {
  subject: string;
  /** When it reached the observer, in milliseconds since the epoch. */
  at: number;
  data: Record<string, unknown>;
  entry: string;
  messageId: string;
  scheduledFor: number;
}

/** An observer that shares nothing with the program but the server. */
async function observe(connection: NatsConnection): Promise<Seen[]> {
  const seen: Seen[] = [];
  connection.subscribe("heddle.*.incoming", {
    callback: (_error, message: Msg) => {
      holdToSchema(message.subject, message.json());
      const header = (name: string) => message.headers?.get(name) ?? "";
      seen.push({
        subject: message.subject,
        at: Date.now(),
        data: message.json(),
        entry: header("Heddle-Schedule"),
        messageId: header("Nats-Msg-Id"),
        scheduledFor: Date.parse(header("Heddle-Scheduled-For")),
      });
    },
  });
  await connection.flush();
  return seen;
}

/** A server, an observer on it and the program, all ended afterwards. */
async function withProgram(
  config: string,
  test: (
    run: {
      program: Program;
      seen: Seen[];
      observer: NatsConnection;
      server: Awaited<ReturnType<typeof startNatsServer>>;
    },
  ) => Promise<void>,
  options?: ProgramOptions,
) {
  await using server = await startNatsServer();
  const observer = await connect({
    servers: server.url,
    reconnectTimeWait: 50,
    maxReconnectAttempts: -1,
  });
  try {
    const seen = await observe(observer);
    await using program = new Program(["--config", config, "--nats-url", server.url], options);
    await program.logged("scheduler.running");
    await test({ program, seen, observer, server });
  } finally {
    await observer.close();
  }
}

const of = (seen: Seen[], entry: string) => seen.filter((each) => each.entry === entry);

async function withConfig(yaml: string, test: (path: string) => Promise<void>) {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/schedules.yaml`, yaml);
    await test(`${directory}/schedules.yaml`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a file with everything in it publishes the contract's messages at their instants", async () => {
  await withProgram(WHOLE_SYSTEM, async ({ program, seen }) => {
    const started = Date.parse((await program.logged("scheduler.running")).timestamp);
    await eventually("four seconds of firings", () => of(seen, "two_seconds").length >= 2, 8000);
    await eventually(
      "both expansions, twice",
      () => of(seen, "dotted_ts_sync").length >= 4 && of(seen, "path_js_async").length >= 2,
    );

    const seconds = of(seen, "every_second");
    assert.ok(seconds.every(({ scheduledFor }) => scheduledFor % 1000 === 0));
    seconds.slice(1).forEach(({ scheduledFor }, index) =>
      assert.equal(scheduledFor - seconds[index]!.scheduledFor, 1000)
    );

    const pulses = of(seen, "half_second");
    assert.ok(pulses.length >= 7, `${pulses.length} pulses`);
    pulses.slice(1).forEach(({ scheduledFor }, index) =>
      assert.equal(scheduledFor - pulses[index]!.scheduledFor, 500)
    );
    assert.ok(Math.abs(pulses[0]!.scheduledFor - started - 500) < 100);

    const [pulse] = pulses as [Seen];
    assert.equal(pulse.subject, "heddle.tasks.incoming");
    assert.match(String(pulse.data.task_id), UUID_V5);
    assert.match(String(pulse.data.created_at), INSTANT);
    assert.deepEqual({ ...pulse.data, task_id: "", created_at: "" }, {
      task_id: "",
      parent_task_id: null,
      worker_type: "pulse",
      payload: { a: 1, b: 2 },
      model_tier: "frontier",
      priority: "critical",
      created_at: "",
      request_id: null,
      metadata: {
        scheduled_by: "half_second",
        scheduled_for: new Date(pulse.scheduledFor).toISOString(),
      },
    });
    assert.equal(
      pulse.messageId,
      `whole_system/half_second/${new Date(pulse.scheduledFor).toISOString()}/0`,
    );

    const [goal] = of(seen, "two_seconds") as [Seen];
    assert.equal(goal.subject, "heddle.goals.incoming");
    assert.match(String(goal.data.goal_id), UUID_V5);
    assert.deepEqual({ ...goal.data, goal_id: "", created_at: "" }, {
      goal_id: "",
      instruction: "Every two seconds",
      context: {},
      request_id: null,
      priority: "normal",
      created_at: "",
    });

    const [s1, s2] = of(seen, "dotted_ts_sync") as [Seen, Seen];
    assert.deepEqual(s1.data.payload, {
      kept: true,
      overridden: "expansion",
      session_id: "s1",
      schedule: "dotted_ts_sync",
    });
    assert.equal((s2.data.payload as Record<string, unknown>).session_id, "s2");
    assert.deepEqual([s1, s2].map(({ messageId }) => messageId.slice(-2)), ["/0", "/1"]);

    const [tenant] = of(seen, "path_js_async") as [Seen];
    assert.equal((tenant.data.context as Record<string, unknown>).tenant, "t1");
    assert.equal((tenant.data.context as Record<string, unknown>).overridden, "expansion");

    const ids = seen.map(({ messageId }) => messageId);
    assert.equal(new Set(ids).size, ids.length);
    // Another process's clock reading and two scheduled hops; the benchmarks measure lateness.
    for (const { entry, at, scheduledFor } of seen) {
      if (entry.startsWith("path_") || entry.startsWith("dotted_")) continue;
      assert.ok(
        at >= scheduledFor && at - scheduledFor < 1000,
        `${entry}: ${at - scheduledFor} ms`,
      );
    }
  });
});

Deno.test("a cron of every minute fires on the minute", async () => {
  // The machine's clock is off by as much as it takes until a minute begins in five seconds.
  const offset = 55_000 - Date.now() % 60_000;
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, String(offset));
  const options = {
    command: [Deno.execPath(), "run", "-P", "--preload", CLOCK_OFFSET, "main.ts"],
    env: { HEDDLE_SCHEDULER_TEST_CLOCK_FILE: file },
  };
  await withProgram(WHOLE_SYSTEM, async ({ seen }) => {
    await eventually("a minute begins", () => of(seen, "every_minute").length === 1, 10_000);
    const [{ at, scheduledFor, data }] = of(seen, "every_minute") as [Seen];
    assert.equal(scheduledFor % 60_000, 0);
    const late = at + offset - scheduledFor;
    assert.ok(late >= 0 && late < 1000, `${late} ms late`);
    assert.equal(data.instruction, "Once a minute");
    assert.deepEqual(data.context, { source: "docs" });
    assert.equal(data.priority, "high");
  }, options);
  await Deno.remove(file);
});

const entry = (name: string, seconds: number) =>
  `  - { name: ${name}, interval_seconds: ${seconds}, dispatch_type: task, task: { worker_type: w } }\n`;

Deno.test("a reload adds, removes and keeps; a bad file keeps the old schedules", async () => {
  const head = "name: reloading\nschedules:\n";
  await withConfig(head + entry("keep", 0.4) + entry("drop", 0.3), async (path) => {
    await withProgram(path, async ({ program, seen, observer }) => {
      await eventually(
        "both fire",
        () => of(seen, "keep").length > 0 && of(seen, "drop").length > 0,
      );
      await Deno.writeTextFile(path, head + entry("keep", 0.4) + entry("add", 0.3));
      observer.publish("heddle.control.reload", JSON.stringify({ action: "reload" }));
      await program.logged("scheduler.config_reloaded");
      const dropped = of(seen, "drop").length;
      await eventually("the new entry fires", () => of(seen, "add").length >= 2);
      assert.ok(of(seen, "drop").length <= dropped + 1);
      const kept = of(seen, "keep");
      assert.equal(
        (kept.at(-1)!.scheduledFor - kept[0]!.scheduledFor) % 400,
        0,
        "the phase is kept",
      );

      await Deno.writeTextFile(path, `${head}  - { name: broken }\n`);
      program.kill("SIGHUP");
      await program.logged("actor.reload_failed");
      const errors = program.log("scheduler.config_error");
      assert.ok(errors.length >= 2, "every problem is logged");
      assert.ok(errors.every(({ line }) => line === 3));
      const before = of(seen, "add").length;
      await eventually("the old schedules go on", () => of(seen, "add").length > before + 1);
    });
  });
});

Deno.test("SIGTERM ends an idle process in under a second, drained, with 0", async () => {
  await withConfig(`name: idle\nschedules: []\n`, async (path) => {
    await withProgram(path, async ({ program }) => {
      const before = performance.now();
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0);
      const took = performance.now() - before;
      assert.ok(took < 1000, `${took} ms`);
      assert.equal(program.log("actor.disconnected").length, 1);
    });
  });
});

Deno.test("SIGINT does the same", async () => {
  await withConfig(`name: idle\nschedules: []\n`, async (path) => {
    await withProgram(path, async ({ program }) => {
      program.kill("SIGINT");
      assert.equal(await program.exit(), 0);
    });
  });
});

Deno.test("a health request is answered; what is unknown is ignored", async () => {
  await withConfig("name: healthy\nschedules:\n" + entry("a", 60), async (path) => {
    await withProgram(path, async ({ observer }) => {
      observer.publish("heddle.scheduler.healthy", "not json");
      observer.publish("heddle.scheduler.healthy", JSON.stringify({ action: "dance" }));
      const reply = await observer.request("heddle.scheduler.healthy", "{}", { timeout: 2000 });
      const health = reply.json<Record<string, unknown>>();
      assert.equal(health.name, "healthy");
      assert.equal(health.schedule_count, 1);
      assert.match(String(health.running_since), INSTANT);
      assert.match(String(health.next_fire), INSTANT);
    });
  });
});

Deno.test("a server killed and restarted loses no due job and ends in no burst", async () => {
  await withConfig("name: outage\nschedules:\n" + entry("a", 0.5), async (path) => {
    await withProgram(path, async ({ program, seen, server, observer }) => {
      await eventually("it fires", () => seen.length >= 2);
      await server.kill("SIGKILL");
      await program.logged("bus.disconnected");
      await program.logged("scheduler.fire_skipped", 2);
      assert.ok(program.running);
      await server.restart();
      await program.logged("bus.reconnected", 1, 40_000);
      const skipped = program.log("scheduler.fire_skipped");
      assert.ok(skipped.every(({ reason }) => reason === "superseded"));
      await observer.flush().catch(() => {});
      await eventually("it fires again", () => seen.length >= 5);
      const ids = seen.map(({ messageId }) => messageId);
      assert.equal(new Set(ids).size, ids.length, "nothing twice");
    });
  });
});

Deno.test("with --skip-preflight the server may start after the program", async () => {
  await using server = await startNatsServer();
  await server.kill("SIGKILL");
  await withConfig("name: late\nschedules:\n" + entry("a", 0.5), async (path) => {
    await using program = new Program([
      "--config",
      path,
      "--nats-url",
      server.url,
      "--skip-preflight",
    ]);
    await program.logged("scheduler.running");
    await program.logged("scheduler.fire_skipped");
    await server.restart();
    await program.logged("scheduler.task_dispatched", 2, 40_000);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  });
});

Deno.test("without a server the start fails within ten seconds and says what to do", async () => {
  await using server = await startNatsServer();
  await server.kill("SIGKILL");
  const url = server.url.replace("//", "//someone:secret@");
  const before = performance.now();
  await using program = new Program(["--config", WHOLE_SYSTEM, "--nats-url", url]);
  assert.equal(await program.exit(), 1);
  assert.ok(performance.now() - before < 13_000);
  const text = program.stderr.join("\n");
  assert.match(text, new RegExp(server.url.replace(/^.*:/, ":")));
  assert.match(text, /refused/i);
  assert.match(text, /--bus memory/);
  assert.doesNotMatch(text, /secret/);
});

Deno.test("a second signal exits at once, even while an expansion hangs", async () => {
  const yaml = "name: hung\nschedules:\n  - { name: a, interval_seconds: 0.1, " +
    "expand_from: hostile.spins, dispatch_type: task, task: { worker_type: w } }\n";
  await withConfig(yaml, async (path) => {
    await using program = new Program([
      "--config",
      path,
      "--bus",
      "memory",
      "--expand-root",
      "tests/fixtures/expansions",
    ]);
    await program.logged("scheduler.firing");
    program.kill("SIGTERM");
    await program.logged("actor.shutdown_requested");
    const before = performance.now();
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 143);
    assert.ok(performance.now() - before < 1000);
  });
});

Deno.test("thousands of reload messages keep a scheduler from nothing, least of all from its end", async () => {
  const entries = Array.from(
    { length: 3000 },
    (_, n) =>
      `  - { name: e${n}, cron: "0 4 * * *", dispatch_type: task, task: { worker_type: w } }`,
  );
  const yaml = ["name: reloaded", "schedules:", ...entries, ""].join("\n");
  await withConfig(yaml, async (path) => {
    await withProgram(path, async ({ program, observer }) => {
      for (let n = 0; n < 5000; n++) {
        observer.publish("heddle.control.reload", JSON.stringify({ action: "reload" }));
      }
      await observer.flush();
      await program.logged("scheduler.config_reloaded", 2, 30_000);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0);
      const [asked] = program.log("actor.shutdown_requested");
      const ended = program.log("actor.disconnected")[0]!;
      const took = Date.parse(ended.timestamp) - Date.parse(asked!.timestamp);
      assert.ok(took < 5000, `${took} ms`);
      const reloads = program.log("actor.reload_requested").length;
      assert.ok(reloads < 10, `${reloads} reloads`);
    });
  });
});

for (
  const [what, signals, codes] of [
    ["a fault of the program itself", ["SIGUSR2"], [1]],
    ["a second signal", ["SIGTERM", "SIGTERM"], [143, 0]],
  ] as const
) {
  Deno.test(`${what} ends it after the log of what it has done, also in a burst`, async () => {
    const entries = Array.from({ length: 3000 }, (_, n) => entry(`e${n}`, 0.5));
    await withConfig(`name: ending\nschedules:\n${entries.join("")}`, async (path) => {
      await using program = new Program(["--config", path, "--bus", "memory"], {
        command: [Deno.execPath(), "run", "-P", "--preload", FAULT, "main.ts"],
      });
      await eventually("the second burst has begun", () => program.stdout.length > 3000);
      for (const signal of signals) program.kill(signal);
      const exitCode = await program.exit();
      assert.ok(codes.some((code) => code === exitCode), `exit code ${exitCode}`);
      const logged = new Set(program.log("scheduler.firing").map(({ firing_id }) => firing_id));
      const unlogged = program.stdout.filter((line) => {
        const { headers } = JSON.parse(line);
        return !logged.has(`${headers["Heddle-Schedule"]}@${headers["Heddle-Scheduled-For"]}`);
      });
      assert.deepEqual(unlogged, []);
      if (codes[0] !== 1) return;
      // What was under way may still say something after it.
      const [{ level, error, stack }] = program.log("actor.error") as [LogEvent];
      assert.deepEqual([level, error], ["error", "a fault of the program"]);
      assert.match(String(stack), /fault\.ts/);
    });
  });
}
