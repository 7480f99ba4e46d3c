/** What a server limits or refuses, what others send, and a great deal at once. */
import assert from "node:assert/strict";
import { UnconfirmedError } from "../../../lib/bus/message_bus.ts";
import { NatsBus } from "../../../lib/bus/nats/nats_bus.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import {
  type NatsServer,
  type NatsServerOptions,
  startNatsServer,
} from "../../helpers/nats_server.ts";
import { drain, take } from "../../../lib/testing/bus_conformance.ts";
import { RawSubscriber } from "./raw_subscriber.ts";

interface Setup {
  server: NatsServer;
  bus: NatsBus;
  log: LogRecorder;
}

async function withBus(
  test: (setup: Setup) => Promise<void>,
  { user, ...options }: NatsServerOptions & { user?: string } = {},
): Promise<void> {
  await using server = await startNatsServer(options);
  const log = new LogRecorder();
  const servers = user === undefined ? server.url : server.url.replace("//", `//${user}@`);
  const bus = new NatsBus({ servers, logger: log });
  try {
    await bus.connect();
    await test({ server, bus, log });
  } finally {
    await bus.close();
  }
}

Deno.test("what is no JSON object is logged and skipped, and the subscription goes on", async () => {
  await withBus(async ({ server, bus, log }) => {
    const subscription = await bus.subscribe("a.*");
    await using other = await RawSubscriber.open(server.port, "none");
    const malformed: (string | Uint8Array)[] = [
      "",
      "no json",
      '{"cut":',
      "[1]",
      "null",
      "7",
      '"text"',
      new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    ];
    for (const payload of malformed) await other.publish("a.x", payload);
    const headers = "NATS/1.0\r\nbad name: x\r\n\r\n";
    await other.send(`HPUB a.x ${headers.length} ${headers.length + 2}\r\n${headers}{}\r\n`);
    await other.publish("a.b", '\u{FEFF}{"n":1}');
    const [message] = await take(subscription, 1);
    assert.deepEqual([message!.subject, message!.data], ["a.b", { n: 1 }]);
    const lines = log.of("bus.malformed_message_skipped");
    assert.ok(lines.every(({ level, fields }) => level === "warning" && fields.subject === "a.x"));
    assert.deepEqual(lines.map(({ fields }) => fields.size), [0, 7, 7, 3, 4, 1, 6, 7, 2]);
    assert.match(String(lines[1]!.fields.error), /no JSON/);
    assert.match(String(lines[3]!.fields.error), /no object/);
    assert.match(String(lines[7]!.fields.error), /no UTF-8/);
  });
});

Deno.test("headers travel as NATS writes them", async () => {
  await withBus(async ({ server, bus }) => {
    await using witness = await RawSubscriber.open(server.port, "a.b");
    const frames: string[] = [];
    await bus.publish("a.b", { text: "ü" }, { headers: { "Nats-Msg-Id": "x", b: "ü" } });
    await witness.sync();
    frames.push(...witness.payloads);
    assert.equal(frames.length, 1);
    assert.equal(
      frames[0],
      new TextDecoder("latin1").decode(new TextEncoder().encode('{"text":"ü"}')),
    );
  });
});

Deno.test("a message over the server's limit is refused by name, and no other is", async () => {
  await withBus(async ({ server, bus }) => {
    await using witness = await RawSubscriber.open(server.port, "a.>");
    const filler = "ü".repeat(600);
    const published = [
      bus.publish("a.small", { n: 0 }),
      bus.publish("a.large", { n: 1, filler }),
      bus.publish("a.large", { n: 2 }),
      bus.publish("a.large", { n: 3 }, { headers: { long: "x".repeat(1200) } }),
      bus.publish("a.small", { n: 4 }),
    ];
    const results = await Promise.allSettled(published);
    assert.deepEqual(results.map(({ status }) => status === "fulfilled"), [
      true,
      false,
      true,
      false,
      true,
    ]);
    assert.match(
      String((results[1] as PromiseRejectedResult).reason),
      /^RangeError: Cannot publish to "a\.large": a message has 1219 bytes, .* at most 1024$/,
    );
    await witness.sync();
    assert.deepEqual(witness.numbers, [0, 2, 4]);
    assert.ok(bus.connected);
  }, { config: "max_payload: 1024" });
});

Deno.test("what the server refuses is told to its publisher, and harms nothing else", async () => {
  const config = `authorization { users: [
    { user: a, password: b, permissions: {
        publish: { deny: ["no.>"] }, subscribe: { deny: ["no.>"] } } } ] }`;
  await withBus(async ({ bus, log }) => {
    const subscription = await bus.subscribe("yes.x");
    const published = [
      bus.publish("yes.x", { n: 1 }),
      bus.publish("no.x", { n: 2 }),
      bus.publish("yes.x", { n: 3 }),
    ];
    const results = await Promise.allSettled(published);
    assert.deepEqual(results.map(({ status }) => status === "fulfilled"), [true, false, true]);
    assert.match(
      String((results[1] as PromiseRejectedResult).reason),
      /Cannot publish to "no\.x": the server refuses it: .*Permissions Violation/i,
    );
    const messages = await take(subscription, 2);
    assert.deepEqual(messages.map(({ data }) => data.n), [1, 3]);

    const refused = await bus.subscribe("no.y");
    const [line] = log.of("bus.subscription_refused");
    assert.equal(line!.level, "error");
    assert.equal(line!.fields.subject, "no.y");
    await refused.unsubscribe();
    assert.deepEqual(await drain(refused), []);
    await bus.publish("yes.x", { n: 4 });
    assert.equal((await take(subscription, 1))[0]!.data.n, 4);
    assert.ok(log.of("bus.error").length >= 2);
  }, { config, user: "a:b" });
});

Deno.test("however often the server refuses, the log stays short", async () => {
  const config = `authorization { users: [
    { user: a, password: b, permissions: { publish: { deny: ["no.>"] } } } ] }`;
  await withBus(async ({ bus, log }) => {
    const published = Array.from({ length: 100 }, (_, n) => bus.publish("no.x", { n }));
    await Promise.allSettled(published);
    const errors = () => log.of("bus.error").filter(({ level }) => level === "error");
    await eventually("it is logged", () => errors().length > 0);
    assert.equal(errors().length, 1, "each reason once on a connection, the rest at debug level");
  }, { config, user: "a:b" });
});

Deno.test("a refusal in one piece with the word that confirms its batch is told as one", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refusal = `-ERR 'Permissions Violation for Publish to "no.x"'\r\n`;
  const serving = (async () => {
    const connection = await listener.accept();
    const encoder = new TextEncoder();
    await connection.write(encoder.encode(
      `INFO {"server_id":"a","version":"2.10.0","proto":1,"headers":true,"max_payload":1000}\r\n`,
    ));
    for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
      const pongs = "PONG\r\n".repeat(text.split("PING\r\n").length - 1);
      const answer = text.includes("PUB no.x") ? refusal + pongs : pongs;
      if (text.includes("PUB bye")) break; // which closes the connection
      await connection.write(encoder.encode(answer)).catch(() => {});
    }
  })();
  const log = new LogRecorder();
  const bus = new NatsBus({ servers: `127.0.0.1:${listener.addr.port}`, logger: log });
  await bus.connect();
  await assert.rejects(bus.publish("no.x", {}), /Cannot publish to "no\.x": the server refuses it/);
  await bus.publish("yes.x", {});
  assert.equal(log.of("bus.error").length, 1);
  await assert.rejects(bus.publish("bye", {}), UnconfirmedError);
  const [disconnected] = log.of("bus.disconnected");
  const { reason } = disconnected!.fields;
  assert.equal(reason, "the server closed the connection", "not the refusal");
  await bus.close();
  listener.close();
  await serving;
});

Deno.test("a server that says it goes is heard", async () => {
  await withBus(async ({ server, log }) => {
    server.signal("SIGUSR2");
    await eventually("lame duck is logged", () => log.of("bus.lame_duck").length === 1);
  }, { config: 'lame_duck_grace_period: "100ms"\nlame_duck_duration: "30s"' });
});

Deno.test("100,000 messages at once hold nothing else up", async () => {
  await withBus(async ({ server, bus }) => {
    await using witness = await RawSubscriber.open(server.port, "a.b");
    const COUNT = 100_000;
    let [last, worst] = [performance.now(), 0];
    const heartbeat = setInterval(() => {
      const now = performance.now();
      worst = Math.max(worst, now - last);
      last = now;
    }, 1);
    const filler = "x".repeat(300);
    const published: Promise<void>[] = [];
    for (let n = 0; n < COUNT; n++) {
      published.push(bus.publish("a.b", { n, filler }));
      // The publisher's own loop is not what is measured.
      if (n % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await Promise.all(published);
    clearInterval(heartbeat);
    await eventually("all arrived", () => witness.payloads.length === COUNT, 30_000);
    assert.ok(witness.numbers.every((n, index) => n === index));
    assert.ok(worst < 250, `blocked for ${worst} ms`);
  });
});
