import assert from "node:assert/strict";
import { UnconfirmedError } from "../../lib/bus/message_bus.ts";
import { JetStreamUnavailableError, NoStreamError, StreamError } from "../../lib/bus/stream_bus.ts";
import { GaveUpError, InDoubtError } from "../../lib/durable/delivery.ts";
import { setUp } from "./scripted_bus.ts";

Deno.test("without a stream a dispatch goes over core NATS, with one it is acknowledged", async () => {
  const { bus, delivery, logger } = await setUp();
  bus.stream = null;
  await delivery.look(["w"]);
  await delivery.publish("w", { n: 1 }, {});
  bus.stream = "WORK";
  await delivery.look(["w"]);
  await delivery.publish("w", { n: 2 }, {});
  assert.deepEqual([bus.core, bus.stored], [[{ n: 1 }], [{ n: 2 }]]);
  assert.deepEqual(logger.of("delivery.chosen").map(({ fields }) => fields.delivery), [
    "core",
    "jetstream",
  ]);
});

Deno.test("core asks for no stream; jetstream without one says how to make it", async () => {
  const core = await setUp("core");
  core.bus.stream = new Error("Nobody may ask");
  await core.delivery.look(["w"]);
  const strict = await setUp("jetstream");
  strict.bus.stream = null;
  await assert.rejects(strict.delivery.look(["w"]), (error) => {
    assert.ok(error instanceof NoStreamError);
    assert.match(error.message, /no stream captures "w".* heddle-scheduler stream create/);
    return true;
  });
  strict.bus.stream = new JetStreamUnavailableError("None here");
  await assert.rejects(strict.delivery.look(["w"]), JetStreamUnavailableError);
});

Deno.test("without JetStream, auto is core and says nothing of an error", async () => {
  const { bus, delivery, logger } = await setUp();
  bus.stream = new JetStreamUnavailableError("None here");
  await delivery.look(["w"]);
  assert.equal(delivery.isAcknowledged("w"), false);
  assert.deepEqual(logger.lines.filter(({ level }) => level !== "info"), []);
});

Deno.test("what is not acknowledged is sent again until it is, and reported once a second", async () => {
  const { bus, delivery, clock, logger } = await setUp();
  await delivery.look(["w"]);
  for (let n = 0; n < 6; n++) bus.failures.push(new UnconfirmedError("Lost"));
  let isDone = false;
  const published = delivery.publish("w", { n: 1 }, {}).then(() => isDone = true);
  await clock.advance(1000);
  assert.equal(isDone, false);
  await clock.advance(10_000);
  await published;
  assert.equal(bus.attempts, 7);
  assert.deepEqual(bus.stored, [{ n: 1 }]);
  assert.ok(logger.of("delivery.retrying").length <= 4);
});

Deno.test("after its grace a dispatch is given up, with the last reason", async () => {
  const { bus, delivery, clock } = await setUp();
  await delivery.look(["w"]);
  for (let n = 0; n < 99; n++) bus.failures.push(new UnconfirmedError("Lost it"));
  const until = clock.now() + 5000;
  const outcome = assert.rejects(delivery.publish("w", {}, { until }), (error) => {
    assert.ok(error instanceof GaveUpError);
    assert.match(
      error.message,
      /within misfire_grace_seconds \(attempts: \d+, the last: Lost it\)/,
    );
    return true;
  });
  await clock.advance(10_000);
  await outcome;
});

Deno.test("a signal ends the attempts", async () => {
  const { bus, delivery, clock } = await setUp();
  await delivery.look(["w"]);
  for (let n = 0; n < 99; n++) bus.failures.push(new UnconfirmedError("Lost"));
  const stop = new AbortController();
  const outcome = assert.rejects(
    delivery.publish("w", {}, { signal: stop.signal }),
    /the newer one/,
  );
  await clock.advance(1000);
  stop.abort(new Error("the newer one"));
  await outcome;
  const { attempts } = bus;
  await clock.advance(10_000);
  assert.equal(bus.attempts, attempts);
});

Deno.test("what may not leave now waits until it may", async () => {
  const { bus, delivery, clock, logger } = await setUp();
  await delivery.look(["w"]);
  let isPermitted = false;
  const published = delivery.publish("w", { n: 1 }, { permit: () => isPermitted });
  await clock.advance(3000);
  assert.deepEqual(bus.stored, []);
  isPermitted = true;
  await clock.advance(3000);
  await published;
  assert.equal(bus.stored.length, 1);
  assert.equal(logger.of("delivery.retrying").length, 0, "nobody is to blame");
});

Deno.test("when the server says that nobody listens, auto looks again: the stream may have gone", async () => {
  const { bus, delivery } = await setUp();
  await delivery.look(["w"]);
  bus.failures.push(new NoStreamError("Nobody"), new NoStreamError("Nobody"));
  bus.stream = null;
  const { lookups } = bus;
  await Promise.all([1, 2].map((n) => delivery.publish("w", { n }, {})));
  assert.deepEqual(bus.core, [{ n: 1 }, { n: 2 }]);
  assert.equal(bus.lookups, lookups + 1, "once for both");
});

Deno.test("a stream that has no leader just now is waited for, not given up", async () => {
  const { bus, delivery, clock } = await setUp();
  await delivery.look(["w"]);
  bus.failures.push(new NoStreamError("Nobody just now"));
  const published = delivery.publish("w", { n: 1 }, {});
  await clock.advance(1000);
  await published;
  assert.deepEqual([bus.core, bus.stored], [[], [{ n: 1 }]]);
});

Deno.test("what another attempt cannot change is thrown at once", async () => {
  const { bus, delivery } = await setUp();
  await delivery.look(["w"]);
  bus.failures.push(new RangeError("Too large"));
  await assert.rejects(delivery.publish("w", {}, {}), RangeError);
  assert.equal(bus.attempts, 1);
});

Deno.test("where a refusal is final the stream's first answer is the last word; silence is not", async () => {
  const { clock, bus, delivery } = await setUp();
  await delivery.look(["w"]);
  bus.failures.push(
    new UnconfirmedError("The connection broke"),
    new StreamError("maximum messages exceeded", 10077),
  );
  const refused = assert.rejects(
    delivery.publish("w", { n: 1 }, { isRefusalFinal: true }),
    /maximum messages exceeded/,
  );
  await clock.advance(60_000);
  await refused;
  assert.deepEqual([bus.attempts, bus.stored], [2, []]);
});

Deno.test("what may have been stored is sent again only within the duplicate window, then it is in doubt", async () => {
  const { bus, delivery, clock } = await setUp();
  bus.info = { duplicateWindow: 2 };
  await delivery.look(["w"]);
  for (let n = 0; n < 99; n++) bus.failures.push(new UnconfirmedError("The connection broke"));
  const outcome = assert.rejects(delivery.publish("w", {}, {}), (error) => {
    assert.ok(error instanceof InDoubtError);
    assert.match(
      error.message,
      /^Cannot tell whether the stream "WORK" stored the message to "w": not acknowledged \(attempts: \d, the last: The connection broke\); it is not sent again, .* window of 2 s/,
    );
    return true;
  });
  await clock.advance(1700);
  const { attempts } = bus;
  assert.ok(attempts > 3, `${attempts}`);
  await clock.advance(1000);
  await outcome;
  await clock.advance(60_000);
  assert.equal(bus.attempts, attempts);
});

Deno.test("the window counts from the first attempt by the clock that says more: a machine may have slept", async () => {
  const { bus, delivery, clock } = await setUp();
  bus.info = { duplicateWindow: 60 };
  await delivery.look(["w"]);
  bus.failures.push(new UnconfirmedError("Lost"));
  const outcome = assert.rejects(delivery.publish("w", {}, {}), InDoubtError);
  await clock.advance(10);
  clock.jump(59_000);
  await clock.advance(100);
  await outcome;
  assert.equal(bus.attempts, 1);
});

Deno.test("what was not stored for certain is sent again after the window too", async () => {
  const { bus, delivery, clock } = await setUp();
  bus.info = { duplicateWindow: 2 };
  await delivery.look(["w"]);
  for (let n = 0; n < 5; n++) {
    bus.failures.push(new NoStreamError("No leader"), new StreamError("It is full", 10077));
  }
  const published = delivery.publish("w", { n: 1 }, {});
  await clock.advance(30_000);
  await published;
  assert.equal(bus.stored.length, 1);
});

Deno.test("while the server is away for longer than the window, what is in doubt ends with it", async () => {
  const { bus, delivery, clock } = await setUp();
  bus.info = { duplicateWindow: 10 };
  await delivery.look(["w"]);
  bus.failures.push(new UnconfirmedError("Lost"));
  bus.isDown = true;
  const outcome = assert.rejects(delivery.publish("w", {}, {}), InDoubtError);
  await clock.advance(9100);
  await outcome;
  bus.isDown = false;
  await clock.advance(60_000);
  assert.equal(bus.attempts, 1);
});

Deno.test("a message that is written later than it was handed over is judged when it is written", async () => {
  const { bus, delivery, clock } = await setUp();
  bus.info = { duplicateWindow: 10 };
  await delivery.look(["w"]);
  bus.failures.push(new UnconfirmedError("Lost"));
  // The second attempt waits for a connection that comes after the window, and ignores its signal.
  bus.onAttempt = async () => {
    if (bus.attempts === 2) await clock.sleep(20_000);
  };
  const outcome = assert.rejects(delivery.publish("w", {}, {}), InDoubtError);
  await clock.advance(30_000);
  await outcome;
  assert.deepEqual(bus.stored, []);
});

Deno.test("an occurrence that is fired again in a new term keeps its first attempt", async () => {
  const { bus, delivery, clock } = await setUp();
  bus.info = { duplicateWindow: 10 };
  await delivery.look(["w"]);
  bus.failures.push(new UnconfirmedError("Lost"));
  const headers = { "Nats-Msg-Id": "s/a/1/0" };
  const lapsed = new AbortController();
  const first = assert.rejects(delivery.publish("w", {}, { headers, signal: lapsed.signal }));
  await clock.advance(10);
  lapsed.abort(new Error("the lease lapsed"));
  await first;
  await clock.advance(9000);
  await assert.rejects(delivery.publish("w", {}, { headers }), InDoubtError);
  assert.equal(bus.attempts, 1);
  const another = { "Nats-Msg-Id": "s/a/2/0" };
  await delivery.publish("w", { n: 2 }, { headers: another });
  assert.deepEqual(bus.stored, [{ n: 2 }]);
});

Deno.test("what may be in the stream is not sent over core NATS when the stream goes", async () => {
  const { bus, delivery, clock } = await setUp();
  await delivery.look(["w"]);
  bus.failures.push(new UnconfirmedError("Lost"), new NoStreamError("Nobody"));
  bus.stream = null;
  const outcome = assert.rejects(delivery.publish("w", {}, {}), InDoubtError);
  await clock.advance(1000);
  await outcome;
  assert.deepEqual(bus.core, []);
});

Deno.test("a message that is larger than the stream takes fails at once, by name", async () => {
  const { bus, delivery } = await setUp();
  bus.info = { maxMessageBytes: 700 };
  await delivery.look(["w"]);
  bus.failures.push(new StreamError("message size exceeds maximum allowed", 10054));
  await assert.rejects(delivery.publish("w", {}, {}), (error) => {
    assert.ok(error instanceof StreamError);
    assert.equal(
      error.message,
      'Cannot publish to "w": the message is larger than max_msg_size ' +
        '(700 bytes, headers included) of the stream "WORK"',
    );
    return true;
  });
  assert.equal(bus.attempts, 1);
});
