import assert from "node:assert/strict";
import { BaseActor } from "../../lib/actor/actor.ts";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type {
  JsonObject,
  Message,
  SubscribeOptions,
  Subscription,
} from "../../lib/bus/message_bus.ts";
import type { Clock } from "../../lib/time/clock.ts";
import { ManualClock, settle } from "../../lib/time/manual_clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { startNatsServer } from "../helpers/nats_server.ts";

const SUBJECT = "heddle.test";

interface Behaviour {
  handle?(data: JsonObject, message: Message, signal: AbortSignal): Promise<void> | void;
  reload?(signal: AbortSignal): Promise<void> | void;
  background?(signal: AbortSignal, over: AbortSignal): Promise<void>;
}

class TestActor extends BaseActor {
  constructor(
    readonly behaviour: Behaviour,
    bus: MemoryBus,
    log: LogRecorder,
    limit?: number,
    clock?: Clock,
    shutdownGraceSeconds?: number,
  ) {
    super("test", { bus, logger: log, maxConcurrent: limit, clock, shutdownGraceSeconds });
  }
  override handleMessage(data: JsonObject, message: Message, signal: AbortSignal) {
    return this.behaviour.handle?.(data, message, signal);
  }
  override onReload(signal: AbortSignal) {
    return this.behaviour.reload?.(signal);
  }
  ask(reason: string): Promise<unknown> {
    return this.reload(reason);
  }
  protected override background(signal: AbortSignal, over: AbortSignal) {
    return this.behaviour.background?.(signal, over) ?? super.background(signal, over);
  }
}

/** A running actor on a memory bus of its own. */
async function withActor(
  behaviour: Behaviour,
  test: (
    run: { actor: TestActor; bus: MemoryBus; log: LogRecorder; stop(): Promise<void> },
  ) => Promise<void>,
  maxConcurrent?: number,
) {
  const log = new LogRecorder();
  const bus = new MemoryBus({ logger: log });
  const actor = new TestActor(behaviour, bus, log, maxConcurrent);
  const stopping = new AbortController();
  const running = actor.run({
    subject: SUBJECT,
    signal: stopping.signal,
    handleSignals: false,
  });
  const stop = () => {
    stopping.abort();
    return running;
  };
  try {
    await eventually("subscribed", () => log.of("actor.control_subscribed").length === 1);
    await test({ actor, bus, log, stop });
  } finally {
    await stop();
  }
}

const deferred = () => Promise.withResolvers<void>();

Deno.test("an actor that never receives a message ends when told to", async () => {
  await withActor({}, async ({ stop, log }) => {
    const before = performance.now();
    await stop();
    assert.ok(performance.now() - before < 1000);
    const events = log.lines.map(({ event }) => event);
    assert.deepEqual(events.filter((event) => event.startsWith("actor.")), [
      "actor.connected",
      "actor.subscribed",
      "actor.control_subscribed",
      "actor.shutdown_requested",
      "actor.disconnected",
    ]);
  });
});

Deno.test("messages are handled in strict order, one at a time", async () => {
  const seen: string[] = [];
  const handle = async ({ n }: JsonObject) => {
    seen.push(`start ${n}`);
    await new Promise((resolve) => setTimeout(resolve, 5 - Number(n)));
    seen.push(`end ${n}`);
  };
  await withActor({ handle }, async ({ bus, stop }) => {
    for (const n of [1, 2, 3]) await bus.publish(SUBJECT, { n });
    await eventually("all handled", () => seen.length === 6);
    await stop();
    assert.deepEqual(seen, ["start 1", "end 1", "start 2", "end 2", "start 3", "end 3"]);
  });
});

Deno.test("maxConcurrent bounds how many are handled at once", async () => {
  let running = 0, most = 0, handled = 0;
  const handle = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
    handled++;
  };
  await withActor({ handle }, async ({ bus }) => {
    for (let n = 0; n < 20; n++) await bus.publish(SUBJECT, { n });
    await eventually("all handled", () => handled === 20);
    assert.equal(most, 3);
  }, 3);
});

for (const limit of [0, -1, 1.5, NaN]) {
  Deno.test(`maxConcurrent ${limit} is refused`, () => {
    const log = new LogRecorder();
    assert.throws(
      () => new TestActor({}, new MemoryBus({ logger: log }), log, limit),
      /Cannot handle .* expected a whole number from 1/,
    );
  });
}

Deno.test("an error in one message is logged and costs nothing else", async () => {
  const seen: unknown[] = [];
  const handle = ({ n }: JsonObject) => {
    if (n === 2) throw new Error("boom");
    seen.push(n);
  };
  await withActor({ handle }, async ({ bus, log }) => {
    for (const n of [1, 2, 3]) await bus.publish(SUBJECT, { n });
    await eventually("the last is handled", () => seen.includes(3));
    assert.deepEqual(seen, [1, 3]);
    assert.deepEqual(log.of("actor.error").map(({ fields }) => fields.error), ["boom"]);
  });
});

Deno.test("a reload message reloads; any other control message does not", async () => {
  let reloads = 0;
  await withActor({ reload: () => void reloads++ }, async ({ bus, log }) => {
    await bus.publish("heddle.control.reload", { action: "dance" });
    await bus.publish("heddle.control.reload", { action: "reload" });
    await eventually("reloaded", () => log.of("actor.reload_completed").length === 1);
    assert.equal(reloads, 1);
  });
});

Deno.test("a reload that fails is logged, and the next one is served", async () => {
  let reloads = 0;
  const reload = () => {
    if (reloads++ === 0) throw new Error("bad file");
  };
  await withActor({ reload }, async ({ bus, log }) => {
    await bus.publish("heddle.control.reload", { action: "reload" });
    await bus.publish("heddle.control.reload", { action: "reload" });
    await eventually("reloaded", () => log.of("actor.reload_completed").length === 1);
    assert.equal(log.of("actor.reload_failed")[0]?.fields.error, "bad file");
  });
});

Deno.test("reloads never run side by side", async () => {
  let running = 0, most = 0, done = 0;
  const reload = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    done++;
  };
  await withActor({ reload }, async ({ bus }) => {
    for (let n = 0; n < 3; n++) await bus.publish("heddle.control.reload", { action: "reload" });
    await eventually("one after the other", () => done === 2);
    assert.equal(most, 1);
  });
});

/** A reload that the test ends, and how many there were. */
function gatedReload() {
  const gates: PromiseWithResolvers<void>[] = [];
  const reload = () => {
    const gate = deferred();
    gates.push(gate);
    return gate.promise;
  };
  return { gates, reload };
}

Deno.test("of 5,000 reload messages one is reloaded and one waits", async () => {
  const { gates, reload } = gatedReload();
  await withActor({ reload }, async ({ bus, log }) => {
    await bus.publish("heddle.control.reload", { action: "reload" });
    await eventually("one reloads", () => gates.length === 1);
    for (let n = 1; n < 5000; n++) await bus.publish("heddle.control.reload", { action: "reload" });
    gates[0]!.resolve();
    await eventually("the next reloads", () => gates.length === 2);
    gates[1]!.resolve();
    await eventually("both are over", () => log.of("actor.reload_completed").length === 2);
    await bus.publish("heddle.control.reload", { action: "reload" });
    await eventually("one that is asked for later is made", () => gates.length === 3);
    gates[2]!.resolve();
  });
  assert.equal(gates.length, 3);
});

Deno.test("whoever asks while a reload waits gets the result of that one", async () => {
  const { gates, reload } = gatedReload();
  await withActor({ reload }, async ({ actor }) => {
    const first = actor.ask("first");
    await eventually("it reloads", () => gates.length === 1);
    const others = [actor.ask("second"), actor.ask("third")];
    gates[0]!.reject(new Error("bad file"));
    assert.match(String(await first), /bad file/);
    await eventually("the next reloads", () => gates.length === 2);
    gates[1]!.resolve();
    assert.deepEqual(await Promise.all(others), [null, null]);
  });
  assert.equal(gates.length, 2);
});

Deno.test("a stop drops the reload that waits, and lets the one under way finish", async () => {
  const { gates, reload } = gatedReload();
  await withActor({ reload }, async ({ actor, stop, log }) => {
    void actor.ask("first");
    await eventually("it reloads", () => gates.length === 1);
    const waiting = actor.ask("second");
    const stopped = stop();
    await eventually("stopping", () => log.of("actor.shutdown_requested").length === 1);
    assert.equal(log.of("actor.disconnected").length, 0);
    gates[0]!.resolve();
    await stopped;
    assert.match(String(await waiting), /"test" is stopping: it does not reload any more/);
    assert.match(String(await actor.ask("third")), /is stopping/);
    assert.equal(log.of("actor.reload_completed").length, 1);
  });
  assert.equal(gates.length, 1);
});

Deno.test("a stop lets the message and the background work under way finish", async () => {
  const release = deferred();
  const finished: string[] = [];
  const handle = async () => {
    await release.promise;
    finished.push("message");
  };
  const background = async (signal: AbortSignal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await release.promise;
    finished.push("background");
  };
  await withActor({ handle, background }, async ({ bus, stop, log }) => {
    await bus.publish(SUBJECT, {});
    const stopped = stop();
    await eventually("stopping", () => log.of("actor.shutdown_requested").length === 1);
    assert.equal(log.of("actor.disconnected").length, 0);
    release.resolve();
    await stopped;
    assert.deepEqual(finished.sort(), ["background", "message"]);
  });
});

for (
  const [what, seconds, grace] of [
    ["message", 10, undefined],
    ["background work", 10, undefined],
    ["reload", 10, undefined],
    ["message", 0.5, 0.5],
    ["reload", 3600, 3600],
  ] as const
) {
  const name = `a stop leaves a ${what} behind that does not end in ${seconds} s, and tells it so`;
  Deno.test(name, async () => {
    const given: AbortSignal[] = [];
    const never = (signal: AbortSignal) => {
      given.push(signal);
      return new Promise<void>(() => {});
    };
    const clock = new ManualClock("2026-01-01T00:00:00Z");
    const log = new LogRecorder();
    await using bus = new MemoryBus({ logger: log, clock });
    const behaviour: Behaviour = { handle: (_data, _message, signal) => never(signal) };
    behaviour.reload = never;
    if (what === "background work") behaviour.background = (_, over) => never(over);
    const actor = new TestActor(behaviour, bus, log, undefined, clock, grace);
    const stop = new AbortController();
    let hasEnded = false;
    const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal })
      .then(() => hasEnded = true);
    await eventually("it listens", () => log.of("actor.control_subscribed").length === 1);
    if (what === "message") await bus.publish(SUBJECT, {});
    if (what === "reload") void actor.ask("test");
    await settle();
    stop.abort();
    await clock.advance(seconds * 1000 - 1);
    assert.equal(hasEnded, false);
    assert.deepEqual(given.map(({ aborted }) => aborted), [false]);
    await clock.advance(1);
    await running;
    assert.deepEqual(given.map(({ aborted }) => aborted), [true]);
    assert.equal(log.of("actor.shutdown_cut_short").length, 1);
  });
}

for (const seconds of [-1, NaN, Infinity]) {
  Deno.test(`a shutdown grace of ${seconds} s is refused`, () => {
    const log = new LogRecorder();
    const bus = new MemoryBus({ logger: log });
    assert.throws(
      () => new TestActor({}, bus, log, undefined, undefined, seconds),
      { name: "RangeError", message: /"shutdownGraceSeconds" .*: expected a number from 0/ },
    );
  });
}

/** A bus whose subscriptions to the reload message go wrong. */
class NoControlBus extends MemoryBus {
  constructor(readonly how: "at once" | "later", logger: LogRecorder) {
    super({ logger });
  }
  override async subscribe(subject: string, options?: SubscribeOptions): Promise<Subscription> {
    if (subject !== "heddle.control.reload") return await super.subscribe(subject, options);
    if (this.how === "at once") throw new Error("no permission");
    return {
      subject,
      unsubscribe: () => Promise.resolve(),
      // deno-lint-ignore require-yield
      async *[Symbol.asyncIterator]() {
        throw new Error("no permission");
      },
    };
  }
}

for (const how of ["at once", "later"] as const) {
  Deno.test(`an actor lives whose control subscription fails ${how}, and says so`, async () => {
    const log = new LogRecorder();
    await using bus = new NoControlBus(how, log);
    const seen: unknown[] = [];
    const actor = new TestActor({ handle: ({ n }) => void seen.push(n) }, bus, log);
    const stop = new AbortController();
    const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal });
    await eventually("it is said", () => log.of("actor.control_failed").length === 1);
    const { subject, error } = log.of("actor.control_failed")[0]!.fields;
    assert.deepEqual([subject, error], ["heddle.control.reload", "no permission"]);
    await bus.publish(SUBJECT, { n: 1 });
    await eventually("it is handled", () => seen.length === 1);
    stop.abort();
    await running;
    assert.equal(log.of("actor.control_failed").length, 1);
  });
}

Deno.test("an actor lives that the server does not let hear the reload message", async () => {
  const config = `authorization { users = [
    { user: a, password: p, permissions: { subscribe: { deny: "heddle.control.>" } } }
  ] }`;
  await using server = await startNatsServer({ config });
  const log = new LogRecorder();
  const natsUrl = server.url.replace("nats://", "nats://a:p@");
  const actor = new Relay("denied", { natsUrl, logger: log });
  const stop = new AbortController();
  const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal });
  await eventually("it is said", () => log.of("bus.subscription_refused").length === 1);
  actor.gate.resolve();
  await actor.publish(SUBJECT, {});
  await eventually("it handles messages", () => actor.relayed.length === 1);
  stop.abort();
  await running;
});

Deno.test("an actor ends whose own subscription fails, with its error", async () => {
  class NoInboxBus extends MemoryBus {
    override subscribe(subject: string): Promise<Subscription> {
      return Promise.resolve({
        subject,
        unsubscribe: () => Promise.resolve(),
        // deno-lint-ignore require-yield
        async *[Symbol.asyncIterator]() {
          if (subject === SUBJECT) throw new Error("gone");
        },
      });
    }
  }
  const log = new LogRecorder();
  await using bus = new NoInboxBus({ logger: log });
  const actor = new TestActor({}, bus, log);
  await assert.rejects(actor.run({ subject: SUBJECT, handleSignals: false }), /gone/);
  assert.equal(log.of("actor.disconnected").length, 1);
});

Deno.test("background work that fails ends the actor and says why", async () => {
  const log = new LogRecorder();
  const bus = new MemoryBus({ logger: log });
  const behaviour = { background: () => Promise.reject(new Error("the loop broke")) };
  const actor = new TestActor(behaviour, bus, log);
  await assert.rejects(actor.run({ subject: SUBJECT, handleSignals: false }), /the loop broke/);
  assert.equal(log.of("actor.disconnected").length, 1);
});

Deno.test("an actor whose signal is already aborted never starts", async () => {
  const log = new LogRecorder();
  const actor = new TestActor({}, new MemoryBus({ logger: log }), log);
  await actor.run({ subject: SUBJECT, handleSignals: false, signal: AbortSignal.abort() });
  assert.equal(log.of("actor.connected").length, 0);
});

/** A bus on which a subscription takes until it is let through. */
class SlowBus extends MemoryBus {
  readonly gate = deferred();
  override async subscribe(subject: string) {
    await this.gate.promise;
    return await super.subscribe(subject);
  }
}

async function assertUnsubscribed(bus: MemoryBus, subject: string) {
  await assert.rejects(bus.request(subject, {}, 100), { reason: "no_responders" }, subject);
}

Deno.test("a bus that an actor was given stays open, with nothing of the actor left", async () => {
  const log = new LogRecorder();
  await using bus = new MemoryBus({ logger: log });
  const background = async (signal: AbortSignal) => {
    await actor.subscribe("heddle.own");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  };
  const actor = new TestActor({ background }, bus, log);
  const stop = new AbortController();
  const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal });
  await eventually("it listens", () => log.of("actor.subscribed").length === 2);
  stop.abort();
  await running;
  assert.equal(bus.connected, true);
  for (const subject of [SUBJECT, "heddle.own", "heddle.control.reload"]) {
    await assertUnsubscribed(bus, subject);
  }
});

Deno.test("an actor that is stopped while it subscribes leaves no subscription behind", async () => {
  const log = new LogRecorder();
  await using bus = new SlowBus({ logger: log });
  const actor = new TestActor({}, bus, log);
  const stop = new AbortController();
  const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal });
  await eventually("it is connected", () => log.of("actor.connected").length === 1);
  stop.abort();
  await running;
  bus.gate.resolve();
  await settle();
  await assertUnsubscribed(bus, SUBJECT);
});

Deno.test("an actor closes the connection that it made itself", async () => {
  await using server = await startNatsServer();
  const log = new LogRecorder();
  const actor = new Unconnected("own", { natsUrl: server.url, logger: log });
  const stop = new AbortController();
  const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal });
  await eventually("it listens", () => log.of("actor.control_subscribed").length === 1);
  assert.equal(actor.isConnected, true);
  stop.abort();
  await running;
  assert.equal(actor.isConnected, false);
});

class Unconnected extends BaseActor {
  override handleMessage() {}
}

/** Answers each message on another subject, once it is let through. */
class Relay extends BaseActor {
  readonly gate = deferred();
  readonly relayed: Promise<void>[] = [];
  override async handleMessage(data: JsonObject) {
    await this.gate.promise;
    const relayed = this.publish("heddle.elsewhere", data);
    this.relayed.push(relayed);
    await relayed;
  }
}

Deno.test("an actor ends, with nothing left, whose message waits for a server that is gone", async () => {
  await using server = await startNatsServer();
  const log = new LogRecorder();
  const clock = new ManualClock("2026-01-01T00:00:00Z");
  const actor = new Relay("relay", { natsUrl: server.url, logger: log, clock });
  const stop = new AbortController();
  const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal });
  await eventually("it listens", () => log.of("actor.control_subscribed").length === 1);
  await actor.publish(SUBJECT, {});
  await server.kill();
  await eventually("it is disconnected", () => !actor.isConnected);
  actor.gate.resolve();
  await eventually("the answer waits", () => actor.relayed.length === 1);
  const refused = assert.rejects(actor.relayed[0]!, /the bus was closed before it was written/);
  stop.abort();
  await clock.advance(10_000);
  await running;
  await refused;
});

Deno.test("an actor that is not connected says what to call", async () => {
  const actor = new Unconnected("early", { natsUrl: "nats://127.0.0.1:1" });
  await assert.rejects(actor.publish(SUBJECT, {}), /"early" is not connected: call connect\(\)/);
  await assert.rejects(actor.subscribe(SUBJECT), /"early" is not connected/);
});

Deno.test("an actor that is stopped while its NATS client is loaded never connects", async () => {
  await using server = await startNatsServer();
  const log = new LogRecorder();
  const actor = new Unconnected("stopped", { natsUrl: server.url, logger: log });
  const stop = new AbortController();
  const running = actor.run({ subject: SUBJECT, handleSignals: false, signal: stop.signal });
  stop.abort();
  await running;
  // What it began then has time to go wrong; a connection left open fails this test too.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(log.of("bus.connected"), []);
});
