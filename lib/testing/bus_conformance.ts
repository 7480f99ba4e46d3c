/**
 * The promises of {@link MessageBus} as one suite of tests, for every implementation.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  BusClosedError,
  type JsonObject,
  type Message,
  type MessageBus,
  NoReplyError,
  type Subscription,
} from "../bus/message_bus.ts";
import { systemClock } from "../time/clock.ts";

/** Gives `test` one or more connected buses that reach each other, and closes them after it. */
export type WithBuses = (test: (open: () => Promise<MessageBus>) => Promise<void>) => Promise<void>;

/** Reads `count` messages. */
export async function take(subscription: Subscription, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  if (count === 0) return messages;
  for await (const message of subscription) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

/** Reads to the end. */
export async function drain(subscription: Subscription): Promise<Message[]> {
  return await take(subscription, Infinity);
}

const numbers = (messages: Message[]) => messages.map(({ data }) => data.n);
const range = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Answers every request with what `answer` makes of it. */
async function serve(
  subscription: Subscription,
  answer: (message: Message) => JsonObject,
): Promise<void> {
  for await (const message of subscription) await message.respond?.(answer(message));
}

/**
 * Registers a test (`Deno.test`) for each promise of a bus. Give it an implementation of your own, or
 * a wrapper around one of ours.
 *
 * @param name begins the title of each test
 *
 * @example
 * ```ts ignore
 * import { MemoryBus } from "@heddle/scheduler/testing";
 *
 * testBusConformance("memory bus", async (test) => {
 *   await using bus = new MemoryBus();
 *   await bus.connect();
 *   await test(() => Promise.resolve(bus));
 * });
 * ```
 */
export function testBusConformance(name: string, withBuses: WithBuses): void {
  const promise = (title: string, test: (bus: MessageBus, other: MessageBus) => Promise<void>) =>
    Deno.test(`${name}: ${title}`, () =>
      withBuses(async (open) => {
        await test(await open(), await open());
      }));

  promise("messages of one publisher arrive in order", async (bus, other) => {
    const subscription = await other.subscribe("a.b");
    await Promise.all(range(1000).map((n) => bus.publish("a.b", { n })));
    assert.deepEqual(numbers(await take(subscription, 1000)), range(1000));
  });

  promise("a message carries its subject, data and headers", async (bus, other) => {
    const subscription = await other.subscribe("a.b");
    const data = { text: 'Grüße \u{1F9F6}\n"', list: [1, null, { deep: true }] };
    await bus.publish("a.b", data, { headers: { "Nats-Msg-Id": "x:1", lower: " ü " } });
    await bus.publish("a.b", {});
    const [first, second] = await take(subscription, 2);
    assert.equal(first!.subject, "a.b");
    assert.deepEqual(first!.data, data);
    assert.deepEqual(first!.headers, { "Nats-Msg-Id": "x:1", lower: "ü" });
    assert.equal(first!.respond, undefined);
    assert.deepEqual(second!.headers, {});
  });

  promise("every subscriber gets a copy of its own", async (bus) => {
    const subscriptions = await Promise.all(range(3).map(() => bus.subscribe("a.b")));
    const data = { list: [1] };
    const published = bus.publish("a.b", data);
    data.list.push(2);
    await published;
    for (const subscription of subscriptions) {
      const [message] = await take(subscription, 1);
      assert.deepEqual(message!.data, { list: [1] });
      (message!.data.list as number[]).push(3);
    }
  });

  promise("data travels as JSON does", async (bus) => {
    const subscription = await bus.subscribe("a.b");
    await bus.publish("a.b", { at: new Date(0), no: undefined, list: [undefined], nan: NaN });
    const [message] = await take(subscription, 1);
    assert.deepEqual(message!.data, { at: "1970-01-01T00:00:00.000Z", list: [null], nan: null });
  });

  promise("what JSON cannot carry is refused and harms nothing else", async (bus) => {
    const subscription = await bus.subscribe("a.b");
    const circular: JsonObject = {};
    circular.self = circular;
    const refused: unknown[] = [circular, { n: 1n }, [1], null, "text", { toJSON: () => 1 }];
    for (const data of refused) {
      await assert.rejects(bus.publish("a.b", data as JsonObject), (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, /^Cannot publish to "a\.b": /);
        return true;
      });
    }
    await bus.publish("a.b", { n: 1 });
    assert.deepEqual(numbers(await take(subscription, 1)), [1]);
  });

  promise("subjects, queue groups and headers that cannot be are refused", async (bus) => {
    for (const subject of ["", "a b", "a..b", ".a", "a.", "a.*", "a.>", "a\r\nPUB x 0\r\n"]) {
      await assert.rejects(bus.publish(subject, {}), /^TypeError: Cannot publish to /);
      await assert.rejects(bus.request(subject, {}, 100), /^TypeError: Cannot publish to /);
    }
    for (const subject of ["", "a b", "a..b", ".a", "a.", "a.>.b", "a\n"]) {
      await assert.rejects(bus.subscribe(subject), /^TypeError: Cannot subscribe to /);
    }
    await assert.rejects(
      bus.subscribe("a", { queueGroup: "g h" }),
      /^TypeError: Cannot subscribe to /,
    );
    for (const [header, value] of [["a b", ""], ["a:", ""], ["", ""], ["a", "x\r\ny"]] as const) {
      const published = bus.publish("a", {}, { headers: { [header]: value } });
      await assert.rejects(published, /^TypeError: Cannot publish to "a" with header /);
    }
  });

  promise("wildcards match words", async (bus) => {
    const patterns = ["a.b", "a.*", "*.b", "a.>", ">", "*", "a.*.c", "a.b.>"];
    const subscriptions = await Promise.all(patterns.map((each) => bus.subscribe(each)));
    for (const subject of ["a", "a.b", "a.b.c", "x.b"]) await bus.publish(subject, {});
    await Promise.all(subscriptions.map((each) => each.unsubscribe()));
    const got = await Promise.all(subscriptions.map(drain));
    const subjects = got.map((messages) => messages.map(({ subject }) => subject));
    assert.deepEqual(Object.fromEntries(patterns.map((each, index) => [each, subjects[index]])), {
      "a.b": ["a.b"],
      "a.*": ["a.b"],
      "*.b": ["a.b", "x.b"],
      "a.>": ["a.b", "a.b.c"],
      ">": ["a", "a.b", "a.b.c", "x.b"],
      "*": ["a"],
      "a.*.c": ["a.b.c"],
      "a.b.>": ["a.b.c"],
    });
  });

  promise("of a queue group each message reaches one", async (bus, other) => {
    const plain = await bus.subscribe("a.b");
    const members = [
      await bus.subscribe("a.b", { queueGroup: "g" }),
      await bus.subscribe("a.*", { queueGroup: "g" }),
      await other.subscribe("a.b", { queueGroup: "g" }),
    ];
    const alone = await bus.subscribe("a.b", { queueGroup: "h" });
    await Promise.all(range(300).map((n) => bus.publish("a.b", { n })));
    const all = [plain, alone, ...members];
    await Promise.all(all.map((each) => each.unsubscribe()));
    const got = (await Promise.all(all.map(drain))).map(numbers);
    assert.deepEqual(got[0], range(300));
    assert.deepEqual(got[1], range(300));
    const shared = got.slice(2);
    assert.ok(shared.every((each) => each.length > 30), `${shared.map((each) => each.length)}`);
    assert.deepEqual(shared.flat().sort((a, b) => Number(a) - Number(b)), range(300));
  });

  promise("nobody listening is no error", async (bus) => {
    await bus.publish("a.b", {});
  });

  promise("unsubscribing ends the iteration after what had arrived", async (bus) => {
    const subscription = await bus.subscribe("a.b");
    for (const n of range(3)) await bus.publish("a.b", { n });
    await subscription.unsubscribe();
    await subscription.unsubscribe();
    await bus.publish("a.b", { n: 3 });
    assert.deepEqual(numbers(await drain(subscription)), [0, 1, 2]);
  });

  promise("unsubscribing ends an iteration that waits", async (bus) => {
    const subscription = await bus.subscribe("a.b");
    const read = drain(subscription);
    await subscription.unsubscribe();
    assert.deepEqual(await read, []);
  });

  promise("a loop that was left can be taken up again", async (bus) => {
    const subscription = await bus.subscribe("a.b");
    for (const n of range(3)) await bus.publish("a.b", { n });
    assert.deepEqual(numbers(await take(subscription, 1)), [0]);
    assert.deepEqual(numbers(await take(subscription, 2)), [1, 2]);
  });

  promise("a request gets the answer of whoever is subscribed", async (bus, other) => {
    const served = serve(await other.subscribe("svc.*"), ({ data }) => ({ twice: [data, data] }));
    const replies = await Promise.all(range(20).map((n) => bus.request("svc.x", { n }, 5000)));
    const expected = range(20).map((n) => ({ twice: [{ n }, { n }] }));
    assert.deepEqual(replies.map(({ data }) => data), expected);
    await other.close();
    await served;
  });

  promise("a request that nobody is there for fails at once", async (bus) => {
    const before = systemClock.monotonic();
    await assert.rejects(bus.request("svc.x", {}, 60_000), (error: Error) => {
      assert.ok(error instanceof NoReplyError);
      assert.equal(error.reason, "no_responders");
      return true;
    });
    assert.ok(systemClock.monotonic() - before < 10_000);
  });

  promise("a request that nobody answers fails after its time", async (bus, other) => {
    await other.subscribe("svc.x");
    const before = systemClock.monotonic();
    await assert.rejects(bus.request("svc.x", {}, 100), (error: Error) => {
      assert.ok(error instanceof NoReplyError);
      assert.equal(error.reason, "timeout");
      assert.match(error.message, /"svc\.x".*100 ms/);
      return true;
    });
    assert.ok(systemClock.monotonic() - before >= 99);
  });

  promise("only what a request takes for a reply is one", async (bus, other) => {
    const subscription = await other.subscribe("svc.x");
    const isReply = ({ ok }: JsonObject) => ok === true;
    const reply = bus.request("svc.x", {}, 5000, { isReply });
    const [message] = await take(subscription, 1);
    await message!.respond!({ ok: false });
    await message!.respond!({ ok: true });
    assert.deepEqual((await reply).data, { ok: true });
  });

  promise("what is too large, or more than may wait, is refused", async (bus, other) => {
    const limits = { maxBytes: 100, maxWaiting: 2 };
    const subscription = await other.subscribe("svc.x", limits);
    const large = await bus.request("svc.x", { filler: "x".repeat(100) }, 5000);
    assert.equal(large.data.code, "malformed");
    const [first, second, third] = range(3).map((n) => bus.request("svc.x", { n }, 5000));
    assert.equal((await third!).data.code, "busy");
    const messages = await take(subscription, 2);
    assert.deepEqual(numbers(messages), [0, 1]);
    for (const { respond } of messages) await respond!({ ok: true });
    await Promise.all([first, second]);
  });

  promise("a request comes after what was published before it", async (bus, other) => {
    const subscription = await other.subscribe("svc.x");
    const published = range(100).map((n) => bus.publish("svc.x", { n }));
    const reply = bus.request("svc.x", { n: 100 }, 5000);
    const messages = await take(subscription, 101);
    assert.deepEqual(numbers(messages), range(101));
    await messages[100]!.respond!({ ok: true });
    await Promise.all([...published, reply]);
  });

  promise("a message that was withdrawn before it was published is not", async (bus) => {
    const subscription = await bus.subscribe("a.b");
    const reason = new Error("superseded");
    const published = bus.publish("a.b", { n: 1 }, { signal: AbortSignal.abort(reason) });
    await assert.rejects(published, reason);
    const late = new AbortController();
    await bus.publish("a.b", { n: 2 }, { signal: late.signal });
    late.abort();
    assert.deepEqual(numbers(await take(subscription, 1)), [2]);
  });

  promise("closing ends every iteration after what had arrived", async (bus) => {
    const full = await bus.subscribe("a.b");
    const waiting = drain(await bus.subscribe("c.d"));
    for (const n of range(3)) await bus.publish("a.b", { n });
    await Promise.all([bus.close(), bus.close()]);
    await bus.close();
    assert.deepEqual(numbers(await drain(full)), [0, 1, 2]);
    assert.deepEqual(await waiting, []);
    assert.equal(bus.connected, false);
  });

  promise("a bus whose scope is left is closed", async (bus, other) => {
    const subscription = await other.subscribe("a.b");
    let published: Promise<void>;
    {
      await using scoped = bus;
      published = scoped.publish("a.b", { n: 1 });
    }
    await published;
    assert.equal(bus.connected, false);
    assert.deepEqual(numbers(await take(subscription, 1)), [1]);
  });

  promise("what was published before closing arrives", async (bus, other) => {
    const subscription = await other.subscribe("a.b");
    const published = range(1000).map((n) => bus.publish("a.b", { n }));
    await bus.close();
    await Promise.all(published);
    assert.deepEqual(numbers(await take(subscription, 1000)), range(1000));
  });

  promise("a closed bus refuses", async (bus) => {
    const subscription = await bus.subscribe("a.b");
    await bus.close();
    await assert.rejects(bus.publish("a.b", {}), BusClosedError);
    await assert.rejects(bus.subscribe("a.b"), BusClosedError);
    await assert.rejects(bus.request("a.b", {}, 100), BusClosedError);
    await assert.rejects(bus.connect(), BusClosedError);
    await subscription.unsubscribe();
  });

  promise("closing ends a request that waits", async (bus, other) => {
    await other.subscribe("svc.x");
    const request = bus.request("svc.x", {}, 60_000);
    const rejected = assert.rejects(request, BusClosedError);
    await bus.close();
    await rejected;
  });

  promise("waiting for the connection ends with it or on abort", async (bus) => {
    assert.equal(bus.connected, true);
    await bus.whenConnected();
    await bus.close();
    await bus.whenConnected(AbortSignal.abort());
    const abort = new AbortController();
    const waiting = bus.whenConnected(abort.signal);
    abort.abort();
    await waiting;
  });
}
