/** Messages to subjects of one's own, with the real program on a real server. */
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import { Place } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";
import { runProgram } from "../helpers/program.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const OWN = "dispatch_type: message";

/** An entry that is due once, at the start. */
const once = (name: string, message: string, more = "") =>
  `name: ${name}, cron: "0 0 0 1 1 * 2099", run_on_start: true, ${OWN}, message: { ${message} }${more}`;

interface Seen {
  subject: string;
  data: unknown;
  headers: Record<string, string>;
}

/** What others receive below `jobs.`. */
async function observe(place: Place): Promise<Seen[]> {
  const client = await place.client();
  const seen: Seen[] = [];
  client.subscribe("jobs.>", {
    callback: (_error, message: Msg) => {
      const { subject, headers } = message;
      const names = headers?.keys() ?? [];
      seen.push({
        subject,
        data: message.json(),
        headers: Object.fromEntries(names.map((name) => [name, headers!.get(name)])),
      });
    },
  });
  await client.flush();
  return seen;
}

const refresh = once(
  "refresh",
  "subject: jobs.cache.refresh, payload: { scope: all, deep: { a: 1 } }, headers: { X-Tenant: a }",
  ", for_each: [{ scope: one }, { tenant: b }]",
);

Deno.test("a message reaches its subject over core NATS, as it is, with its headers and its identity", async () => {
  await using place = await Place.open([refresh, once("bare", "subject: jobs.bare")], {
    subjects: [],
  });
  const seen = await observe(place);
  const program = place.start("--http", "127.0.0.1:0");
  await program.logged("scheduler.message_dispatched");
  await eventually("all arrive", () => seen.length === 3);
  const bare = seen.find(({ subject }) => subject === "jobs.bare")!;
  const [first, second] = seen.filter(({ subject }) => subject === "jobs.cache.refresh");
  assert.deepEqual([first!.data, second!.data, bare.data], [
    { scope: "one", deep: { a: 1 } },
    { scope: "all", deep: { a: 1 }, tenant: "b" },
    {},
  ]);
  const scheduled = second!.headers["Heddle-Scheduled-For"]!;
  assert.deepEqual(second!.headers, {
    "X-Tenant": "a",
    "Nats-Msg-Id": `durable/refresh/${scheduled}/1`,
    "Heddle-Schedule": "refresh",
    "Heddle-Scheduled-For": scheduled,
  });
  assert.deepEqual(Object.keys(bare.headers), [
    "Nats-Msg-Id",
    "Heddle-Schedule",
    "Heddle-Scheduled-For",
  ]);

  const at = ["--name", "durable", "--nats-url", place.server.url];
  const fired = await runProgram(["fire", "refresh", ...at]);
  assert.equal(fired.stdout, 'Fired "refresh": 2 messages', fired.stderr);
  const local = ["fire", "bare", "--local", "--config", place.config];
  assert.equal((await runProgram([...local, "--nats-url", place.server.url])).code, 0);
  await eventually("both arrive", () => seen.length === 6);
  assert.ok(seen.slice(3).every(({ headers }) => UUID_V4.test(headers["Nats-Msg-Id"]!)));
  assert.deepEqual(seen[5]!.data, {});

  const status = await runProgram(["status", "--entry", "refresh", ...at]);
  assert.match(status.stdout, /^subject: jobs\.cache\.refresh$/m, status.stderr);
  const next = await runProgram(["next", place.config]);
  assert.match(next.stdout, / message: jobs\.bare$/m);
  const json = await runProgram(["next", place.config, "--entry", "bare", "--format", "json"]);
  assert.match(json.stdout, /"dispatch_type":"message","subject":"jobs\.bare"/);
  const { url } = await program.logged("http.listening");
  const metrics = await (await fetch(`${url}metrics`)).text();
  assert.match(metrics, /dispatches_total\{schedule="bare",dispatch_type="message"\} 1/);
  const events = await fetch(`${url}events`);
  const page = new TextDecoder().decode((await events.body!.getReader().read()).value);
  assert.match(page, /"what":"message: jobs\.bare"/);
});

Deno.test("a stream stores a message once, and it is remembered that it was sent", async () => {
  const subjects = ["heddle.*.incoming", "jobs.>"];
  await using place = await Place.open([refresh, "name: often, interval_seconds: 0.2"], {
    subjects,
  });
  const program = place.start("--delivery", "jetstream", "--replicas", "--lease-ttl", "2");
  await program.logged("scheduler.expansion_dispatched");
  const stored = (await place.stored()).filter(({ schedule }) => schedule === "refresh");
  assert.deepEqual(stored.map(({ data }) => data.scope), ["one", "all"]);
  assert.ok(stored.every(({ term }) => term !== ""), "a replica's messages have its term");
  const due = new Date(stored[0]!.scheduledFor).toISOString();
  assert.deepEqual(stored.map(({ id }) => id), [0, 1].map((n) => `durable/refresh/${due}/${n}`));
  await eventually("it is remembered", async () => {
    return typeof (await place.checkpointOf("refresh"))?.[2] === "number";
  });
  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0);
  const again = place.start("--replicas");
  await again.logged("scheduler.task_dispatched");
  assert.deepEqual(again.log("scheduler.expansion_dispatched"), []);
});

Deno.test("--delivery jetstream names each subject that no stream captures, and the command that it names helps", async () => {
  await using place = await Place.open([
    "name: task, interval_seconds: 60",
    once("a", "subject: jobs.a"),
    once("b", "subject: jobs.b"),
  ]);
  const program = place.start("--delivery", "jetstream");
  assert.equal(await program.exit(), 1);
  const [line] = program.log("delivery.unavailable");
  const command = "stream create --subject jobs.a --subject jobs.b";
  assert.equal(
    line!.error,
    'Cannot deliver with --delivery jetstream: no stream captures "jobs.a", "jobs.b"; create one ' +
      `with: heddle-scheduler ${command}`,
  );
  const args = [...command.split(" "), "--nats-url", place.server.url];
  const { stdout, code, stderr } = await runProgram(args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /subjects: .* → heddle.goals.incoming, .*, jobs\.a, jobs\.b/);
  await place.start("--delivery", "jetstream").logged("scheduler.message_dispatched", 2);
  assert.equal((await place.stored()).length, 2);
});

const THOUSAND = Array.from(
  { length: 1000 },
  (_, n) => once(`e${n}`, `subject: jobs.${n}.run`).replace("run_on_start: true, ", ""),
);

Deno.test("a thousand subjects take two requests and one line at the start, and a status that says so", async () => {
  await using place = await Place.open([...THOUSAND, once("last", "subject: jobs.last")], {
    subjects: ["jobs.*.run", "jobs.last"],
  });
  const asked: string[] = [];
  const client = await place.client();
  client.subscribe("$JS.API.STREAM.>", { callback: (_, { subject }) => void asked.push(subject) });
  await client.flush();
  const program = place.start();
  await program.logged("scheduler.message_dispatched");
  const chosen = program.log("delivery.chosen");
  assert.equal(chosen.length, 1);
  assert.deepEqual([chosen[0]!.stream, chosen[0]!.other_subjects], ["HEDDLE", 1000]);
  const lookups = asked.filter((subject) => /\.(?:NAMES|LIST|INFO\.HEDDLE)$/.test(subject));
  assert.deepEqual(
    new Set(lookups),
    new Set(["$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.HEDDLE"]),
  );
  assert.ok(lookups.length < 6, lookups.join());
  assert.equal((await place.stored()).length, 1);

  const manager = await jetstreamManager(client);
  await manager.streams.update("HEDDLE", { subjects: ["jobs.1.run", "jobs.2.run"] });
  const fired = await place.ask({ action: "fire", entry: "e7" });
  assert.equal(fired.status, "ok");
  await program.logged("delivery.fell_back");
  const { delivery } = await place.ask({ action: "status" }) as {
    delivery: { more_subjects: number; subjects: { via: string }[] };
  };
  assert.deepEqual([delivery.more_subjects, delivery.subjects.length], [901, 100]);
  assert.ok(delivery.subjects.every(({ via }) => via === "fallback"));
  const status = ["status", "--name", "durable", "--nats-url", place.server.url];
  const { stdout } = await runProgram(status);
  assert.equal(stdout.match(/goes over core NATS since/g)!.length, 8);
  assert.match(stdout, /^the same of 92 or more others$/m);
});
