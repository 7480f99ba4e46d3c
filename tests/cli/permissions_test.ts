/** What a scheduler needs to be allowed, and what those who may only ask cannot make it do. */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { eventually } from "../helpers/eventually.ts";
import { connect } from "../helpers/nats_client.ts";
import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { Program, type ProgramOptions, runProgram } from "../helpers/program.ts";

const CONFIG = `name: default_scheduler
schedules:
  - { name: often, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }
  - { name: never, cron: "0 0 0 1 1 * 2099", dispatch_type: goal, goal: { instruction: i } }
`;
/** More than are asked for one by one. */
const OWN = Array.from(
  { length: 10 },
  (_, n) =>
    `  - { name: own${n}, interval_seconds: ${n === 0 ? 0.2 : 3600}, dispatch_type: message, ` +
    `message: { subject: jobs.${n} } }\n`,
).join("");
const SUBJECTS = ["heddle.goals.incoming", "heddle.tasks.incoming", "jobs.>"]
  .flatMap((subject) => ["--subject", subject]);
const QUIET = CONFIG.replace(/^.*often.*\n/m, "");

/** The block of docs/security.md, with an administrator and passwords. */
async function documented(more = ""): Promise<string> {
  const page = await Deno.readTextFile(new URL("../../docs/security.md", import.meta.url));
  const block = /^```text\n(authorization \{[\s\S]*?)^```$/m.exec(page)![1]!;
  const users = block.replace("users = [", `users = [ { user: admin, password: p }, ${more}`);
  return `SCHEDULER_PASSWORD: p\nOPERATOR_PASSWORD: p\njetstream { store_dir: "$DIR/js" }\n${users}`;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const as = ({ url }: NatsServer, user: string) => url.replace("//", `//${user}:p@`);
const client = ({ url }: NatsServer, user: string) => connect({ servers: url, user, pass: "p" });

async function withConfig(text: string, test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, text);
  await test(path).finally(() => Deno.remove(path));
}

/** What is logged above info, but for an occurrence that a handover passes over. */
const complaints = (...programs: Program[]) =>
  programs.flatMap((each) => each.log())
    .filter(({ level, reason }) => level !== "info" && reason !== "missed");

Deno.test("two replicas work with exactly the permissions that docs/security.md lists", async () => {
  await using server = await startNatsServer({ config: await documented() });
  const create = ["stream", "create", ...SUBJECTS, "--nats-url", as(server, "admin")];
  const created = await runProgram(create);
  assert.equal(created.code, 0, created.stderr);
  await withConfig(CONFIG + OWN, async (path) => {
    const args = ["--config", path, "--nats-url", as(server, "scheduler"), "--replicas"];
    const start = () => new Program([...args, "--lease-ttl", "2", "--delivery", "jetstream"]);
    await using first = start();
    await first.logged("scheduler.lease_acquired");
    await first.logged("scheduler.task_dispatched", 3);
    await first.logged("scheduler.message_dispatched", 2);
    await using second = start();
    await second.logged("scheduler.running");

    const at = ["--config", path, "--nats-url", as(server, "operator")];
    const status = await runProgram(["status", ...at]);
    assert.match(status.stdout, /^often +in /m, status.stderr);
    assert.equal((await runProgram(["fire", "never", ...at])).stdout, 'Fired "never": 1 message');
    const paused = await runProgram(["pause", "never", ...at]);
    assert.equal(paused.stdout, 'Paused "never", also after a restart', paused.stderr);

    first.kill("SIGTERM");
    await second.logged("scheduler.task_dispatched", 2);
    assert.equal(await first.exit(), 0);
    second.kill("SIGTERM");
    assert.equal(await second.exit(), 0);
    assert.deepEqual(complaints(first, second), []);
  });
});

Deno.test("they are enough for the results of what is dispatched", async () => {
  await using server = await startNatsServer({ config: await documented() });
  await using admin = await client(server, "admin");
  await using scheduler = await client(server, "scheduler");
  const seen: string[] = [];
  for (const subject of ["heddle.results.>", "heddle.tasks.dead_letter"]) {
    scheduler.subscribe(subject, { callback: (_, message) => void seen.push(message.subject) });
  }
  await scheduler.flush();
  const subjects = ["heddle.results.default", "heddle.tasks.dead_letter"];
  for (const subject of subjects) admin.publish(subject, "{}");
  await eventually("both arrive", () => seen.length === 2);
  assert.deepEqual(seen, subjects);
});

Deno.test("without the right to list streams it asks for each subject, and works as well", async () => {
  const block = await documented();
  const config = block.replace(', "$JS.API.STREAM.LIST"', "");
  assert.notEqual(config, block);
  await using server = await startNatsServer({ config });
  const create = ["stream", "create", ...SUBJECTS, "--nats-url", as(server, "admin")];
  assert.equal((await runProgram(create)).code, 0);
  await withConfig(CONFIG + OWN, async (path) => {
    const args = ["--config", path, "--nats-url", as(server, "scheduler")];
    await using program = new Program([...args, "--delivery", "jetstream"]);
    await program.logged("scheduler.message_dispatched", 2);
    await using admin = await client(server, "admin");
    const { state } = await (await jetstreamManager(admin)).streams
      .info("HEDDLE", { subjects_filter: "jobs.>" });
    assert.ok(state.subjects!["jobs.0"]! >= 2);
    const said = complaints(program).map(({ event, error }) => [event, String(error)]);
    assert.equal(said.length, 1, JSON.stringify(said));
    assert.equal(said[0]![0], "bus.error");
    assert.ok(said[0]![1]!.includes("$JS.API.STREAM.LIST"));
  });
});

Deno.test("a bucket that is gone is made again with them", async () => {
  await using server = await startNatsServer({ config: await documented() });
  const args = ["--copies", "1", "--nats-url", as(server, "admin")];
  assert.equal((await runProgram(["stream", "create", ...args])).code, 0);
  await using admin = await client(server, "admin");
  await (await jetstreamManager(admin)).streams.delete("KV_heddle-scheduler");
  await withConfig(CONFIG, async (path) => {
    await using program = new Program(["--config", path, "--nats-url", as(server, "scheduler")]);
    await program.logged("scheduler.task_dispatched", 2);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    assert.deepEqual(complaints(program), []);
  });
});

Deno.test("a bucket that is gone and may not be made is an error with the subject and the command, and used once it is there", async () => {
  const block = await documented();
  const subject = "$JS.API.STREAM.CREATE.KV_heddle-scheduler";
  const config = block.replace(`"${subject}"`, "");
  assert.notEqual(config, block);
  await using server = await startNatsServer({ config });
  const args = ["--copies", "1", "--nats-url", as(server, "admin")];
  assert.equal((await runProgram(["stream", "create", ...args])).code, 0);
  await using admin = await client(server, "admin");
  await (await jetstreamManager(admin)).streams.delete("KV_heddle-scheduler");
  await withConfig(CONFIG, async (path) => {
    const scheduler = ["--config", path, "--nats-url", as(server, "scheduler")];
    await using program = new Program(scheduler);
    const { error } = await program.logged("memory.read_failed");
    assert.ok(String(error).includes(subject), String(error));
    assert.ok(String(error).includes("heddle-scheduler stream create"), String(error));
    await program.logged("scheduler.task_dispatched", 2);

    assert.equal((await runProgram(["stream", "create", ...args])).code, 0);
    const bucket = await new Kvm(admin as never).open("heddle-scheduler");
    await eventually("it remembers what it fires", async () => {
      return (await Array.fromAsync(await bucket.keys("default_scheduler.memory.*"))).length > 0;
    });
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  });
});

Deno.test("who may only ask cannot make the scheduler publish anywhere but to inboxes", async () => {
  const asker = `{ user: asker, password: p, permissions: {
    publish: ["heddle.scheduler.default_scheduler", "$SRV.PING"], subscribe: ["_INBOX.>"] } },`;
  // The administrator's rights: what keeps it is the program.
  await using server = await startNatsServer({ config: await documented(asker) });
  const url = as(server, "admin");
  assert.equal((await runProgram(["stream", "create", "--nats-url", url])).code, 0);
  await withConfig(QUIET, async (path) => {
    await using program = new Program(["--config", path, "--nats-url", url, "--replicas"]);
    await program.logged("scheduler.lease_acquired");
    await using admin = await client(server, "admin");
    const at = ["--config", path, "--nats-url", as(server, "operator")];
    assert.equal((await runProgram(["fire", "never", ...at])).code, 0);
    const streams = (await jetstreamManager(admin)).streams;
    const messages = async () => (await streams.info("HEDDLE")).state.messages;
    assert.equal(await messages(), 1);
    const bucket = await new Kvm(admin as never).open("heddle-scheduler");
    const lease = () => bucket.get("default_scheduler.lease.0").then((entry) => entry?.string());
    assert.match(String(await lease()), /"holder"/);

    await using attacker = await client(server, "asker");
    const replies = [
      "$JS.API.STREAM.PURGE.HEDDLE",
      "$JS.API.STREAM.PURGE.KV_heddle-scheduler",
      "$JS.API.STREAM.DELETE.HEDDLE",
      "$KV.heddle-scheduler.default_scheduler.lease.0",
      "heddle.tasks.incoming",
      "heddle.goals.incoming",
    ];
    for (const reply of replies) {
      for (const payload of ["{}", '{"action":"fire","entry":"never"}', "no json"]) {
        attacker.publish("heddle.scheduler.default_scheduler", payload, { reply });
      }
      attacker.publish("$SRV.PING", "", { reply });
    }
    // An honest request after them is answered.
    const honest = await attacker.request("heddle.scheduler.default_scheduler", "{}");
    assert.equal(honest.json<{ status: string }>().status, "ok");
    assert.equal(
      (await attacker.request("$SRV.PING")).json<{ name: string }>().name,
      "heddle-scheduler",
    );
    await admin.flush();
    assert.equal(await messages(), 1, "nothing was purged, published or fired");
    assert.match(String(await lease()), /"holder"/);
    await program.logged("bus.message_refused", 10);
    const [refused] = program.log("bus.message_refused");
    assert.equal(refused!.level, "warning");
    assert.equal(refused!.reply, replies[0]);
    assert.equal(program.log("bus.message_refused").length, 10);
  });
});

Deno.test("an account that imports the control subject as a service is answered, and no more", async () => {
  const scheduler = `publish: ["_R_.>", "_INBOX.>", "heddle.*.incoming",
    "heddle.scheduler.*.replicas", "$JS.API.>", "$KV.>"]`;
  const config = `jetstream { store_dir: "$DIR/js" }
    accounts {
      A: {
        jetstream: enabled
        users: [{ user: a, password: p, permissions: { ${scheduler}, subscribe: [">"] } }]
        exports: [{ service: "heddle.scheduler.default_scheduler" }]
      }
      B: {
        users: [{ user: b, password: p }]
        imports: [{ service: { account: A, subject: "heddle.scheduler.default_scheduler" } }]
      }
    }`;
  await using server = await startNatsServer({ config });
  assert.equal((await runProgram(["stream", "create", "--nats-url", as(server, "a")])).code, 0);
  await withConfig(QUIET, async (path) => {
    await using program = new Program(["--config", path, "--nats-url", as(server, "a")]);
    await program.logged("scheduler.running");
    const at = ["--config", path, "--nats-url", as(server, "b")];
    assert.equal((await runProgram(["fire", "never", ...at])).stdout, 'Fired "never": 1 message');
    await using importer = await client(server, "b");
    const seen = importer.subscribe("$JS.API.STREAM.PURGE.HEDDLE");
    importer.publish("heddle.scheduler.default_scheduler", "{}", {
      reply: "$JS.API.STREAM.PURGE.HEDDLE",
    });
    // The server has put an inbox of its own in its place: the answer stays in the account.
    for await (const message of seen) {
      assert.equal(message.json<{ status: string }>().status, "ok");
      break;
    }
    await using ours = await client(server, "a");
    const { state } = await (await jetstreamManager(ours)).streams.info("HEDDLE");
    assert.equal(state.messages, 1);
    assert.deepEqual(complaints(program), []);
  });
});

Deno.test("with --nats-inbox-prefix and --js-domain it needs no other inbox and no other API", async () => {
  const leafPort = freePort();
  await using hub = await startNatsServer({
    config: `jetstream { store_dir: "$DIR/js", domain: hub }
      leafnodes { host: 127.0.0.1, port: ${leafPort} }`,
  });
  // Without a JetStream of its own.
  const config = `leafnodes { remotes: [{ url: "nats-leaf://127.0.0.1:${leafPort}" }] }
    authorization { users: [
      { user: admin, password: p }
      { user: scheduler, password: p, permissions: {
          publish: ["heddle.*.incoming", "heddle.scheduler.*.replicas", "team.inboxes.>"
            "_INBOX.>", "$JS.hub.API.>"]
          subscribe: ["heddle.>", "$SRV.>", "team.inboxes.>"] } }
    ] }`;
  await using server = await startNatsServer({ config });
  const options: ProgramOptions = {
    env: { NATS_INBOX_PREFIX: "team.inboxes", NATS_JS_DOMAIN: "hub" },
  };
  const url = ["--nats-url", as(server, "scheduler")];
  const created = await runProgram(["stream", "create", ...url], options);
  assert.equal(created.code, 0, created.stderr);
  await withConfig(CONFIG, async (path) => {
    const args = ["--config", path, ...url, "--replicas", "--delivery", "jetstream"];
    await using program = new Program(args, options);
    await program.logged("scheduler.lease_acquired");
    await program.logged("scheduler.task_dispatched", 2);
    await using manager = await connect({ servers: hub.url });
    const { state } = await (await jetstreamManager(manager)).streams.info("HEDDLE");
    assert.ok(state.messages >= 2);
    await using asker = await connect({
      ...{ servers: server.url, user: "admin", pass: "p" },
      inboxPrefix: "team.inboxes.asker",
    });
    const answer = await asker.request("heddle.scheduler.default_scheduler", "{}");
    assert.equal(answer.json<{ status: string }>().status, "ok");
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    assert.deepEqual(complaints(program), []);
  });
  for (const wrong of [["--nats-inbox-prefix", "heddle.x"], ["--js-domain", "a.b"]]) {
    const { code, stderr } = await runProgram(["status", "--name", "n", ...wrong]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: Cannot use "(heddle\.x|a\.b)" as /);
  }
});
