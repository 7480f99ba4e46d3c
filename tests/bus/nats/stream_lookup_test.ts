/** How streams are found for subjects: few one by one, many in the list of all streams. */
import assert from "node:assert/strict";
import { type JsonObject, type MessageBus, NoReplyError } from "../../../lib/bus/message_bus.ts";
import { JetStreamUnavailableError, LookupRefusedError } from "../../../lib/bus/stream_bus.ts";
import { NatsBus } from "../../../lib/bus/nats/nats_bus.ts";
import { StreamLookup } from "../../../lib/bus/nats/stream_lookup.ts";
import { connect } from "../../helpers/nats_client.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import { startNatsServer } from "../../helpers/nats_server.ts";

const LIST = "$JS.API.STREAM.LIST";
const NAMES = "$JS.API.STREAM.NAMES";
const MANY = Array.from({ length: 1000 }, (_, n) => `jobs.${n}.run`);

/** A lookup whose server the test plays; `asked` counts the requests by their subjects. */
function lookupOn(answer: (subject: string, data: JsonObject) => JsonObject | Error) {
  const asked: Record<string, number> = {};
  const request = (subject: string, data: JsonObject) => {
    asked[subject] = (asked[subject] ?? 0) + 1;
    const reply = answer(subject, data);
    return reply instanceof Error ? Promise.reject(reply) : Promise.resolve({ data: reply });
  };
  const lookup = new StreamLookup({ request } as unknown as MessageBus);
  const find = (subjects: readonly string[], connection: unknown = "first") =>
    lookup.find(subjects, { connection, hasJetStream: true });
  return { find, asked };
}

const stream = (name: string, ...subjects: string[]) => ({ config: { name, subjects } });
const silence = () => new NoReplyError("Nobody answered", "timeout");

Deno.test("many subjects are looked for in one list of the streams, few are asked for", async () => {
  const { find, asked } = lookupOn((subject) =>
    subject === NAMES
      ? { streams: ["A"] }
      : { total: 2, streams: [stream("A", "jobs.1.run", "jobs.2.*"), stream("B", "jobs.3.>")] }
  );
  const found = await find(MANY);
  assert.equal(found.size, 1000);
  assert.deepEqual([0, 1, 2, 3, 33].map((n) => found.get(`jobs.${n}.run`)), [
    null,
    "A",
    "A",
    "B",
    null,
  ]);
  assert.deepEqual(asked, { [LIST]: 1 });
  assert.deepEqual([...await find(MANY.slice(0, 8))], MANY.slice(0, 8).map((each) => [each, "A"]));
  assert.deepEqual(asked, { [LIST]: 1, [NAMES]: 8 });
});

Deno.test("a pattern of a stream is found wherever its wildcards are", async () => {
  const patterns = ["*.1.run", "a.*.c.>", "b.>", "c.*", "d.e.f"];
  const { find } = lookupOn(() => ({
    total: patterns.length,
    streams: patterns.map((pattern) => stream(pattern, pattern)),
  }));
  const expected: Record<string, string | null> = {
    "jobs.1.run": "*.1.run",
    "jobs.1.run.x": null,
    "a.b.c.d": "a.*.c.>",
    "a.b.c": null,
    "b.x": "b.>",
    "b": null,
    "c.x": "c.*",
    "c.x.y": null,
    "d.e.f": "d.e.f",
    "d.e": null,
  };
  assert.deepEqual(Object.fromEntries(await find(Object.keys(expected))), expected);
});

Deno.test("all pages of the list are read", async () => {
  const { find, asked } = lookupOn((_, { offset }) => ({
    total: 600,
    streams: MANY.slice(Number(offset), Math.min(Number(offset) + 256, 600))
      .map((subject, n) => stream(`S${Number(offset) + n}`, subject)),
  }));
  const found = await find(MANY);
  assert.deepEqual([found.get(MANY[599]!), found.get(MANY[600]!)], ["S599", null]);
  assert.deepEqual(asked, { [LIST]: 3 });
});

Deno.test("of a list that changed between two pages it is not concluded that there is no stream", async () => {
  const { find, asked } = lookupOn((subject, data) =>
    subject === NAMES
      ? { streams: data.subject === "jobs.9.run" ? ["PASSED_OVER"] : null }
      : data.offset === 0
      ? { total: 3, streams: [stream("A", "jobs.1.run"), stream("B", "jobs.2.run")] }
      : { total: 2, streams: [] }
  );
  const found = await find(MANY.slice(0, 20));
  assert.deepEqual([1, 2, 3, 9].map((n) => found.get(`jobs.${n}.run`)), [
    "A",
    "B",
    null,
    "PASSED_OVER",
  ]);
  assert.deepEqual(asked, { [LIST]: 2, [NAMES]: 18 });
});

Deno.test("of what a cluster leaves out of its list nothing is concluded", async () => {
  const { find, asked } = lookupOn((subject, data) =>
    subject === NAMES
      ? { streams: data.subject === "jobs.7.run" ? ["GONE"] : null }
      : { total: 2, streams: [stream("A", "jobs.1.run")], missing: ["GONE"] }
  );
  const found = await find(MANY.slice(0, 20));
  assert.deepEqual([1, 2, 7].map((n) => found.get(`jobs.${n}.run`)), ["A", null, "GONE"]);
  assert.deepEqual(asked, { [LIST]: 1, [NAMES]: 19 });
});

Deno.test("who may not list asks for each subject, and tries the list again on another connection only", async () => {
  const { find, asked } = lookupOn((subject) =>
    subject === LIST ? new Error("Permissions Violation") : { streams: ["A"] }
  );
  for (const connection of ["first", "first", "second"]) {
    const found = await find(MANY, connection);
    assert.ok(MANY.every((each) => found.get(each) === "A"));
  }
  assert.deepEqual(asked, { [LIST]: 2, [NAMES]: 3000 });
});

Deno.test("a list that nobody answers is no answer, and a silent server is not asked a thousand times", async () => {
  const slow = lookupOn((subject) => subject === LIST ? silence() : { streams: null });
  assert.ok([...(await slow.find(MANY)).values()].every((name) => name === null));
  const silent = lookupOn(silence);
  const found = await silent.find(MANY);
  assert.ok(MANY.every((each) => found.get(each) instanceof NoReplyError));
  assert.ok(silent.asked[NAMES]! <= 32, `${silent.asked[NAMES]}`);
});

const USERS = `
  jetstream { store_dir: "$DIR/jetstream" }
  authorization { users = [
    { user: admin, password: p }
    { user: lister, password: p }
    { user: asker, password: p, permissions: {
        publish: ["${NAMES}", "_INBOX.>"], subscribe: "_INBOX.>" } }
    { user: nobody, password: p, permissions: { publish: "_INBOX.>", subscribe: "_INBOX.>" } }
  ] }
`;

Deno.test("the streams of a thousand subjects are found on a server, with the right to list them and without", async () => {
  await using server = await startNatsServer({ config: USERS });
  const busOf = async (user: string) => {
    const url = server.url.replace("//", `//${user}:p@`);
    const bus = new NatsBus({ servers: url, logger: new LogRecorder() });
    await bus.connect();
    return bus;
  };
  await using admin = await busOf("admin");
  const jetStream = await admin.jetStream();
  const limits = { replicas: 1, duplicateWindow: 120, maxAge: 3600, maxBytes: 1 << 20 };
  await jetStream.createStream({ ...limits, name: "SOME", subjects: ["jobs.*.run"] });
  await jetStream.createStream({ ...limits, name: "OTHER", subjects: MANY.map((s) => `${s}.b`) });
  const watcher = await connect({ servers: server.url, user: "admin", pass: "p" });
  const asked: Record<string, number> = {};
  watcher.subscribe("$JS.API.STREAM.*", {
    callback: (_, { subject }) => void (asked[subject] = (asked[subject] ?? 0) + 1),
  });
  await watcher.flush();
  const subjects = [...MANY, ...MANY.map((each) => `${each}.b`), "elsewhere"];
  const counts: Record<string, unknown> = { lister: { [LIST]: 1 }, asker: { [NAMES]: 2001 } };
  for (const user of ["lister", "asker"] as const) {
    await using bus = await busOf(user);
    const found = await bus.streamsOf(subjects);
    const names = subjects.map((each) => found.get(each));
    assert.deepEqual(names, [...MANY.map(() => "SOME"), ...MANY.map(() => "OTHER"), null], user);
    await watcher.flush();
    assert.deepEqual({ ...asked }, counts[user]);
    delete asked[LIST];
  }
  await using bus = await busOf("nobody");
  const found = await bus.streamsOf(subjects);
  assert.ok(subjects.every((each) => found.get(each) instanceof LookupRefusedError));
  await watcher.close();
});

Deno.test("a server without JetStream is asked once, however many subjects there are", async () => {
  await using server = await startNatsServer();
  await using bus = new NatsBus({ servers: server.url, logger: new LogRecorder() });
  await bus.connect();
  await assert.rejects(bus.streamsOf(MANY), JetStreamUnavailableError);
});
