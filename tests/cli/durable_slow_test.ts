/** JetStream as a user meets it: the real program, a real server, a real file. */
import assert from "node:assert/strict";
import { connect } from "../helpers/nats_client.ts";
import { type Stored, storedIn } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";
import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";

async function stored({ url }: NatsServer): Promise<Stored[]> {
  const client = await connect({ servers: url });
  try {
    return await storedIn(client);
  } finally {
    await client.close();
  }
}

interface Place {
  server: NatsServer;
  config: string;
  /** Starts the program with this configuration, on this server. */
  start(...args: string[]): Program;
}

async function withStream(
  schedules: readonly string[],
  test: (place: Place) => Promise<void>,
): Promise<void> {
  await using server = await startNatsServer({ jetstream: true });
  const { code, stderr } = await runProgram(["stream", "create", "--nats-url", server.url]);
  assert.equal(code, 0, stderr);
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await write(config, schedules);
  const started: Program[] = [];
  try {
    await test({
      server,
      config,
      start: (...args) => {
        const program = new Program(["--config", config, "--nats-url", server.url, ...args]);
        started.push(program);
        return program;
      },
    });
  } finally {
    for (const program of started) await program[Symbol.asyncDispose]();
    await Deno.remove(config);
  }
}

async function write(path: string, schedules: readonly string[]): Promise<void> {
  const lines = schedules.map((each) =>
    `  - { ${each}, dispatch_type: task, task: { worker_type: w } }`
  );
  await Deno.writeTextFile(path, ["name: durable", "schedules:", ...lines, ""].join("\n"));
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const gaps = (messages: readonly Stored[]) =>
  messages.slice(1).map(({ scheduledFor }, at) => scheduledFor - messages[at]!.scheduledFor);

Deno.test("a stream that captures the dispatches has them, without a word in the command", async () => {
  await withStream(["name: a, interval_seconds: 0.2"], async ({ server, start }) => {
    const program = start();
    await program.logged("scheduler.task_dispatched", 3);
    assert.equal(program.log("delivery.chosen")[0]!.delivery, "jetstream");
    const [first] = await stored(server);
    assert.match(first!.id, /^durable\/a\/2.*Z\/0$/);
    assert.equal(first!.term, "", "a scheduler that is alone has no term");
  });
});

Deno.test("after a restart, each policy catches up as it promises, and an interval keeps its phase", async () => {
  await withStream([
    `name: all, cron: "* * * * * *", catch_up: all`,
    `name: one, cron: "* * * * * *", catch_up: one`,
    `name: none, cron: "* * * * * *"`,
    "name: phase, interval_seconds: 0.7",
  ], async ({ server, start }) => {
    const first = start();
    await first.logged("scheduler.task_dispatched", 12);
    await sleep(1200); // what it fired is remembered within a second
    first.kill("SIGKILL");
    await first.exit();
    await sleep(3000);
    const second = start();
    await second.logged("scheduler.task_dispatched", 15);
    second.kill("SIGTERM");
    assert.equal(await second.exit(), 0);
    const messages = await stored(server);
    const of = (schedule: string) => messages.filter((each) => each.schedule === schedule);
    assert.ok(gaps(of("all")).every((gap) => gap === 1000), String(gaps(of("all"))));
    const longest = (schedule: string) => Math.max(...gaps(of(schedule)));
    assert.ok(longest("one") >= 2000, "only the latest of the missed ones");
    assert.ok(longest("none") >= longest("one"));
    assert.ok(gaps(of("phase")).every((gap) => gap % 700 === 0), String(gaps(of("phase"))));
    const caughtUp = second.log("scheduler.catching_up").map(({ schedule }) => schedule);
    assert.deepEqual(caughtUp.toSorted(), ["all", "one"]);
  });
});

Deno.test("a server that dies under the dispatches costs none of them", async () => {
  await withStream([`name: a, interval_seconds: 0.1, catch_up: all`], async ({ server, start }) => {
    const program = start();
    await program.logged("scheduler.task_dispatched", 5);
    await server.restart("SIGKILL");
    await program.logged("bus.reconnected");
    await program.logged("scheduler.task_dispatched", 30);
    const messages = await stored(server);
    assert.ok(gaps(messages).every((gap) => gap === 100), String(gaps(messages)));
  });
});

Deno.test("a clean end hands over in under a second, and nothing is lost, also without catching up", async () => {
  await withStream([`name: a, interval_seconds: 0.1`], async ({ server, start }) => {
    const programs = ["a", "b"].map((name) => start("--replicas", "--replica-name", name));
    await eventually(
      "one fires",
      () => programs.some((each) => each.log("scheduler.firing").length > 5),
    );
    const [holder, follower] = programs.toSorted((a, b) =>
      b.log("scheduler.firing").length - a.log("scheduler.firing").length
    );
    await follower!.logged("scheduler.running");
    await sleep(500);
    assert.equal(follower!.log("scheduler.firing").length, 0);
    holder!.kill("SIGTERM");
    await follower!.logged("scheduler.task_dispatched", 10);
    assert.equal(await holder!.exit(), 0);
    const messages = await stored(server);
    const late = Math.max(...messages.map((each) => each.storedAt - each.scheduledFor));
    assert.ok(late < 1000, `${late} ms`);
    // One occurrence stands for those that passed meanwhile.
    assert.ok(Math.max(...gaps(messages)) < 1000, String(gaps(messages)));
    assert.equal(holder!.log("scheduler.lease_released").length, 1);
    assert.deepEqual([...new Set(messages.map(({ term }) => term))], ["1", "2"]);
  });
});

Deno.test("of what a dead holder left, the latest fires when another takes over, and says so", async () => {
  await withStream([`name: a, cron: "* * * * * *"`], async ({ server, start }) => {
    const options = ["--replicas", "--lease-ttl", "2"];
    const [holder, other] = [start(...options), start(...options)];
    await eventually(
      "one fires",
      () => [holder, other].some((each) => each.log("scheduler.task_dispatched").length >= 2),
    );
    const isFirst = holder.log("scheduler.firing").length > 0;
    const [first, second] = isFirst ? [holder, other] : [other, holder];
    await second.logged("scheduler.running");
    await sleep(1200); // what it fired is remembered within a second
    first.kill("SIGKILL");
    const { schedule, catch_up } = await second.logged("scheduler.catching_up");
    assert.deepEqual([schedule, catch_up], ["a", "one"]);
    await second.logged("scheduler.task_dispatched", 2);
    const late = (await stored(server)).filter(({ term }) => term === "2")[0]!;
    assert.ok(late.storedAt - late.scheduledFor < 2000, "the latest of those that were missed");
  });
});

Deno.test("without its server a replica still ends cleanly", async () => {
  await withStream([`name: a, interval_seconds: 60`], async ({ server, start }) => {
    const program = start("--replicas");
    await program.logged("scheduler.lease_acquired");
    await server.kill();
    await program.logged("bus.disconnected");
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  });
});

Deno.test("a reload reaches every replica; one that has another file is reported by both", async () => {
  await withStream(["name: a, interval_seconds: 60"], async ({ server, config, start }) => {
    const other = await Deno.makeTempFile({ suffix: ".yaml" });
    const options = ["--replicas", "--lease-ttl", "1"];
    const first = start(...options);
    await first.logged("scheduler.running");
    const second = start(...options);
    await second.logged("scheduler.running");
    await write(config, ["name: a, interval_seconds: 60", "name: b, interval_seconds: 60"]);
    await runProgram(["reload", "--every-actor", "--nats-url", server.url]);
    for (const each of [first, second]) {
      const { schedule_count } = await each.logged("scheduler.config_reloaded");
      assert.equal(schedule_count, 2);
    }
    await sleep(1500);
    for (const each of [first, second]) {
      assert.deepEqual(each.log("scheduler.schedules_differ"), []);
    }
    await write(other, ["name: x, interval_seconds: 60"]);
    const third = new Program(["--config", other, "--nats-url", server.url, ...options]);
    try {
      for (const each of [first, second, third]) {
        const { level, error } = await each.logged("scheduler.schedules_differ");
        assert.equal(level, "error");
        assert.match(String(error), /has other schedules: .* same file and reload/);
      }
    } finally {
      await third[Symbol.asyncDispose]();
      await Deno.remove(other);
    }
  });
});

Deno.test("a replica that missed the reload message re-reads its file when it sees the difference", async () => {
  await withStream(["name: a, interval_seconds: 60"], async ({ config, start }) => {
    const options = ["--replicas", "--lease-ttl", "1"];
    const [first, second] = [start(...options), start(...options)];
    for (const each of [first, second]) await each.logged("scheduler.running");
    await write(config, ["name: b, interval_seconds: 60"]);
    first.kill("SIGHUP"); // tells only the first
    await second.logged("scheduler.config_reloaded");
    await sleep(1500);
    assert.deepEqual(second.log("scheduler.schedules_differ"), []);
  });
});

Deno.test("a health check says which leases are held, and by how many they are shared", async () => {
  await withStream(["name: a, interval_seconds: 60"], async ({ server, start }) => {
    const program = start("--replicas", "--shards", "3", "--replica-name", "only");
    await program.logged("scheduler.lease_acquired", 3);
    const at = ["--name", "durable", "--nats-url", server.url];
    const { stdout } = await runProgram(["status", "--format", "json", ...at]);
    const { leases, shards, replica, other_replicas } = JSON.parse(stdout);
    assert.deepEqual([leases, shards, other_replicas], [[0, 1, 2], 3, []]);
    assert.match(replica, /^only-/);
  });
});

Deno.test("without JetStream: core in silence, and a clear word where it is needed", async () => {
  await using server = await startNatsServer();
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await write(config, ["name: a, interval_seconds: 0.2"]);
  const args = ["--config", config, "--nats-url", server.url];
  try {
    await using program = new Program(args);
    await program.logged("scheduler.task_dispatched");
    assert.deepEqual(program.log().filter(({ level }) => level !== "info"), []);
    for (const needs of [["--replicas"], ["--delivery", "jetstream"]]) {
      const { code, stderr } = await runProgram([...args, ...needs]);
      assert.equal(code, 1);
      assert.match(stderr, /has no JetStream/, needs.join());
    }
    const { code, stderr } = await runProgram(["stream", "create", "--nats-url", server.url]);
    assert.equal(code, 1);
    assert.match(stderr, /^The server has no JetStream/m);
  } finally {
    await Deno.remove(config);
  }
});

Deno.test("a user who may not ask for streams is told so once, and nothing goes over core NATS unasked", async () => {
  await using server = await startNatsServer({
    config: `
      jetstream { store_dir: "$DIR/jetstream" }
      authorization {
        users: [{ user: u, password: p, permissions: { publish: ["heddle.>", "_INBOX.>"] } }]
      }
    `,
  });
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await write(config, ["name: a, interval_seconds: 0.2"]);
  try {
    const url = server.url.replace("nats://", "nats://u:p@");
    const args = ["--config", config, "--nats-url", url];
    await using unsure = new Program([...args, "--http", "127.0.0.1:0"]);
    const { level, error, hint } = await unsure.logged("delivery.lookup_failed");
    assert.equal(level, "error");
    assert.match(String(error), /may not ask for streams on "\$JS.API.STREAM.NAMES"/);
    assert.match(String(hint), /--delivery core/);
    await using core = new Program([...args, "--delivery", "core"]);
    await core.logged("scheduler.task_dispatched", 5);
    await unsure.logged("scheduler.running");
    assert.equal(unsure.log("delivery.lookup_failed").length, 1);
    const ready = await fetch(`${(await unsure.logged("http.listening")).url}readyz`);
    assert.equal(ready.status, 503);
    assert.equal((await ready.json()).delivery_known, false);
    assert.deepEqual(unsure.log("scheduler.task_dispatched"), []);
  } finally {
    await Deno.remove(config);
  }
});

Deno.test("on a server without JetStream a user needs no permission for it", async () => {
  await using server = await startNatsServer({
    config: `authorization {
      users: [{ user: u, password: p, permissions: { publish: ["heddle.>", "_INBOX.>"] } }]
    }`,
  });
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await write(config, ["name: a, interval_seconds: 0.2"]);
  try {
    const url = server.url.replace("nats://", "nats://u:p@");
    await using program = new Program(["--config", config, "--nats-url", url]);
    await program.logged("scheduler.task_dispatched");
    assert.deepEqual(program.log("delivery.lookup_failed"), []);
  } finally {
    await Deno.remove(config);
  }
});

Deno.test("--delivery jetstream without a stream is an error that names the command", async () => {
  await using server = await startNatsServer({ jetstream: true });
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await write(config, ["name: a, interval_seconds: 60"]);
  try {
    const args = ["--config", config, "--nats-url", server.url, "--delivery", "jetstream"];
    const { code, stderr } = await runProgram(args);
    assert.equal(code, 1);
    assert.match(stderr, /no stream captures .*heddle-scheduler stream create/);
  } finally {
    await Deno.remove(config);
  }
});

Deno.test("without a server at first, the stream and the memory are found when it comes", async () => {
  await withStream(["name: a, interval_seconds: 0.3, catch_up: all"], async ({ server, start }) => {
    await server.kill();
    const program = start("--skip-preflight");
    await program.logged("scheduler.running");
    await server.start();
    await program.logged("scheduler.task_dispatched", 4);
    const messages = await stored(server);
    assert.ok(messages.length >= 3);
    assert.equal(new Set(messages.map(({ id }) => id)).size, messages.length);
  });
});

Deno.test("options that contradict each other are told, with exit code 2", async () => {
  const rows: [string[], RegExp][] = [
    [["--bus", "memory", "--replicas"], /--replicas needs a NATS server with JetStream/],
    [["--bus", "memory", "--delivery", "jetstream"], /--delivery jetstream needs a NATS server/],
    [["--shards", "3"], /--shards is for replicas: give --replicas as well/],
    [["--replicas", "--shards", "0"], /whole number from 1 to 128/],
    [["--replicas", "--lease-ttl", "0.1"], /seconds from 1 to 3600/],
    [["--delivery", "fax"], /Allowed choices are auto, core, jetstream/],
    [["stream", "create", "--max-age", "1y"], /a time such as 90s, 10m, 12h or 7d/],
  ];
  for (const [args, expected] of rows) {
    const { code, stderr } = await runProgram(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, expected);
  }
});
