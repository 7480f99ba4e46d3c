/** What others send: whom it is answered to, and how much of it is taken in. */
import assert from "node:assert/strict";
import { NoReplyError, type SubscribeOptions } from "../../../lib/bus/message_bus.ts";
import { NatsBus, type NatsBusOptions } from "../../../lib/bus/nats/nats_bus.ts";
import { take } from "../../../lib/testing/bus_conformance.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import { startNatsServer } from "../../helpers/nats_server.ts";
import { FakeServer } from "./fake_server.ts";
import { RawSubscriber } from "./raw_subscriber.ts";

interface Setup {
  bus: NatsBus;
  log: LogRecorder;
  /** Sees what is published, and sends what no client would. */
  other: RawSubscriber;
  ask(reply: string, payload?: string, subject?: string): Promise<void>;
}

async function withBus(
  test: (setup: Setup) => Promise<void>,
  { sees = ">", ...options }: Partial<NatsBusOptions> & { sees?: string } = {},
): Promise<void> {
  await using server = await startNatsServer();
  const log = new LogRecorder();
  await using bus = new NatsBus({ servers: server.url, logger: log, ...options });
  await bus.connect();
  await using other = await RawSubscriber.open(server.port, sees);
  const ask = async (reply: string, payload = "{}", subject = "svc.x") =>
    await other.send(`PUB ${subject} ${reply} ${payload.length}\r\n${payload}\r\n`);
  await test({ bus, log, other, ask });
}

/** Answers each request, and returns the subjects of those that were delivered. */
async function serve(bus: NatsBus, options?: SubscribeOptions): Promise<unknown[]> {
  const delivered: unknown[] = [];
  const subscription = await bus.subscribe("svc.x", options);
  (async () => {
    for await (const { data, respond } of subscription) {
      delivered.push(data);
      await respond?.({ status: "ok" }).catch(() => {});
    }
  })();
  return delivered;
}

Deno.test("a request is answered where its reply subject is an inbox, and nowhere else", async () => {
  const inboxes = [
    "_INBOX.a",
    "_INBOX_of_mine.a.b",
    "_INBOX",
    "team.inboxes.a",
    "team.inboxes.b.c",
  ];
  const others = [
    ...["$JS.API.STREAM.PURGE.HEDDLE", "$KV.heddle-scheduler.n.lease.0", "$SRV.PING", "$SYS.x"],
    ...["heddle.tasks.incoming", "heddle.scheduler.n", "svc.x", "INBOX.a", "x._INBOX.a"],
    ...["team.inboxes", "team.inboxesa.b", "_R.a", "_INBOX.*", "_INBOX.>"],
  ];
  for (const payload of ["{}", "no json"]) {
    await withBus(async ({ bus, log, other, ask }) => {
      const delivered = await serve(bus);
      for (const reply of [...others, ...inboxes]) await ask(reply, payload);
      // What was sent counts among what is seen.
      const sent = others.length + inboxes.length;
      await eventually("all are answered", () => other.payloads.length >= sent + inboxes.length);
      await bus.publish("end", {});
      await eventually("it has ended", () => other.payloads.at(-1) === "{}");
      const answers = other.payloads.filter((each) => each.includes("status"));
      assert.equal(answers.length, inboxes.length);
      assert.equal(delivered.length, payload === "{}" ? inboxes.length : 0);
      const refused = log.of("bus.message_refused");
      assert.deepEqual(refused.slice(0, 3).map(({ level, fields }) => [level, fields.reply]), [
        ["warning", others[0]],
        ["warning", others[1]],
        ["warning", others[2]],
      ]);
      assert.equal(refused.length, 10, "the rest of this second is only counted");
    }, { inboxPrefix: "team.inboxes" });
  }
});

Deno.test("what a service import or a gateway puts in place of an inbox is answered", async () => {
  await using server = new FakeServer();
  await using bus = new NatsBus({ servers: server.url, logger: new LogRecorder() });
  await bus.connect();
  const delivered = await serve(bus);
  const sid = /SUB svc\.x (\d+)/.exec(server.received)![1];
  // No server passes such a reply subject of a client on: only its own.
  const replies = ["_R_.abc.def", "_GR_.abc.def._INBOX.x", "_R_x.abc", "$JS.ACK.s.c.1"];
  for (const reply of replies) await server.say(`MSG svc.x ${sid} ${reply} 2\r\n{}\r\n`);
  // A stream's delivery is no request: it is delivered, and not answered.
  await eventually("three are delivered", () => delivered.length === 3);
  await bus.publish("end", {});
  const published = [...server.received.matchAll(/PUB (\S+)/g)].map(([, to]) => to);
  assert.deepEqual(published, [...replies.slice(0, 2), "end"]);
});

Deno.test("a message that is too large or too deep is not read, and harms nothing else", async () => {
  await withBus(async ({ bus, log, other, ask }) => {
    const delivered = await serve(bus, { maxBytes: 1000 });
    const nested = (levels: number) => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    await ask("_INBOX.a", JSON.stringify({ filler: "x".repeat(1000) }));
    await ask("_INBOX.a", nested(128));
    await ask("_INBOX.a", nested(127));
    await ask("_INBOX.a", JSON.stringify({ text: '[{"\\'.repeat(50) }));
    await eventually("all are answered", () => other.payloads.length === 4);
    const [large, deep, ...read] = other.payloads.map((each) => JSON.parse(each));
    assert.equal(large.code, "malformed");
    assert.match(large.error, /^The request on "svc\.x" has 10\d\d bytes, more than 1000$/);
    assert.equal(deep.code, "malformed");
    assert.deepEqual(read, [{ status: "ok" }, { status: "ok" }]);
    assert.equal(delivered.length, 2);
    assert.match(
      String(log.of("bus.malformed_message_skipped")[0]!.fields.error),
      /nested more than 128 levels deep/,
    );
  }, { sees: "_INBOX.a" });
});

Deno.test("of more than may wait the rest is refused as busy, and taken again later", async () => {
  await withBus(async ({ bus, log, other, ask }) => {
    const subscription = await bus.subscribe("svc.x", { maxWaiting: 3 });
    for (let n = 0; n < 5; n++) await ask("_INBOX.a", `{"n":${n}}`);
    await eventually("two are refused", () => other.payloads.length === 2);
    const [first] = other.payloads.map((each) => JSON.parse(each));
    assert.equal(first.code, "busy");
    assert.match(first.error, /too many wait already/);
    assert.equal(log.of("bus.message_refused").length, 2);
    const messages = await take(subscription, 3);
    assert.deepEqual(messages.map(({ data }) => data.n), [0, 1, 2]);
    await ask("_INBOX.a", `{"n":5}`);
    assert.equal((await take(subscription, 1))[0]!.data.n, 5);
  }, { sees: "_INBOX.a" });
});

Deno.test("only what has the form of a reply counts as one", async () => {
  await withBus(async ({ bus, other }) => {
    await bus.subscribe("svc.y"); // somebody is there
    const isReply = ({ status }: Record<string, unknown>) => status === "ok";
    const reply = bus.request("svc.y", {}, 5000, { isReply });
    const inbox = async () => {
      await eventually("it is asked", () => other.replies.length === 1);
      return other.replies[0]!;
    };
    const to = await inbox();
    for (const payload of ["no json", "[]", '{"stream":"HEDDLE","seq":1}', '{"status":"ok"}']) {
      await other.publish(to, payload);
    }
    assert.deepEqual((await reply).data, { status: "ok" });
  }, { sees: "svc.y" });
});

Deno.test("a request to which only something else comes fails after its time", async () => {
  await withBus(async ({ bus, other }) => {
    await bus.subscribe("svc.y");
    const isReply = () => false;
    const failed = assert.rejects(bus.request("svc.y", {}, 300, { isReply }), (error: Error) => {
      assert.ok(error instanceof NoReplyError);
      assert.equal(error.reason, "timeout");
      return true;
    });
    await eventually("it is asked", () => other.replies.length === 1);
    await other.publish(other.replies[0]!, "{}");
    await failed;
  }, { sees: "svc.y" });
});

Deno.test("a prefix of inboxes is used for our own, and cannot be a subject of the server's", async () => {
  await withBus(async ({ bus, other }) => {
    const reply = bus.request("svc.y", {}, 5000);
    await eventually("it is asked", () => other.replies.length > 0);
    assert.match(other.replies[0]!, /^team\.inboxes\.\w+\.\d+$/);
    await other.publish(other.replies[0]!, '{"n":1}');
    assert.deepEqual((await reply).data, { n: 1 });
  }, { sees: "svc.y", inboxPrefix: "team.inboxes" });
  for (const inboxPrefix of ["", "$JS", "heddle", "heddle.x", "a b", "a.*", "a.", ">", "_R_"]) {
    const made = () => new NatsBus({ servers: "127.0.0.1:1", inboxPrefix });
    assert.throws(made, /Cannot use ".*" as the prefix of inboxes: expected words/, inboxPrefix);
  }
});
