/** What happens to messages and subscriptions when the connection breaks. */
import assert from "node:assert/strict";
import { BusClosedError, UnconfirmedError } from "../../../lib/bus/message_bus.ts";
import { NatsBus, type NatsBusOptions } from "../../../lib/bus/nats/nats_bus.ts";
import { type Clock, systemClock } from "../../../lib/time/clock.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import { type NatsServer, startNatsServer } from "../../helpers/nats_server.ts";
import { TcpProxy } from "../../helpers/tcp_proxy.ts";
import { take } from "../../../lib/testing/bus_conformance.ts";
import { FakeServer } from "./fake_server.ts";
import { RawSubscriber } from "./raw_subscriber.ts";

interface Setup {
  server: NatsServer;
  bus: NatsBus;
  log: LogRecorder;
}

async function withBus(
  test: (setup: Setup) => Promise<void>,
  options: Partial<NatsBusOptions> = {},
): Promise<void> {
  await using server = await startNatsServer();
  const log = new LogRecorder();
  const bus = new NatsBus({ servers: server.url, logger: log, ...options });
  try {
    await bus.connect();
    await test({ server, bus, log });
  } finally {
    await bus.close();
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const isDown = ({ bus }: Setup) => eventually("the break is noticed", () => !bus.connected);

Deno.test("what is published while the server is down arrives after it, once and in order", async () => {
  await withBus(async (setup) => {
    const { server, bus, log } = setup;
    await server.kill();
    await isDown(setup);
    const published = range(0, 5000).map((n) => bus.publish("a.b", { n }));
    await server.start();
    await using witness = await RawSubscriber.open(server.port, "a.b");
    await Promise.all(published);
    await witness.sync();
    assert.deepEqual(witness.numbers, range(0, 5000));
    assert.deepEqual(log.lines.map(({ level, event }) => `${level} ${event}`), [
      "info bus.connected",
      "warning bus.disconnected",
      "info bus.reconnected",
    ]);
  });
});

Deno.test("a server killed under publishing: nothing unwritten is lost, nothing comes twice", async () => {
  await withBus(async (setup) => {
    const { server, bus, log } = setup;
    const arrived: number[] = [];
    const outcomes: { n: number; result: Promise<string> }[] = [];
    const publishedWhileDown: number[] = [];
    let next = 0;
    for (let round = 0; round < 3; round++) {
      await using witness = await RawSubscriber.open(server.port, "a.b");
      let stop = false;
      const publishing = (async () => {
        while (!stop) {
          for (let burst = 0; burst < 200; burst++) {
            const n = next++;
            const result = bus.publish("a.b", { n, filler: "x".repeat(300) }).then(
              () => "confirmed",
              (error) => error instanceof UnconfirmedError ? "unconfirmed" : String(error),
            );
            outcomes.push({ n, result });
          }
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
      })();
      await eventually("messages flow", () => witness.payloads.length > 2000);
      await server.kill("SIGKILL");
      await isDown(setup);
      const firstWhileDown = next;
      await new Promise((resolve) => setTimeout(resolve, 20));
      stop = true;
      await publishing;
      publishedWhileDown.push(...range(firstWhileDown, next));
      arrived.push(...witness.numbers);
      await server.start();
      await using after = await RawSubscriber.open(server.port, "a.b");
      await Promise.all(outcomes.map(({ result }) => result));
      await after.sync();
      arrived.push(...after.numbers);
    }
    const results = await Promise.all(outcomes.map(({ result }) => result));
    const count = (wanted: string) => results.filter((result) => result === wanted).length;
    assert.equal(count("confirmed") + count("unconfirmed"), results.length);
    assert.equal(new Set(arrived).size, arrived.length, "none twice");
    // What a server confirmed and had not passed on when it was killed is lost with it. What was
    // published after that is not.
    const seen = new Set(arrived);
    assert.ok(publishedWhileDown.length > 100, `${publishedWhileDown.length}`);
    assert.deepEqual(publishedWhileDown.filter((n) => !seen.has(n)), []);
    assert.ok(outcomes.length - arrived.length < 20_000, "no more than the windows is lost");
    const unconfirmed = log.of("bus.unconfirmed").map(({ fields }) => Number(fields.count));
    assert.equal(unconfirmed.reduce((sum, each) => sum + each, 0), count("unconfirmed"));
    assert.ok(arrived.every((n, index) => index === 0 || n > arrived[index - 1]!), "in order");
    assert.ok(bus.connected);
  });
});

Deno.test("what was written and not confirmed is reported, and not sent again", async () => {
  await using server = await startNatsServer();
  await using proxy = new TcpProxy(server.port);
  await using witness = await RawSubscriber.open(server.port, "a.b");
  const log = new LogRecorder();
  const bus = new NatsBus({ servers: proxy.url, logger: log });
  await bus.connect();
  await bus.publish("a.b", { n: 0 });
  proxy.stall();
  const doubtful = range(1, 11).map((n) => bus.publish("a.b", { n }));
  const rejected = Promise.all(doubtful.map((each) => assert.rejects(each, UnconfirmedError)));
  await new Promise((resolve) => setTimeout(resolve, 20)); // until they are written
  proxy.cut();
  await rejected;
  const later = range(11, 14).map((n) => bus.publish("a.b", { n }));
  proxy.resume();
  await Promise.all(later);
  await witness.sync();
  assert.deepEqual(witness.numbers, [0, 11, 12, 13]);
  assert.deepEqual(log.of("bus.unconfirmed").map(({ level, fields }) => [level, fields.count]), [
    ["warning", 10],
  ]);
  await bus.close();
});

Deno.test("however many wait, a break leaves no more than the window in doubt", async () => {
  await using server = await startNatsServer();
  await using proxy = new TcpProxy(server.port);
  await using witness = await RawSubscriber.open(server.port, "a.b");
  const bus = new NatsBus({ servers: proxy.url, logger: new LogRecorder() });
  await bus.connect();
  proxy.stall();
  const filler = "x".repeat(1000);
  const published = range(0, 20_000).map((n) =>
    bus.publish("a.b", { n, filler }).then(() => true, () => false)
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  proxy.cut();
  proxy.resume();
  const results = await Promise.all(published);
  await witness.sync();
  const confirmed = range(0, 20_000).filter((n) => results[n]);
  const seen = new Set(witness.numbers);
  assert.equal(seen.size, witness.numbers.length, "none twice");
  assert.deepEqual(confirmed.filter((n) => !seen.has(n)), [], "no confirmed one is missing");
  assert.ok(confirmed.length < 20_000, "some were in doubt");
  assert.ok(confirmed.length > 18_500, `${20_000 - confirmed.length} were in doubt`);
  await bus.close();
});

Deno.test("a message withdrawn while the server is down is never sent", async () => {
  await withBus(async (setup) => {
    const { server, bus } = setup;
    await server.kill();
    await isDown(setup);
    const withdrawal = new AbortController();
    const kept = range(0, 3).map((n) => bus.publish("a.b", { n }));
    const reason = new Error("superseded");
    const withdrawn = range(3, 6).map((n) =>
      assert.rejects(bus.publish("a.b", { n }, { signal: withdrawal.signal }), reason)
    );
    const also = bus.publish("a.b", { n: 6 }, { signal: new AbortController().signal });
    withdrawal.abort(reason);
    await Promise.all(withdrawn);
    await server.start();
    await using witness = await RawSubscriber.open(server.port, "a.b");
    await Promise.all([...kept, also]);
    await witness.sync();
    assert.deepEqual(witness.numbers, [0, 1, 2, 6]);
  });
});

Deno.test("subscriptions and requests survive a restart of the server", async () => {
  await withBus(async (setup) => {
    const { server, bus } = setup;
    const plain = await bus.subscribe("a.*");
    await bus.subscribe("q", { queueGroup: "group" });
    const service = await bus.subscribe("svc");
    const serving = (async () => {
      for await (const { respond } of service) await respond?.({ ok: true });
    })();
    await bus.request("svc", {}, 5000);
    await server.restart("SIGTERM");
    await isDown(setup);
    const early = await bus.subscribe("made.while.down");
    await bus.publish("made.while.down", { n: 1 });
    await bus.publish("a.b", { n: 2 });
    assert.equal((await take(early, 1))[0]!.data.n, 1);
    assert.equal((await take(plain, 1))[0]!.data.n, 2);
    assert.deepEqual((await bus.request("svc", {}, 5000)).data, { ok: true });
    await service.unsubscribe();
    await serving;
  });
});

Deno.test("a half-open connection is noticed, however full its buffers", async () => {
  await using server = await startNatsServer();
  await using proxy = new TcpProxy(server.port);
  await using witness = await RawSubscriber.open(server.port, "a.b");
  const log = new LogRecorder();
  const bus = new NatsBus({ servers: proxy.url, logger: log, pingInterval: 100 });
  await bus.connect();
  await bus.publish("a.b", { n: 0 });
  const before = performance.now();
  proxy.stall();
  // More than the sockets between here and there can hold.
  const filler = "x".repeat(100_000);
  const doubtful = range(1, 200).map((n) => bus.publish("a.b", { n, filler }));
  const settled = Promise.allSettled(doubtful);
  await eventually("it is given up", () => log.of("bus.disconnected").length === 1, 5000);
  assert.ok(performance.now() - before < 3000);
  assert.equal(log.of("bus.stale_connection").length, 1);
  assert.match(String(log.of("bus.disconnected")[0]!.fields.reason), /pings/);
  proxy.resume();
  await settled;
  assert.equal(bus.connected, true);
  await bus.publish("a.b", { n: 1000 });
  await witness.sync();
  const confirmed = (await settled).filter(({ status }) => status === "fulfilled").length;
  assert.ok(confirmed > 150, `${confirmed}`);
  assert.equal(witness.numbers.at(-1), 1000);
  await bus.close();
});

Deno.test("with waitForFirst a bus starts without a server, and its messages wait", async () => {
  await using server = await startNatsServer();
  await server.kill();
  const log = new LogRecorder();
  const bus = new NatsBus({ servers: server.url, logger: log, waitForFirst: true });
  await bus.connect();
  assert.equal(bus.connected, false);
  const subscription = await bus.subscribe("a.b");
  const published = bus.publish("a.b", { n: 1 });
  const waiting = bus.whenConnected();
  await eventually("it tried", () => log.of("bus.reconnect_failed").length > 0);
  await server.start();
  await Promise.all([published, waiting]);
  assert.equal((await take(subscription, 1))[0]!.data.n, 1);
  assert.equal(log.of("bus.connected").length, 1);
  assert.equal(log.of("bus.disconnected").length, 0);
  await bus.close();
});

Deno.test("waits between attempts grow from 1 s to 30 s, for ever, and begin anew", async () => {
  await using server = await startNatsServer();
  const waits: number[] = [];
  // Every wait takes 5 ms, whatever it is asked for.
  const clock: Clock = {
    ...systemClock,
    sleep: (milliseconds, signal) => {
      waits.push(milliseconds);
      return systemClock.sleep(5, signal);
    },
  };
  const bus = new NatsBus({ servers: server.url, logger: new LogRecorder(), clock });
  await bus.connect();
  for (let round = 0; round < 2; round++) {
    waits.length = 0;
    await server.kill();
    await eventually("it has tried many times", () => waits.length > 40);
    const full = waits.map((_, attempt) => Math.min(30_000, 1000 * 2 ** attempt));
    waits.forEach((wait, attempt) => {
      assert.ok(wait >= Math.max(1000, full[attempt]! * 0.75), `${wait} ms at ${attempt}`);
      assert.ok(wait <= full[attempt]!, `${wait} ms at ${attempt}`);
    });
    assert.ok(new Set(waits.slice(10)).size > 10, "they are not all the same");
    await server.start();
    await bus.whenConnected();
  }
  await bus.close();
});

Deno.test("closing while the server is down is immediate and rejects what is unwritten", async () => {
  await withBus(async (setup) => {
    const { server, bus } = setup;
    await server.kill();
    await isDown(setup);
    const waiting = bus.whenConnected(AbortSignal.timeout(50));
    const rejected = assert.rejects(bus.publish("a.b", {}), (error: Error) => {
      assert.ok(error instanceof BusClosedError);
      assert.match(error.message, /"a\.b"/);
      return true;
    });
    const before = performance.now();
    await bus.close();
    assert.ok(performance.now() - before < 1000);
    await rejected;
    await waiting;
  });
});

Deno.test("closing on a half-open connection does not wait longer than its time", async () => {
  await using server = await startNatsServer();
  await using proxy = new TcpProxy(server.port);
  const bus = new NatsBus({ servers: proxy.url, logger: new LogRecorder() });
  await bus.connect();
  proxy.stall();
  const rejected = assert.rejects(bus.publish("a.b", {}), UnconfirmedError);
  const before = performance.now();
  await bus.close();
  await rejected;
  const took = performance.now() - before;
  assert.ok(took > 4000 && took < 7000, `${took} ms`);
});

/** What the log says of a connection that breaks after what `before` did. */
async function reasonAfter(before: (server: FakeServer, bus: NatsBus) => Promise<void>) {
  await using server = new FakeServer();
  const log = new LogRecorder();
  await using bus = new NatsBus({ servers: server.url, logger: log, pingInterval: 50 });
  await bus.connect();
  await before(server, bus);
  await eventually("the break is told", () => log.of("bus.disconnected").length === 1);
  const { reason } = log.of("bus.disconnected")[0]!.fields;
  return { reason, isStale: log.of("bus.stale_connection").length === 1 };
}

Deno.test("a break is told with its own reason, not with an error from before", async () => {
  const closed = { reason: "the server closed the connection", isStale: false };
  const hangUp = await reasonAfter(async (server, bus) => {
    await server.say("-ERR 'Something Else'\r\n");
    await bus.publish("a.b", {}); // it goes on
    server.hangUp();
  });
  assert.deepEqual(hangUp, closed);
  for (const error of ["Invalid Subject", 'Permissions Violation for Publish to "no.x"']) {
    const minor = await reasonAfter(async (server) => {
      await server.say(`-ERR '${error}'\r\n`);
      await eventually("it has arrived", () => true);
      server.hangUp();
    });
    assert.deepEqual(minor, closed, error);
  }
  const silent = await reasonAfter(async (server) => {
    server.answersPings = false;
    await server.say("-ERR 'Something Else'\r\n");
  });
  assert.deepEqual(silent, { reason: "the server does not answer pings", isStale: true });
});

Deno.test("a break that the server gives a reason for is told in its words", async () => {
  for (const error of ["Stale Connection", "User Authentication Expired"]) {
    const told = await reasonAfter(async (server) => {
      await server.say(`-ERR '${error}'\r\n`);
      server.hangUp();
    });
    assert.deepEqual(told, { reason: error, isStale: false });
  }
});
