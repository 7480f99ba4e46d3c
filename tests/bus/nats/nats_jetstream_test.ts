/** Streams and buckets, on a real server. */
import assert from "node:assert/strict";
import { headers as natsHeaders } from "@nats-io/nats-core";
import { connect } from "../../helpers/nats_client.ts";
import { NatsBus } from "../../../lib/bus/nats/nats_bus.ts";
import {
  type JsonObject,
  NoReplyError,
  NotPermittedError,
  UnconfirmedError,
} from "../../../lib/bus/message_bus.ts";
import { StreamAcks } from "../../../lib/bus/nats/stream_acks.ts";
import {
  ConflictError,
  JetStreamUnavailableError,
  NoStreamError,
  StreamError,
} from "../../../lib/bus/stream_bus.ts";
import { ManualClock } from "../../../lib/time/manual_clock.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import { type NatsServer, startNatsServer } from "../../helpers/nats_server.ts";

const LIMITS = {
  name: "WORK",
  subjects: ["work.>"],
  replicas: 1,
  duplicateWindow: 120,
  maxAge: 3600,
  maxBytes: 1 << 24,
};

async function withStream(test: (bus: NatsBus, server: NatsServer) => Promise<void>) {
  await using server = await startNatsServer({ jetstream: true });
  const bus = new NatsBus({ servers: server.url, logger: new LogRecorder() });
  await bus.connect();
  try {
    await (await bus.jetStream()).createStream(LIMITS);
    await test(bus, server);
  } finally {
    await bus.close();
  }
}

Deno.test("a stream acknowledges what it stored, and drops a second of the same id", async () => {
  await withStream(async (bus) => {
    const headers = { "Nats-Msg-Id": "one" };
    const first = await bus.publishToStream("work.a", { n: 1 }, { headers });
    const second = await bus.publishToStream("work.a", { n: 1 }, { headers });
    assert.deepEqual(first, { stream: "WORK", sequence: 1, isDuplicate: false });
    assert.deepEqual(second, { stream: "WORK", sequence: 1, isDuplicate: true });
  });
});

Deno.test("many messages under way at once are stored in the order they were published in", async () => {
  await withStream(async (bus) => {
    const acks = await Promise.all(
      Array.from({ length: 5000 }, (_, n) => bus.publishToStream("work.a", { n })),
    );
    assert.deepEqual(acks.map(({ sequence }) => sequence), acks.map((_, n) => n + 1));
  });
});

Deno.test("a subscriber's reply is not taken for the stream's", async () => {
  await withStream(async (bus, server) => {
    await using other = busOn(server);
    await other.connect();
    const inbox = await other.subscribe("work.a");
    const replying = (async () => {
      for await (const message of inbox) await message.respond?.({ result: "done" });
    })();
    for (let n = 1; n <= 20; n++) {
      assert.equal((await bus.publishToStream("work.a", { n })).sequence, n);
    }
    await inbox.unsubscribe();
    await replying;
  });
});

Deno.test("where no stream captures the subject, the publisher is told at once", async () => {
  await withStream(async (bus) => {
    await assert.rejects(bus.publishToStream("elsewhere", {}), NoStreamError);
    assert.equal((await bus.streamsOf(["elsewhere"])).get("elsewhere"), null);
    assert.equal((await bus.streamsOf(["work.x"])).get("work.x"), "WORK");
  });
});

Deno.test("a stream that does not take a message says why", async () => {
  await withStream(async (bus) => {
    const headers = { "Nats-Expected-Stream": "OTHER" };
    await assert.rejects(bus.publishToStream("work.a", {}, { headers }), (error) => {
      assert.ok(error instanceof StreamError);
      assert.match(error.message, /refuses it: expected stream does not match/);
      return true;
    });
  });
});

Deno.test("what a killed server did not acknowledge is in doubt, and only that", async () => {
  await withStream(async (bus, server) => {
    await bus.publishToStream("work.a", { n: 0 });
    server.signal("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 50)); // its threads do not stop at once
    const doubtful = bus.publishToStream("work.a", { n: 1 });
    const outcome = assert.rejects(doubtful, UnconfirmedError);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.restart("SIGKILL");
    await outcome;
    await eventually("connected again", () => bus.connected);
    const { sequence } = await bus.publishToStream("work.a", { n: 2 });
    assert.ok(sequence === 2 || sequence === 3, `${sequence}`);
  });
});

Deno.test("a message that is not permitted any more when it could be written is not written", async () => {
  await withStream(async (bus, server) => {
    await server.kill();
    await eventually("disconnected", () => !bus.connected);
    let isPermitted = true;
    const late = bus.publishToStream("work.a", {}, { permit: () => isPermitted });
    const outcome = assert.rejects(late, NotPermittedError);
    isPermitted = false;
    await server.start();
    await outcome;
    assert.equal((await bus.publishToStream("work.a", {})).sequence, 1);
  });
});

Deno.test("a message that the server has read and no stream acknowledges is in doubt after a time", async () => {
  const clock = new ManualClock(0);
  const acks = new StreamAcks(clock, 1000);
  const expected = acks.expect("work.a");
  acks.received(expected);
  const outcomes: unknown[] = [];
  expected.promise.catch((error) => outcomes.push(error));
  await clock.advance(900);
  assert.equal(outcomes.length, 0);
  await clock.advance(400);
  assert.ok(outcomes[0] instanceof UnconfirmedError);
});

Deno.test("a value is written only by who knows its revision", async () => {
  await withStream(async (bus) => {
    const store = (await bus.jetStream()).keyValue("notes", { replicas: 1 });
    assert.equal(await store.get("a"), null);
    const first = await store.put("a", { n: 1 }, 0);
    await assert.rejects(store.put("a", { n: 2 }, 0), ConflictError);
    const second = await store.put("a", { n: 2 }, first);
    await assert.rejects(store.put("a", { n: 3 }, first), ConflictError);
    const { created, ...rest } = (await store.get("a"))!;
    assert.deepEqual(rest, { value: { n: 2 }, revision: second });
    assert.ok(Number.isInteger(created));
  });
});

Deno.test("a revision carries the server's time stamp, where it is read and where it is watched", async () => {
  await withStream(async (bus) => {
    const store = (await bus.jetStream()).keyValue("notes", { replicas: 1 });
    const before = Date.now();
    const first = await store.put("a", { n: 1 }, 0);
    const after = Date.now();
    const read = (await store.get("a"))!.created;
    assert.ok(before - 5 <= read && read <= after + 5, `${before} ${read} ${after}`);
    const watched: number[] = [];
    const end = new AbortController();
    const watching = store.watch("a", (_key, { created }) => watched.push(created), end.signal);
    await eventually("the first value", () => watched.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.put("a", { n: 2 }, first);
    await eventually("the second value", () => watched.length === 2);
    end.abort();
    await watching;
    assert.equal(watched[0], read);
    assert.ok(watched[1]! > read, `${watched}`);
  });
});

Deno.test("a value that is no JSON object is told apart from one that was deleted", async () => {
  await withStream(async (bus, server) => {
    const store = (await bus.jetStream()).keyValue("notes", { replicas: 1 });
    await store.put("a", { n: 1 }, 0);
    const client = await connect({ servers: server.url });
    for (const text of ["{", "[1]", "null", "5"]) {
      await client.request("$KV.notes.a", text);
      const { value, isMalformed } = (await store.get("a"))!;
      assert.deepEqual({ value, isMalformed }, { value: {}, isMalformed: true }, text);
    }
    const headers = natsHeaders();
    headers.set("KV-Operation", "DEL");
    await client.request("$KV.notes.a", "", { headers, timeout: 3000 });
    const { value, isMalformed } = (await store.get("a"))!;
    assert.deepEqual({ value, isMalformed }, { value: {}, isMalformed: undefined });
    await client.close();
  });
});

Deno.test("who watches is told what there is and what changes, until the connection is gone", async () => {
  await withStream(async (bus, server) => {
    const store = (await bus.jetStream()).keyValue("notes", { replicas: 1 });
    await store.put("x.a", { n: 1 }, 0);
    await store.put("y.a", { n: 1 }, 0);
    const seen: string[] = [];
    const watching = store.watch("x.*", (key, { value }) => {
      seen.push(`${key}=${value.n}`);
    }, new AbortController().signal);
    await eventually("the first value", () => seen.length === 1);
    await store.put("x.b", { n: 2 }, 0);
    await eventually("the second value", () => seen.length === 2);
    assert.deepEqual(seen, ["x.a=1", "x.b=2"]);
    await server.kill();
    await watching;
  });
});

Deno.test("a server without JetStream is told apart from one that is not there", async () => {
  await using server = await startNatsServer();
  await using bus = busOn(server);
  await bus.connect();
  await assert.rejects(bus.streamsOf(["work.a"]), JetStreamUnavailableError);
  const jetStream = await bus.jetStream();
  await assert.rejects(jetStream.createStream(LIMITS), JetStreamUnavailableError);
});

Deno.test("what has not the form of JetStream's answer does not say that there is no stream", async () => {
  await using server = await startNatsServer();
  await using bus = busOn(server);
  await bus.connect();
  const liar = await connect({ servers: server.url });
  liar.subscribe("$JS.API.STREAM.NAMES", {
    callback: (_error, message) => void message.respond("{}"),
  });
  await liar.flush();
  assert.ok((await bus.streamsOf(["work.a"])).get("work.a") instanceof NoReplyError);
  await liar.close();
});

function busOn({ url }: NatsServer): NatsBus {
  return new NatsBus({ servers: url, logger: new LogRecorder() });
}

Deno.test("a bucket that was deleted is created again by whoever uses it next", async () => {
  await withStream(async (bus, server) => {
    const jetStream = await bus.jetStream();
    const store = jetStream.keyValue("notes", { replicas: 1 });
    const other = jetStream.keyValue("notes", { replicas: 1 });
    const client = await connect({ servers: server.url });
    const remove = () => client.request("$JS.API.STREAM.DELETE.KV_notes", "");
    for (let n = 1; n <= 3; n++) await store.put(`k${n}`, {}, 0);
    await remove();
    assert.equal(await store.get("k1"), null);
    assert.equal(await other.put("k1", {}, 0), 1, "its revisions begin with 1");
    await remove();
    await assert.rejects(store.put("k1", {}, 1), ConflictError);
    assert.equal(await store.put("k1", {}, 0), 1);
    await remove();
    const seen: string[] = [];
    const end = new AbortController();
    const watching = store.watch("*", (key) => seen.push(key), end.signal);
    await eventually("it is created", async () => await jetStream.stream("KV_notes") !== null);
    await store.put("k9", {}, 0);
    await eventually("the value", () => seen.length === 1);
    end.abort();
    await watching;
    await client.close();
  });
});

Deno.test("a watch that the server does not allow ends with its reason, and leaves nothing for long", async () => {
  await withStream(async (bus, server) => {
    const store = (await bus.jetStream()).keyValue("notes", { replicas: 1 });
    await store.put("a", {}, 0);
    const client = await connect({ servers: server.url });
    const request = async (subject: string, data: object) =>
      (await client.request(`$JS.API.${subject}`, JSON.stringify(data))).json<JsonObject>();
    const { config } = await request("STREAM.INFO.KV_notes", {});
    await request("STREAM.DELETE.KV_notes", {});
    await request("STREAM.CREATE.KV_notes", { ...config as object, max_consumers: 1 });
    const end = new AbortController();
    let seen = 0;
    const first = store.watch("*", () => seen++, end.signal);
    await store.put("a", {}, 0);
    await eventually("the first watch is told", () => seen === 1);
    const second = store.watch("*", () => {}, end.signal);
    await assert.rejects(second, {
      message: 'Cannot watch "*" of the bucket "notes": maximum consumers limit reached',
    });
    const { consumers } = await request("CONSUMER.LIST.KV_notes", {});
    const [{ config: { inactive_threshold } }] = consumers as [
      { config: { inactive_threshold: number } },
    ];
    assert.ok(inactive_threshold <= 10e9, `${inactive_threshold} ns`);
    end.abort();
    await first;
    await client.close();
  });
});
