/** Finding a server, and saying why there is none. */
import assert from "node:assert/strict";
import { BusClosedError, BusConnectError } from "../../../lib/bus/message_bus.ts";
import { NatsBus } from "../../../lib/bus/nats/nats_bus.ts";
import { connectClient } from "../../../lib/bus/nats/nats_transport.ts";
import { parseServers } from "../../../lib/bus/nats/nats_servers.ts";
import { redactUrl } from "../../../lib/bus/redact_url.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import { connect } from "../../helpers/nats_client.ts";
import { startNatsServer } from "../../helpers/nats_server.ts";

/** A port that nothing listens on. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function reasonOf(servers: string, connectTimeout = 700): Promise<string> {
  const bus = new NatsBus({ servers, connectTimeout, logger: new LogRecorder() });
  const before = performance.now();
  try {
    await bus.connect();
    return "connected";
  } catch (error) {
    assert.ok(error instanceof BusConnectError, String(error));
    assert.ok(error.cause instanceof Error);
    const took = performance.now() - before;
    assert.ok(took < connectTimeout + 500, `${took} ms`);
    return error.message;
  } finally {
    await bus.close();
  }
}

Deno.test("no server: the message names it and why", async () => {
  const port = freePort();
  assert.equal(
    await reasonOf(`nats://u:hush@127.0.0.1:${port}`),
    `Cannot connect to nats://127.0.0.1:${port}: connection refused (tried for 0.7 s)`,
  );
  assert.match(
    await reasonOf(`nats://no-such-host.invalid`),
    /^Cannot connect to nats:\/\/no-such-host\.invalid:4222: the host name could not be resolved/,
  );
  assert.match(
    await reasonOf(`nats://127.0.0.1:${port}, 127.0.0.1:${port + 1}`),
    /127\.0\.0\.1:\d+: connection refused; nats:\/\/127\.0\.0\.1:\d+: connection refused \(tried/,
  );
});

Deno.test("what answers and is no NATS server is told apart from nobody", async () => {
  const behaviours: [RegExp, (connection: Deno.TcpConn) => Promise<unknown>][] = [
    [/no answer in time/, () => new Promise((resolve) => setTimeout(resolve, 1200))],
    [/unexpected response/, (connection) => {
      return connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    }],
    [/closed the connection/, () => Promise.resolve()],
  ];
  for (const [expected, behave] of behaviours) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving: Promise<unknown>[] = [];
    const accepting = (async () => {
      for await (const connection of listener) {
        serving.push(behave(connection).finally(() => connection.close()));
      }
    })();
    assert.match(await reasonOf(`127.0.0.1:${listener.addr.port}`), expected);
    listener.close();
    await accepting;
    await Promise.all(serving);
  }
});

Deno.test("a server that takes no more connections says so, at the start and later", async () => {
  await using server = await startNatsServer({ config: "max_connections: 1" });
  const log = new LogRecorder();
  await using bus = new NatsBus({ servers: server.url, logger: log });
  await bus.connect();
  assert.equal(
    await reasonOf(server.url),
    `Cannot connect to ${server.url}: maximum connections exceeded (tried for 0.7 s)`,
  );
  await using late = new NatsBus({ servers: server.url, logger: log, waitForFirst: true });
  await late.connect();
  await eventually("it is told", () => log.of("bus.reconnect_failed").length > 0);
  const { error } = log.of("bus.reconnect_failed")[0]!.fields;
  assert.equal(error, `${server.url}: maximum connections exceeded`);
});

Deno.test("a server that starts while connect tries is found", async () => {
  await using server = await startNatsServer();
  await server.kill();
  const bus = new NatsBus({ servers: server.url, logger: new LogRecorder() });
  const connecting = bus.connect();
  await new Promise((resolve) => setTimeout(resolve, 600));
  await server.start();
  await connecting;
  assert.ok(bus.connected);
  await bus.close();
});

Deno.test("of several servers the first that lives is taken, and another when it dies", async () => {
  await using first = await startNatsServer();
  await using second = await startNatsServer();
  const servers = [`nats://127.0.0.1:${freePort()}`, `${first.url},${second.url}`];
  const log = new LogRecorder();
  const bus = new NatsBus({ servers, logger: log });
  await bus.connect();
  assert.equal(log.of("bus.connected")[0]!.fields.server, first.url);
  await first.kill();
  await bus.publish("a.b", {}).catch(() => {});
  await bus.publish("a.b", {});
  assert.equal(log.of("bus.reconnected")[0]!.fields.server, second.url);
  await bus.close();
});

Deno.test("closing ends a connect that tries", async () => {
  const servers = `nats://127.0.0.1:${freePort()}`;
  const bus = new NatsBus({ servers, logger: new LogRecorder() });
  const rejected = assert.rejects(bus.connect(), BusClosedError);
  await bus.close();
  await rejected;
});

Deno.test("closing ends a connect that waits for a server which says nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const servers = `nats://127.0.0.1:${listener.addr.port}`;
  const bus = new NatsBus({ servers, logger: new LogRecorder() });
  const rejected = assert.rejects(bus.connect(), BusClosedError);
  const connection = await accepted;
  const before = performance.now();
  await bus.close();
  await rejected;
  assert.equal(await connection.read(new Uint8Array(1)), null, "its socket is gone");
  assert.ok(performance.now() - before < 1000);
  connection.close();
  listener.close();
});

Deno.test("a connection that another client's transport got in between is given up", async () => {
  await using server = await startNatsServer();
  const { signal } = new AbortController();
  const options = { servers: [server.url], reconnect: false };
  const opening = connectClient(options, signal);
  const refused = assert.rejects(
    opening,
    /another NATS client of this process has replaced the transport/,
  );
  await using _other = await connect({ servers: server.url }); // its transport is for all from now on
  await refused;
  const { client, transport } = await connectClient(options, signal);
  assert.equal(transport.isClosed, false);
  await client.close();
  assert.equal(transport.isClosed, true);
});

Deno.test("before connect(), a bus says to call it, and closes", async () => {
  const bus = new NatsBus({ servers: "nats://127.0.0.1:1", logger: new LogRecorder() });
  const uses: [RegExp, () => Promise<unknown>][] = [
    [/^Cannot publish to "a\.b"/, () => bus.publish("a.b", {})],
    [/^Cannot publish to "a\.b"/, () => bus.publishToStream("a.b", {})],
    [/^Cannot request "a\.b"/, () => bus.request("a.b", {}, 1000)],
    [/^Cannot subscribe to "a\.b"/, () => bus.subscribe("a.b")],
    [/^Cannot look for streams/, () => bus.streamsOf(["a.b"])],
  ];
  const refused = async () => {
    for (const [what, use] of uses) {
      await assert.rejects(use(), (error: Error) => {
        assert.match(error.message, what);
        assert.match(error.message, /: the bus is not connected: call connect\(\) first$/);
        return true;
      });
    }
  };
  await refused();
  await bus.close();
  await assert.rejects(bus.publish("a.b", {}), BusClosedError);
});

Deno.test("what waits for a connection that cannot be made fails with it, and a later one works", async () => {
  await using server = await startNatsServer();
  await server.kill();
  const logger = new LogRecorder();
  await using bus = new NatsBus({ servers: server.url, logger, connectTimeout: 300 });
  const connecting = [bus.connect(), bus.connect()];
  const published = assert.rejects(bus.publish("a.b", {}), /^Error: Cannot publish to "a\.b": /);
  const asked = assert.rejects(
    bus.request("a.b", {}, 60_000),
    /^Error: Cannot publish to "a\.b": /,
  );
  for (const each of connecting) await assert.rejects(each, BusConnectError);
  await Promise.all([published, asked]);
  await assert.rejects(bus.publish("a.b", {}), /call connect\(\) first$/);
  await server.start();
  await bus.connect();
  await bus.publish("a.b", {});
});

Deno.test("URLs that are none are refused without showing a secret", () => {
  for (
    const url of [
      "",
      " , ",
      "http://h",
      "ws://u:hush@h",
      "nats://",
      "nats://u:hush@",
      "nats://t%@h",
    ]
  ) {
    assert.throws(() => new NatsBus({ servers: url }), (error: Error) => {
      assert.match(error.message, /^Cannot connect to "/);
      assert.doesNotMatch(error.message, /hush|t%/);
      return true;
    });
  }
});

Deno.test("URLs are read with their credentials and shown without", () => {
  const address = "h:4222";
  const plain = { address, shown: "nats://h:4222", tls: false };
  assert.deepEqual(parseServers("nats://u:p%40%2C@h"), [{ ...plain, user: "u", password: "p@," }]);
  assert.deepEqual(parseServers(["nats://t@h:1, tls://[::1]:7 ", "h"]), [
    { address: "h:1", shown: "nats://h:1", tls: false, token: "t" },
    { address: "[::1]:7", shown: "tls://[::1]:7", tls: true },
    plain,
  ]);
});

Deno.test("a redacted URL holds neither password nor token", () => {
  const rows = {
    "nats://h:4222": "nats://h:4222",
    "nats://user:pass@h": "nats://user:***@h",
    "nats://token@h": "nats://***@h",
    "nats://user:p@ss:w/rd@h:1": "nats://user:***@h:1",
    "nats://user:pa,ss@h": "nats://user:***@h",
    "nats://a:b@h,nats://c@i, j": "nats://a:***@h,nats://***@i,j",
    "user:pass@h": "user:***@h",
    "nonsense": "nonsense",
  };
  for (const [url, shown] of Object.entries(rows)) assert.equal(redactUrl(url), shown);
});
