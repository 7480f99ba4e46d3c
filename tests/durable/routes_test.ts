/** Which way dispatches take, and what the server's silence changes about it: nothing. */
import assert from "node:assert/strict";
import { NoReplyError } from "../../lib/bus/message_bus.ts";
import {
  JetStreamUnavailableError,
  LookupRefusedError,
  NoStreamError,
  StreamError,
  type StreamInfo,
} from "../../lib/bus/stream_bus.ts";
import { streamFaults } from "../../lib/bus/stream_faults.ts";
import { setUp, WORK } from "./scripted_bus.ts";

const SILENCE = new NoReplyError("Nobody answered within 3000 ms", "timeout");
const NO_LEADER = new StreamError("JetStream system temporarily unavailable", 10008);
const NO_JETSTREAM = new JetStreamUnavailableError("None here");
const REFUSED = new LookupRefusedError("This user may not ask");

for (const reason of [SILENCE, NO_LEADER, REFUSED]) {
  Deno.test(`auto publishes nothing before the server has said which way: ${reason.message}`, async () => {
    const { bus, delivery, clock } = await setUp();
    bus.stream = reason;
    const stop = new AbortController();
    const looked = delivery.look(["w"], stop.signal);
    const published = [1, 2].map((n) => delivery.publish("w", { n }, {}));
    await clock.advance(60_000);
    assert.deepEqual([bus.core, bus.stored], [[], []]);
    const { via, error } = delivery.routes[0]!;
    assert.deepEqual([via, error], ["unknown", reason.message]);
    bus.stream = "WORK";
    await clock.advance(60_000);
    await Promise.all([looked, ...published]);
    assert.deepEqual([bus.core, bus.stored.length], [[], 2]);
  });
}

for (const reason of [SILENCE, NO_LEADER, REFUSED, NO_JETSTREAM]) {
  Deno.test(`where a stream is known it stays so: ${reason.message}`, async () => {
    const { bus, delivery, clock } = await setUp();
    await delivery.look(["w"]);
    bus.stream = reason;
    bus.failures.push(...Array.from({ length: 20 }, () => new NoStreamError("Nobody listens")));
    const published = delivery.publish("w", { n: 1 }, {});
    await clock.advance(20_000);
    await delivery.look(["w"]); // as a reload does
    bus.stream = "WORK";
    await clock.advance(40_000);
    await published;
    assert.deepEqual([bus.core, bus.stored], [[], [{ n: 1 }]]);
  });
}

Deno.test("--delivery jetstream never publishes over core NATS, whatever is known", async () => {
  for (const stream of [SILENCE, NO_LEADER, REFUSED, NO_JETSTREAM, null, "WORK"]) {
    const { bus, delivery, clock } = await setUp("jetstream");
    bus.stream = stream;
    const stop = new AbortController();
    bus.failures.push(new NoStreamError("Nobody"), new NoStreamError("Nobody"));
    const early = delivery.publish("w", { n: 0 }, {});
    const looked = delivery.look(["w"], stop.signal).catch(() => {});
    await clock.advance(5000);
    bus.failures.push(new NoStreamError("Nobody"), new NoStreamError("Nobody"));
    bus.stream = null;
    const late = delivery.publish("w", { n: 1 }, {});
    await clock.advance(5000);
    stop.abort();
    await Promise.all([early, late, looked]);
    assert.deepEqual([bus.core, bus.stored.length], [[], 2], String(stream));
  }
});

Deno.test("auto says when its stream is gone, and returns to it by itself within seconds", async () => {
  const { bus, delivery, clock, logger } = await setUp();
  await delivery.look(["w"]);
  const stop = new AbortController();
  let found = 0;
  const following = delivery.follow(stop.signal, () => found++);
  await clock.advance(60_000);
  assert.equal(bus.lookups, 1, "nobody asks while there is a stream");
  bus.stream = null;
  bus.failures.push(new NoStreamError("Nobody"));
  await delivery.publish("w", { n: 1 }, {});
  assert.deepEqual(bus.core, [{ n: 1 }]);
  const { level, fields } = logger.of("delivery.fell_back")[0]!;
  assert.deepEqual([level, fields.subject, fields.stream], ["warning", "w", "WORK"]);
  const since = clock.now();
  assert.deepEqual(delivery.routes, [
    { subject: "w", via: "fallback", stream: "WORK", since, error: null },
  ]);
  await clock.advance(6000);
  assert.equal(delivery.isAcknowledged("w"), false);
  bus.stream = "WORK";
  await clock.advance(10_000);
  assert.equal(found, 1);
  await delivery.publish("w", { n: 2 }, {});
  assert.deepEqual(bus.stored, [{ n: 2 }]);
  assert.equal(delivery.routes[0]!.via, "jetstream");
  stop.abort();
  await following;
});

Deno.test("where there never was a stream auto asks now and then, and finds the first", async () => {
  for (const none of [null, NO_JETSTREAM]) {
    const { bus, delivery, clock, logger } = await setUp();
    bus.stream = none;
    await delivery.look(["w"]);
    const stop = new AbortController();
    const following = delivery.follow(stop.signal, () => {});
    await clock.advance(600_000);
    assert.ok(bus.lookups > 50 && bus.lookups < 80, `${bus.lookups}`);
    assert.deepEqual(logger.lines.filter(({ level }) => level !== "info"), []);
    assert.equal(delivery.routes[0]!.via, "core");
    bus.stream = "WORK";
    await clock.advance(10_000);
    assert.equal(delivery.routes[0]!.via, "jetstream");
    stop.abort();
    await following;
  }
});

Deno.test("a permission that is missing is said once, with what to do", async () => {
  const { bus, delivery, clock, logger } = await setUp();
  bus.stream = REFUSED;
  const stop = new AbortController();
  const looked = delivery.look(["w"], stop.signal);
  await clock.advance(60_000);
  const said = logger.of("delivery.lookup_failed").filter(({ level }) => level !== "debug");
  assert.equal(said.length, 1);
  assert.equal(said[0]!.level, "error");
  assert.match(String(said[0]!.fields.hint), /nothing is dispatched.*--delivery core/);
  stop.abort();
  await looked;
});

Deno.test("the streams are judged at the start: a short window with both numbers", async () => {
  const { bus, delivery, logger } = await setUp("auto", { leaseTtl: 10_000 });
  bus.info = { duplicateWindow: 2 };
  await delivery.look(["w"]);
  await delivery.look(["w"]);
  const [only, ...others] = logger.of("delivery.unsafe_stream");
  assert.equal(others.length, 0, "it is said once");
  const { stream, setting, value, problem } = only!.fields;
  assert.deepEqual([only!.level, stream, setting, value], [
    "warning",
    "WORK",
    "duplicate_window",
    "2 s",
  ]);
  assert.match(
    String(problem),
    /more than 2 s have passed; 371 s are needed: .*--duplicate-window/,
  );
  bus.info = { duplicateWindow: 3 };
  await delivery.look(["w"]);
  assert.equal(logger.of("delivery.unsafe_stream").length, 2, "it is another one now");
});

Deno.test("each setting that loses or doubles dispatches is found, and no other", () => {
  const rows: [Partial<StreamInfo>, string[]][] = [
    [{}, []],
    [{ duplicateWindow: 361 }, []],
    [{ duplicateWindow: 360 }, ["duplicate_window"]],
    [{ isAcknowledging: false }, ["no_ack"]],
    [{ isSealed: true }, ["sealed"]],
    [{ maxMessageBytes: 700 }, ["max_msg_size"]],
    [{ maxMessageBytes: 1 << 20 }, []],
    [{ refusesWhenFull: true }, ["discard"]],
    [{ maxMessagesPerSubject: 1 }, ["max_msgs_per_subject"]],
    [{ retention: "interest" }, ["retention"]],
    [{ retention: "workqueue" }, []],
    [{ replicas: 3, isClustered: true }, []],
    [{ replicas: 3 }, ["num_replicas"]],
  ];
  for (const [change, expected] of rows) {
    const faults = streamFaults({ ...WORK, ...change }, 361);
    assert.deepEqual(faults.map(({ setting }) => setting), expected, JSON.stringify(change));
  }
});

Deno.test("a stream that acknowledges nothing, or is sealed, is none for --delivery jetstream", async () => {
  for (const info of [{ isAcknowledging: false }, { isSealed: true }]) {
    const { bus, delivery } = await setUp("jetstream");
    bus.info = info;
    await assert.rejects(delivery.look(["w"]), (error) => {
      assert.ok(error instanceof NoStreamError);
      assert.match(error.message, /the stream "WORK" of "w" (acknowledges nothing|is sealed)/);
      return true;
    });
  }
  const { bus, delivery, logger } = await setUp();
  bus.info = { isAcknowledging: false };
  await delivery.look(["w"]);
  await delivery.publish("w", { n: 1 }, {});
  assert.deepEqual(bus.core, [{ n: 1 }], "it reaches the stream, which would never say so");
  assert.equal(logger.of("delivery.unsafe_stream").length, 1);
  assert.deepEqual(delivery.streams, ["WORK"]);
});

Deno.test("a stream that cannot be read delivers, and is taken for one with the server's window", async () => {
  const { bus, delivery, logger } = await setUp();
  bus.info = new Error("No permission");
  await delivery.look(["w"]);
  await delivery.look(["w"]);
  const said = logger.of("delivery.stream_unread").filter(({ level }) => level === "warning");
  assert.equal(said.length, 1);
  await delivery.publish("w", { n: 1 }, {});
  assert.deepEqual(bus.stored, [{ n: 1 }]);
});

const MANY = Array.from({ length: 1000 }, (_, n) => `jobs.${n}`);

Deno.test("a thousand subjects are one request, one reading of their stream and one line of the log", async () => {
  const { bus, delivery, clock, logger } = await setUp();
  let read = 0;
  const { jetStream } = bus;
  bus.jetStream = () => (read++, jetStream.call(bus));
  await delivery.look(MANY);
  assert.deepEqual([bus.lookups, read], [1, 1]);
  const chosen = logger.of("delivery.chosen").map(({ fields }) => fields);
  assert.deepEqual(chosen, [
    { subject: "jobs.0", other_subjects: 999, delivery: "jetstream", stream: "WORK" },
  ]);
  bus.stream = null;
  bus.failures.push(new NoStreamError("Nobody"));
  await delivery.publish("jobs.5", { n: 1 }, {});
  assert.equal(logger.of("delivery.fell_back").length, 1);
  assert.equal(delivery.routes.filter(({ via }) => via === "fallback").length, 1000);
  bus.stream = SILENCE;
  const stop = new AbortController();
  const following = delivery.follow(stop.signal, () => {});
  await clock.advance(60_000);
  const said = logger.of("delivery.lookup_failed").filter(({ level }) => level !== "debug");
  assert.deepEqual(said.map(({ fields }) => fields.other_subjects), [999]);
  stop.abort();
  await following;
});

Deno.test("--delivery jetstream names each subject that no stream captures, with the command that helps", async () => {
  const { bus, delivery } = await setUp("jetstream");
  bus.streamOf = (subject) => subject === "w" ? "WORK" : null;
  await assert.rejects(delivery.look(["jobs.a", "w", "jobs.b"]), (error) => {
    assert.ok(error instanceof NoStreamError);
    assert.equal(
      error.message,
      'Cannot deliver with --delivery jetstream: no stream captures "jobs.a", "jobs.b"; create one ' +
        "with: heddle-scheduler stream create --subject jobs.a --subject jobs.b",
    );
    return true;
  });
});

Deno.test("a subject that is forgotten is not asked for any more, unless something is still sent to it", async () => {
  const { bus, delivery, clock } = await setUp();
  await delivery.look(["a", "b"]);
  delivery.keep(["b"]);
  assert.deepEqual(delivery.routes.map(({ subject }) => subject), ["b"]);
  const published = delivery.publish("a", { n: 1 }, {});
  await clock.advance(5000);
  await published;
  assert.deepEqual(bus.stored, [{ n: 1 }]);
});
