/** A running scheduler, asked over the bus: by the commands, and as any client would. */
import assert from "node:assert/strict";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "../helpers/nats_client.ts";
import { relative } from "node:path";
import { DiscardPolicy, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Svcm } from "../deps.ts";
import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";
import { eventually } from "../helpers/eventually.ts";

const CONFIG = `name: controlled
schedules:
  - { name: often, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }
  - name: daily
    description: Counts the day
    labels: { team: ops, floor: "2" }
    cron: "0 4 * * *"
    dispatch_type: goal
    goal: { instruction: Sum up }
  - name: broken
    cron: "0 5 * * *"
    dispatch_type: task
    task: { worker_type: w }
    expand_from: expansions.none.there
    expand_with: { tenant: acme }
  - { name: off, cron: "* * * * *", enabled: false, dispatch_type: task, task: { worker_type: w } }
`;

interface Site {
  server: NatsServer;
  program: Program;
  path: string;
  client: NatsConnection;
  at: string[];
  ask(request: unknown): Promise<Record<string, unknown>>;
}

async function running(
  test: (site: Site) => Promise<void>,
  { jetstream = false, args = [] as string[], prepare = (_url: string) => Promise.resolve() } = {},
) {
  await using server = await startNatsServer({ jetstream });
  await prepare(server.url);
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, CONFIG);
  await using program = new Program(["--config", path, "--nats-url", server.url, ...args]);
  await program.logged("scheduler.running");
  const client = await connect({ servers: server.url });
  const ask = async (request: unknown) => {
    const payload = typeof request === "string" ? request : JSON.stringify(request);
    return (await client.request("heddle.scheduler.controlled", payload)).json() as Promise<
      Record<string, unknown>
    >;
  };
  try {
    const at = ["--nats-url", server.url, "--config", path];
    await test({ server, program, path, client, at, ask });
  } finally {
    await client.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const fired = (program: Program, schedule: string) =>
  program.log("scheduler.firing").filter((line) => line.schedule === schedule).length;

Deno.test("status tells of each entry what fired last, and when it fires next", async () => {
  await running(async ({ program, ask, at }) => {
    await eventually("it fired", () => fired(program, "often") >= 3);
    const status = await ask({ action: "status" });
    assert.equal(status.status, "ok");
    assert.equal(status.name, "controlled");
    assert.equal(status.bus_connected, true);
    assert.equal(status.next_after, null);
    const [often, daily, , off] = status.entries as Record<string, unknown>[];
    const last = often!.last as Record<string, unknown>;
    assert.equal(last.outcome, "dispatched");
    assert.ok(Number(last.lateness_ms) < 1000);
    assert.ok((often!.counts as Record<string, number>).dispatched! >= 3);
    assert.match(String(daily!.next_fire), /T04:00:00\.000Z$/);
    assert.equal(daily!.last, null);
    assert.equal(off!.enabled, false);
    assert.equal(off!.next_fire, null);

    const { stdout, code } = await runProgram(["status", ...at]);
    assert.equal(code, 0);
    const lines = stdout.split("\n");
    assert.match(lines[0]!, /^controlled: running since \S+, heddle-scheduler \d/);
    assert.match(lines[3]!, /^entry +next +last +outcome +late +firings +failed +skipped$/);
    assert.match(lines[4]!, /^often +in \d+ ms +\d+ ms ago +dispatched +\d+ ms +\d+ +0 +0$/);
    assert.match(lines[7]!, /^off +disabled/);
    const json = await runProgram(["status", "--format", "json", "--entry", "daily", ...at]);
    assert.deepEqual(JSON.parse(json.stdout).entries.map((each: { name: string }) => each.name), [
      "daily",
    ]);
    const entry = await runProgram(["status", "--entry", "daily", ...at]);
    assert.deepEqual(entry.stdout.split("\n").slice(-4), [
      "",
      "Counts the day [team=ops, floor=2]",
      "subject: heddle.goals.incoming",
      "catch_up: none",
    ]);
    assert.equal(JSON.parse(json.stdout).wire, "v1");
    const [notes] = JSON.parse(json.stdout).entries;
    assert.equal(notes.description, "Counts the day");
    assert.deepEqual(notes.labels, { team: "ops", floor: "2" });
    assert.ok(!("labels" in daily!), "only where one entry is asked for");
    assert.equal(daily!.catch_up, "none");
    const expanded = await runProgram(["status", "--entry", "broken", ...at]);
    assert.deepEqual(expanded.stdout.split("\n").slice(-2), [
      'for each of: expansions.none.there with {"tenant":"acme"}',
      "catch_up: none",
    ]);
  });
});

Deno.test("status comes in pages, each of which says where the next begins", async () => {
  await running(async ({ ask }) => {
    const first = await ask({ action: "status", limit: 3 });
    assert.equal(first.next_after, "broken");
    const second = await ask({ action: "status", limit: 3, after: "broken" });
    assert.deepEqual((second.entries as { name: string }[]).map(({ name }) => name), ["off"]);
    assert.equal(second.next_after, null);
  });
});

Deno.test("next tells what comes, of all entries or of one", async () => {
  await running(async ({ ask }) => {
    const reply = await ask({ action: "next", count: 5 });
    const firings = reply.firings as { entry: string; scheduled_for: string }[];
    assert.deepEqual(firings.map(({ entry }) => entry), Array(5).fill("often"));
    const instants = firings.map(({ scheduled_for }) => Date.parse(scheduled_for));
    assert.deepEqual(instants.slice(1).map((at, index) => at - instants[index]!), [
      200,
      200,
      200,
      200,
    ]);
    const daily = await ask({ action: "next", entry: "daily", count: 2 });
    const days = (daily.firings as { scheduled_for: string }[]).map((each) =>
      Date.parse(each.scheduled_for)
    );
    assert.equal(days[1]! - days[0]!, 86_400_000);
  });
});

Deno.test("fire dispatches now, from the running scheduler, and tells what failed", async () => {
  await running(async ({ client, at, program, ask }) => {
    const goals = client.subscribe("heddle.goals.incoming", { max: 1 });
    const { stdout, code } = await runProgram(["fire", "daily", ...at]);
    assert.equal(stdout, 'Fired "daily": 1 message');
    assert.equal(code, 0);
    for await (const goal of goals) {
      holdToSchema(goal.subject, goal.json());
      assert.equal(goal.json<{ instruction: string }>().instruction, "Sum up");
    }
    const [line] = program.log("scheduler.firing").filter((each) => each.schedule === "daily");
    const [sent] = program.log("scheduler.goal_dispatched");
    assert.equal(sent!.firing_id, line!.firing_id);

    const broken = await runProgram(["fire", "broken", ...at]);
    assert.match(broken.stderr, /expansions\.none\.there/);
    assert.equal(broken.code, 1);
    const unknown = await runProgram(["fire", "dayly", ...at]);
    assert.match(unknown.stderr, /There is no entry "dayly" \(did you mean "daily"\?\)/);
    assert.equal(unknown.code, 2);
    const { entries } = await ask({ action: "status", entry: "broken" });
    const [{ last }] = entries as [{ last: { outcome: string; error: string } }];
    assert.equal(last.outcome, "failed");
    assert.match(last.error, /none/);
    const { stdout: shown } = await runProgram(["status", "--entry", "broken", ...at]);
    assert.match(shown, /^broken .* failed .*\n\nerror: .*expansions\/none\.ts/m);
  });
});

Deno.test("a paused entry fires nothing, also after a reload, until it is resumed", async () => {
  await running(async ({ program, at, ask }) => {
    const paused = await runProgram(["pause", "often", ...at]);
    assert.equal(paused.stdout, 'Paused "often", until the scheduler ends');
    assert.equal(paused.code, 0);
    const count = fired(program, "often");
    assert.equal((await runProgram(["reload", ...at])).stdout, "Reloaded: 4 entries");
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(fired(program, "often"), count);
    const { entries } = await ask({ action: "status", entry: "often" });
    const [often] = entries as [{ paused: boolean; counts: { paused: number } }];
    assert.equal(often.paused, true);
    assert.ok(often.counts.paused >= 2);
    assert.equal((await ask({ action: "fire", entry: "often" })).dispatches, 1);

    assert.equal((await runProgram(["resume", "often", ...at])).stdout, 'Resumed "often"');
    await eventually("it fires again", () => fired(program, "often") > count + 2);
    assert.equal((await ask({ action: "pause", entry: "off" })).status, "ok");
    const off = await runProgram(["status", "--entry", "off", ...at]);
    assert.match(off.stdout, /^off +disabled, paused +-/m);
    assert.equal((await ask({ action: "resume", entry: "off" })).status, "ok");
    assert.equal((await ask({ action: "pause", all: true })).status, "ok");
    const refused = await ask({ action: "resume", entry: "often" });
    assert.match(String(refused.error), /all entries are paused/);
    assert.equal((await runProgram(["resume", "--all", ...at])).code, 0);
  });
});

Deno.test("with JetStream a pause survives a restart", async () => {
  await using server = await startNatsServer({ jetstream: true });
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, CONFIG);
  const at = ["--config", path, "--nats-url", server.url];
  assert.equal((await runProgram(["stream", "create", "--nats-url", server.url])).code, 0);
  {
    await using program = new Program(at);
    await program.logged("scheduler.running");
    const { stdout } = await runProgram(["pause", "often", ...at]);
    assert.equal(stdout, 'Paused "often", also after a restart');
    program.kill("SIGKILL");
    await program.exit();
  }
  await using again = new Program(at);
  await again.logged("scheduler.running");
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(fired(again, "often"), 0);
  assert.equal((await runProgram(["resume", "often", ...at])).code, 0);
  await eventually("it fires again", () => fired(again, "often") > 1);
  again.kill("SIGTERM");
  assert.equal(await again.exit(), 0);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a pause that cannot be written says so, holds, and is written once that is possible", async () => {
  const configFor = (permissions: string) => `
    jetstream { store_dir: "$DIR/jetstream" }
    authorization { users: [{ user: u, password: p, permissions: { publish: ${permissions} } }] }
  `;
  const denied = configFor(`{ deny: ["$KV.*.*.pauses"] }`);
  await using server = await startNatsServer({ config: denied });
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, CONFIG);
  const url = server.url.replace("nats://", "nats://u:p@");
  const at = ["--config", path, "--nats-url", url];
  assert.equal((await runProgram(["stream", "create", "--nats-url", url])).code, 0);
  {
    await using program = new Program(at);
    await program.logged("scheduler.running");
    const { stdout, stderr, code } = await runProgram(["pause", "often", ...at]);
    assert.equal(stdout, 'Paused "often", but not persisted yet');
    assert.match(
      stderr,
      /^warning: Not persisted yet \(.*\): it holds in this process, which tries/m,
    );
    assert.equal(code, 0);
    server.configure(configFor(`{ allow: [">"] }`));
    await server.restart();
    await program.logged("bus.reconnected");
    const client = await connect({ servers: server.url, user: "u", pass: "p" });
    const bucket = await new Kvm(client as never).open("heddle-scheduler");
    await eventually("it is written", async () => await bucket.get("controlled.pauses") !== null);
    await client.close();
    program.kill("SIGKILL");
    await program.exit();
  }
  await using again = new Program(at);
  await again.logged("scheduler.running");
  const { stdout } = await runProgram(["status", ...at]);
  assert.match(stdout, /^often +paused/m);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("reload tells why a file is refused, and the old schedules stay", async () => {
  await running(async ({ path, at, ask }) => {
    await Deno.writeTextFile(path, CONFIG.replace("0 4 * * *", "0 25 * * *"));
    const { code, stderr } = await runProgram(["reload", ...at]);
    assert.equal(code, 2);
    assert.match(stderr, /^Cannot use configuration .*\n7:.*: error: .*invalid cron expression/);
    const status = await ask({ action: "status" });
    const { outcome, problems } = status.last_reload as {
      outcome: string;
      problems: { line: number }[];
    };
    assert.deepEqual([outcome, problems[0]!.line], ["failed", 7]);
    assert.equal((status.entries as unknown[]).length, 4);
    const text = await runProgram(["status", "--name", "controlled", ...at]);
    assert.match(
      text.stdout,
      /the reload at \S+ failed; the schedules from before are in use:\n {2}7:/,
    );
  });
});

Deno.test("a changed name is a warning, and whoever asks by the file is told who runs with it", async () => {
  await running(async ({ path, at, ask }) => {
    await Deno.writeTextFile(path, `# later\n${CONFIG.replace("controlled", "renamed")}`);
    const { code, stdout, stderr } = await runProgram(["reload", "--name", "controlled", ...at]);
    const warning =
      `'name' changed from "controlled" to "renamed": the old one stays in use until ` +
      "a restart; --name asks for it";
    assert.deepEqual([code, stdout], [0, "Reloaded: 4 entries"]);
    assert.equal(stderr.split("\n")[0], `2:7: warning: Top level: ${warning}`);
    const { name, last_reload } = await ask({ action: "status" });
    assert.equal(name, "controlled");
    const [problem] = (last_reload as { problems: unknown[] }).problems;
    const place = { path: "name", line: 2, column: 7 };
    assert.deepEqual(problem, { severity: "warning", message: `Top level: ${warning}`, ...place });
    const answer = (file: string) =>
      'No scheduler named "renamed" answers: No reply to the request on ' +
      `"heddle.scheduler.renamed": nobody is subscribed; with ${file} runs "controlled", and a ` +
      'scheduler keeps its name until a restart: ask it by --name "controlled"';
    for (const command of [["status"], ["reload"], ["fire", "daily"], ["pause", "--all"]]) {
      const { code, stderr } = await runProgram([...command, ...at]);
      assert.deepEqual([code, stderr], [1, answer(path)], command.join(" "));
    }
    const besides = relative("", path);
    const { stderr: another } = await runProgram(["status", ...at, "--config", besides]);
    assert.equal(another, answer(besides), "a file is the same by another path");
    await Deno.writeTextFile(`${path}.other`, "name: other\nschedules: []\n");
    const other = await runProgram(["fire", "x", ...at, "--config", `${path}.other`]);
    assert.match(other.stderr, /nobody is subscribed; --local dispatches from here, without it$/);
  });
});

const BROKEN: readonly (readonly [text: string, place: string, message: RegExp])[] = [
  ["name: controlled\nschedules: [\n", "3:1", /error: .*/],
  ["name: controlled\nname: [x]\nschedules: []\n", "2:7", /error: Top level: 'name' must be a/],
  ["schedules: []\n", "1:1", /error: Top level: missing required key 'name'/],
  ["name: a b\nschedules: []\n", "1:7", /error: Top level: 'name' is "a b": it becomes part of/],
  ["- name: controlled\n", "1:1", /error: Top level: expected a mapping, got a list/],
];

Deno.test("with a broken file the commands say what is wrong, where, and that --name helps", async () => {
  await running(async ({ path, at }) => {
    const hint = "error: Cannot tell the scheduler's name from this file: give it by --name";
    for (const [text, place, message] of BROKEN) {
      await Deno.writeTextFile(path, text);
      const { code, stderr } = await runProgram(["status", ...at]);
      const [problem, ...others] = stderr.split("\n");
      assert.ok(problem!.startsWith(`${path}:${place}: error: `), problem);
      assert.match(problem!, message);
      assert.deepEqual([code, others], [2, [hint]]);
    }
    await Deno.remove(path);
    for (const command of [["status"], ["reload"], ["fire", "daily"], ["pause", "--all"]]) {
      const { code, stderr } = await runProgram([...command, ...at]);
      assert.equal(code, 2);
      assert.match(stderr, /^\S+:1:1: error: There is no such file: .*\nerror: Cannot tell the/);
    }
    assert.equal((await runProgram(["status", "--name", "controlled", ...at])).code, 0);
  });
});

const REFUSED: readonly (readonly [unknown, string, RegExp])[] = [
  [{ action: "stauts" }, "unknown_action", /"stauts" \(did you mean "status"\?\)/],
  [{ action: 5 }, "unknown_action", /Unknown action 5/],
  [{ action: "fire" }, "malformed", /"entry" is missing/],
  [{ action: "fire", entry: 5 }, "malformed", /"entry" is 5: expected a text/],
  [{ action: "fire", entry: "x" }, "unknown_entry", /There is no entry "x"/],
  [{ action: "fire", entry: "daily", sent_at: "now" }, "malformed", /"sent_at" .* an instant/],
  [
    { action: "fire", entry: "daily", timeout_ms: 0 },
    "malformed",
    /whole number from 1 to 3600000/,
  ],
  [
    { action: "fire", entry: "daily", sent_at: "2026-01-01T00:00:00Z" },
    "expired",
    /seem to differ/,
  ],
  [{ action: "fire", entry: "daily", sent_at: "2099-01-01T00:00:00Z" }, "expired", /ahead of this/],
  [{ action: "fire", entrie: "x" }, "malformed", /"entrie" \(did you mean "entry"\?\)/],
  [{ action: "status", limit: 1e9 }, "malformed", /a whole number from 1 to 500/],
  [{ action: "status", after: "x" }, "unknown_entry", /There is no entry "x"/],
  [{ action: "next", until: "tomorrow" }, "malformed", /an instant/],
  [{ action: "pause" }, "malformed", /either "entry"/],
  [{ action: "pause", all: true, entry: "often" }, "malformed", /either "entry"/],
  [{ action: "pause", entry: "x".repeat(100_000) }, "unknown_entry", /^.{100,300}$/],
  ["[1]", "malformed", /no JSON object/],
  ["{", "malformed", /no JSON object/],
  ["", "malformed", /no JSON object/],
  ["\u0000", "malformed", /no JSON object/],
];

Deno.test("a request that cannot be served is refused with a reason, and changes nothing", async () => {
  await running(async ({ ask, program }) => {
    for (const [request, code, error] of REFUSED) {
      const reply = await ask(request);
      const which = JSON.stringify(request).slice(0, 80);
      assert.equal(reply.status, "error", which);
      assert.equal(reply.code, code, which);
      assert.match(String(reply.error), error, which);
    }
    const { paused, schedule_count } = await ask({ action: "status" });
    assert.deepEqual([paused, schedule_count], [{ all: false, entries: 0 }, 4]);
    assert.equal(fired(program, "daily"), 0);
  });
});

const memoryOf = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) * 1024;

Deno.test("requests that are too large or too deep take no memory", async () => {
  await running(async ({ client, ask, program }) => {
    await ask({ action: "status" });
    const before = memoryOf(program.pid);
    const nested = (levels: number) => `{"action":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    const payloads = [nested(400_000), nested(100_000)];
    const replies = await Promise.all(Array.from({ length: 300 }, async (_, n) => {
      const subject = "heddle.scheduler.controlled";
      const reply = await client.request(subject, payloads[n % 2], { timeout: 8000 });
      return reply.json<{ code: string }>();
    }));
    const codes = new Set(replies.map(({ code }) => code));
    assert.ok(codes.has("malformed"));
    assert.ok(codes.isSubsetOf(new Set(["malformed", "busy"])), [...codes].join());
    const grown = (memoryOf(program.pid) - before) / 2 ** 20;
    assert.ok(grown < 300, `${grown} MiB more`);
    assert.equal((await ask({ action: "status" })).status, "ok");
  });
});

Deno.test("50,000 messages that are no requests delay no firing", async () => {
  await running(async ({ client, ask, program }) => {
    await program.logged("scheduler.firing", 2);
    for (let n = 0; n < 50_000; n++) client.publish("heddle.scheduler.controlled", "no json");
    await client.flush();
    // One that comes after them is taken again once they are read.
    await eventually("it is answered", async () => (await ask({})).status === "ok");
    const lateness = program.log("scheduler.firing").map(({ lateness_ms }) => Number(lateness_ms));
    assert.ok(Math.max(...lateness) < 1000, `${lateness}`);
    assert.ok(program.log("bus.malformed_message_skipped").length < 50);
  });
});

Deno.test("the scheduler is a NATS service", async () => {
  await running(async ({ client, ask, server, program, path }) => {
    await ask({ action: "status" });
    await ask({ action: "nonsense" });
    const services = new Svcm(client as never).client();
    const all = async <T>(iterator: Promise<AsyncIterable<T>>) => {
      const found: T[] = [];
      for await (const each of await iterator) found.push(each);
      return found;
    };
    const [ping, ...others] = await all(services.ping("heddle-scheduler"));
    assert.equal(others.length, 0);
    assert.deepEqual(ping!.metadata, { scheduler: "controlled", config_path: path });
    const [info] = await all(services.info("heddle-scheduler", ping!.id));
    assert.equal(info!.endpoints[0]!.subject, "heddle.scheduler.controlled");
    assert.equal(info!.id, ping!.id);
    const [stats] = await all(services.stats("heddle-scheduler", ping!.id));
    const [endpoint] = stats!.endpoints!;
    assert.deepEqual([endpoint!.num_requests, endpoint!.num_errors], [2, 1]);
    assert.match(endpoint!.last_error!, /nonsense/);

    await server.kill();
    await server.start();
    await program.logged("bus.reconnected");
    const again = await connect({ servers: server.url });
    const [same] = await all(new Svcm(again as never).client().ping());
    assert.equal(same!.id, ping!.id);
    await again.close();
  });
});

Deno.test("of replicas the holder fires, all pause, and status tells of them together", async () => {
  await using server = await startNatsServer({ jetstream: true });
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, CONFIG);
  const at = ["--config", path, "--nats-url", server.url];
  const shared = [...at, "--replicas", "--shards", "2", "--lease-ttl", "2"];
  assert.equal((await runProgram(["stream", "create", "--nats-url", server.url])).code, 0);
  await using one = new Program([...shared, "--replica-name", "one"]);
  await one.logged("scheduler.lease_acquired");
  await using two = new Program([...shared, "--replica-name", "two"]);
  const both = [one, two];
  await eventually("each holds a lease", () =>
    both.every((each) => {
      const held = each.log("scheduler.lease_acquired").length -
        each.log("scheduler.lease_released").length;
      return held === 1;
    }), 20_000);

  const count = () => both.reduce((sum, each) => sum + fired(each, "daily"), 0);
  for (const nth of [1, 2, 3]) {
    assert.equal((await runProgram(["fire", "daily", ...at])).stdout, 'Fired "daily": 1 message');
    await eventually("it is logged", () => count() >= nth);
    assert.equal(count(), nth);
  }
  const { stdout } = await runProgram(["status", ...at]);
  assert.match(stdout, /^replica one-\S+: lease \d of 2\nreplica two-\S+: lease \d of 2$/m);
  assert.doesNotMatch(stdout, /no lease/);
  const entry = await runProgram(["status", "--entry", "daily", ...at]);
  assert.equal(entry.stdout.split("\n").at(-1), "catch_up: one", "the default with --replicas");

  assert.equal((await runProgram(["pause", "--all", ...at])).code, 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = both.map((each) => fired(each, "often"));
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.deepEqual(both.map((each) => fired(each, "often")), before);

  const reloaded = await runProgram(["reload", ...at]);
  assert.match(reloaded.stdout, /^one-\S+: Reloaded: 4 entries\ntwo-\S+: Reloaded: 4 entries$/);
  for (const each of both) each.kill("SIGTERM");
  for (const each of both) await each.exit();
  await Deno.remove(directory, { recursive: true });
});

/** Two replicas, of which the first holds the only lease. */
async function replicas(
  test: (site: {
    server: NatsServer;
    holder: Program;
    follower: Program;
    at: string[];
  }) => Promise<void>,
  leaseTtl: number,
) {
  await using server = await startNatsServer({ jetstream: true });
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, CONFIG);
  const at = ["--config", path, "--nats-url", server.url];
  const shared = [...at, "--replicas", "--lease-ttl", String(leaseTtl)];
  assert.equal((await runProgram(["stream", "create", "--nats-url", server.url])).code, 0);
  await using holder = new Program([...shared, "--replica-name", "one"]);
  await holder.logged("scheduler.lease_acquired");
  await using follower = new Program([...shared, "--replica-name", "two"]);
  await follower.logged("scheduler.running");
  await eventually("each knows the other", async () => {
    const { stdout } = await runProgram(["status", ...at]);
    return /^replica one-/m.test(stdout) && /^replica two-/m.test(stdout);
  });
  await test({ server, holder, follower, at });
  await Deno.remove(directory, { recursive: true });
}

Deno.test("a replica that died is named, and the others are asked all the same", async () => {
  await replicas(async ({ server, holder, follower, at }) => {
    holder.kill("SIGKILL");
    await holder.exit();
    const status = await runProgram(["status", ...at]);
    assert.match(status.stderr, /^replica one-\S+ does not answer$/);
    assert.match(status.stdout, /^replica two-\S+: no lease$/m);
    assert.match(status.stdout, /^daily /m);
    assert.equal(status.code, 0);
    const json = await runProgram(["status", "--format", "json", ...at]);
    assert.match(JSON.parse(json.stdout).replica, /^two-/);

    // As it answers, before a command puts it into words.
    const client = await connect({ servers: server.url });
    const reply = await client.request("heddle.scheduler.controlled", '{"action":"status"}');
    const { entries } = reply.json() as { entries: { lease: string }[] };
    assert.deepEqual(new Set(entries.map(({ lease }) => lease)), new Set(["not_held"]));
    await client.close();

    const reloaded = await runProgram(["reload", ...at]);
    assert.match(reloaded.stderr, /^replica one-\S+ does not answer$/m);
    assert.match(reloaded.stdout, /^two-\S+: Reloaded: 4 entries$/);
    assert.equal(reloaded.code, 0);
    assert.equal(follower.log("scheduler.config_reloaded").length, 1);
    for (const change of ["pause", "resume"]) {
      assert.equal((await runProgram([change, "daily", ...at])).code, 0);
    }
  }, 60);
});

Deno.test("status understands a scheduler of before, says free as not_held, and bounds its texts", async () => {
  await using server = await startNatsServer();
  const client = await connect({ servers: server.url });
  const entry = { name: "daily", enabled: true, paused: false, next_fire: "2099-01-01T04:00:00Z" };
  const error = `\x1b[2JNo\ncatch_up: all ${"x".repeat(1000)}`;
  const instants = { scheduled_for: "2026-01-01T04:00:00Z", ended_at: "2026-01-01T04:00:00Z" };
  const last = { ...instants, outcome: "failed", lateness_ms: 0, dispatches: 0, error };
  client.subscribe("heddle.scheduler.before", {
    callback: (_error, message) =>
      void message.respond(JSON.stringify({
        status: "ok",
        name: "before",
        version: "0.1.0",
        running_since: "2026-01-01T00:00:00.000Z",
        bus_connected: true,
        paused: { all: false, entries: 0 },
        last_reload: null,
        replica: "one",
        shards: 1,
        leases: [],
        other_replicas: [],
        entries: [{ ...entry, lease: "free", last, counts: {}, dispatches: 0 }],
        next_after: null,
      })),
  });
  await client.flush();
  const at = ["--name", "before", "--nats-url", server.url];
  const { stdout } = await runProgram(["status", ...at]);
  assert.match(stdout, /^daily {2}no lease /m);
  const shown = await runProgram(["status", "--entry", "daily", ...at]);
  assert.match(shown.stdout, /\n\nerror: \\u001b\[2JNo\n {2}catch_up: all x{479}$/);
  const json = await runProgram(["status", "--format", "json", ...at]);
  assert.equal(JSON.parse(json.stdout).entries[0].lease, "not_held");
  await client.close();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("while nobody holds the lease, fire says so at once, and until when", async () => {
  await replicas(async ({ holder, follower, at }) => {
    holder.kill("SIGKILL");
    await holder.exit();
    const asked = Date.now();
    const { stderr, stdout, code } = await runProgram(["fire", "daily", ...at]);
    assert.ok(Date.now() - asked < 5000, `${Date.now() - asked} ms`);
    const said =
      /^No replica holds the lease of "daily" until about (\S+), unless one-\S+, which .* again then$/;
    assert.match(stderr, said);
    assert.deepEqual([stdout, code], ["", 1]);
    const until = Date.parse(said.exec(stderr)![1]!);
    assert.ok(until > asked && until < asked + 15_000, stderr);

    await follower.logged("scheduler.lease_acquired", 1, 30_000);
    assert.equal((await runProgram(["fire", "daily", ...at])).stdout, 'Fired "daily": 1 message');
    assert.equal(fired(follower, "daily"), 1);
  }, 10);
});

Deno.test("a scheduler that stands still may still fire, and refuses what is too old when it goes on", async () => {
  await running(async ({ program, at, ask, client }) => {
    program.kill("SIGSTOP");
    const { stderr, code } = await runProgram(["fire", "daily", "--timeout", "1", ...at]);
    assert.equal(
      stderr,
      'The scheduler "controlled" does not answer within 1 s: it may still fire "daily", ' +
        "or have fired it",
    );
    assert.equal(code, 1);
    await sleep(500);
    const replies = client.subscribe("_INBOX.replies");
    const request = { action: "fire", entry: "daily", timeout_ms: 3000 };
    for (const age of [6000, 2700, 0]) {
      const sent_at = new Date(Date.now() - age).toISOString();
      const data = JSON.stringify({ ...request, sent_at });
      client.publish("heddle.scheduler.controlled", data, { reply: "_INBOX.replies" });
    }
    await client.flush();
    await sleep(500);
    program.kill("SIGCONT");
    const answered: string[] = [];
    for await (const reply of replies) {
      const { status, code } = reply.json<{ status: string; code?: string }>();
      answered.push(code ?? status);
      if (answered.length === 3) break;
    }
    assert.deepEqual(answered.toSorted(), ["expired", "expired", "ok"]);
    await eventually("it is logged", () => fired(program, "daily") === 1);
    const [last] = (await ask({ action: "status", entry: "daily" })).entries as {
      counts: Record<string, number>;
    }[];
    assert.deepEqual(last!.counts, { dispatched: 1 });
  });
});

Deno.test("a stream that is full is told at once, and what it refused is not sent later", async () => {
  await running(async ({ at, client }) => {
    const manager = await jetstreamManager(client);
    const name = "WORK";
    const stored = async () => (await manager.streams.info(name)).state.messages;
    for (const how of [["fire", "daily"], ["fire", "daily", "--local"]]) {
      const fire = () => runProgram([...how, ...at]);
      assert.equal((await fire()).stdout, 'Fired "daily": 1 message');
      assert.equal((await fire()).code, 0);
      const asked = Date.now();
      const { stderr, code } = await fire();
      assert.match(stderr, /the stream refuses it: maximum messages exceeded/);
      assert.equal(code, 1);
      assert.ok(Date.now() - asked < 5000, `${Date.now() - asked} ms`);
      assert.equal(await stored(), 2);
      await manager.streams.purge(name);
      await sleep(3000);
      assert.equal(await stored(), 0);
    }
  }, {
    jetstream: true,
    args: ["--delivery", "jetstream"],
    prepare: async (url) => {
      const client = await connect({ servers: url });
      await (await jetstreamManager(client)).streams.add({
        name: "WORK",
        subjects: ["heddle.goals.incoming"],
        retention: RetentionPolicy.Workqueue,
        discard: DiscardPolicy.New,
        max_msgs: 2,
      });
      await (await jetstreamManager(client)).streams.add({
        name: "TASKS",
        subjects: ["heddle.tasks.incoming"],
      });
      await client.close();
    },
  });
});

Deno.test("a command gives up a server that says nothing after some seconds, whatever it waits for", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  void (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  const { port } = listener.addr as Deno.NetAddr;
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, CONFIG);
  const at = ["--config", path, "--nats-url", `nats://127.0.0.1:${port}`];
  await Promise.all([["fire", "daily"], ["fire", "daily", "--local"]].map(async (how) => {
    const asked = Date.now();
    const { code } = await runProgram([...how, ...at]);
    assert.equal(code, 1);
    assert.ok(Date.now() - asked < 9000, `${Date.now() - asked} ms`);
  }));
  for (const connection of connections) connection.close();
  listener.close();
  await Deno.remove(directory, { recursive: true });
});
