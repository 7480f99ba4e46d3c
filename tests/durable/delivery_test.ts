import assert from "node:assert/strict";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import {
  type JsonObject,
  NotPermittedError,
  type PublishOptions,
  UnconfirmedError,
} from "../../lib/bus/message_bus.ts";
import {
  type JetStream,
  JetStreamUnavailableError,
  NoStreamError,
  type StreamAck,
  type StreamBus,
  StreamError,
} from "../../lib/bus/stream_bus.ts";
import { Delivery, type DeliveryMode, GaveUpError } from "../../lib/durable/delivery.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";

/** A bus whose streams, and their answers, the test decides. */
class ScriptedBus extends MemoryBus implements StreamBus {
  stream: string | null | Error = "WORK";
  /** What the next attempts fail with; after that they are stored. */
  readonly failures: Error[] = [];
  readonly stored: JsonObject[] = [];
  readonly core: JsonObject[] = [];
  attempts = 0;
  lookups = 0;

  override publish(_subject: string, data: JsonObject): Promise<void> {
    this.core.push(data);
    return Promise.resolve();
  }

  publishToStream(
    _subject: string,
    data: JsonObject,
    options: PublishOptions = {},
  ): Promise<StreamAck> {
    this.attempts++;
    if (options.permit?.() === false) return Promise.reject(new NotPermittedError("Not now"));
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    this.stored.push(data);
    return Promise.resolve({ stream: "WORK", sequence: this.stored.length, isDuplicate: false });
  }

  streamOf(): Promise<string | null> {
    this.lookups++;
    if (this.stream instanceof Error) return Promise.reject(this.stream);
    return Promise.resolve(this.stream);
  }

  jetStream(): Promise<JetStream> {
    throw new Error("Nothing more is needed");
  }
}

async function setUp(mode: DeliveryMode = "auto") {
  const clock = new ManualClock("2026-01-01T00:00:00Z");
  const bus = new ScriptedBus({ clock });
  await bus.connect();
  const logger = new LogRecorder();
  const delivery = new Delivery({ bus, mode, clock, logger });
  return { clock, bus, logger, delivery };
}

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
