/** What the outbox does at the moments that a real connection cannot be held at. */
import assert from "node:assert/strict";
import { UnconfirmedError } from "../../../lib/bus/message_bus.ts";
import { publishFrame } from "../../../lib/bus/nats/nats_frame.ts";
import { Outbox, type Wire } from "../../../lib/bus/nats/outbox.ts";

/** A connection that goes down, and confirms, when told to. */
class FakeWire implements Wire {
  isUp = true;
  maxPayload = 1_000_000;
  readonly written: string[] = [];
  #confirm: ((isConfirmed: boolean) => void)[] = [];

  write(frames: Uint8Array): void {
    for (const [, text] of new TextDecoder().decode(frames).matchAll(/\r\n(\w+)-[^\r]*\r\n/g)) {
      this.written.push(text!);
    }
  }

  confirm(): Promise<boolean> {
    return new Promise((resolve) => this.#confirm.push(resolve));
  }

  async confirmAll(isConfirmed = true): Promise<void> {
    for (const confirm of this.#confirm.splice(0)) confirm(isConfirmed);
    await tick();
  }
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

function open() {
  const [outbox, wire] = [new Outbox(), new FakeWire()];
  outbox.attach(wire);
  const add = (text: string, signal?: AbortSignal, subject = "a") =>
    outbox.add(subject, publishFrame(subject, `${text}-`), { signal }).then(
      () => "confirmed",
      (error) => error instanceof UnconfirmedError ? "unconfirmed" : String(error),
    );
  return { outbox, wire, add };
}

const large = "x".repeat(60_000);

Deno.test("nothing is written to a connection that is down", async () => {
  const { outbox, wire, add } = open();
  wire.isUp = false;
  const waiting = [add("one"), add("two")];
  await tick();
  assert.deepEqual(wire.written, []);
  assert.equal(outbox.detach(), 0);
  const next = new FakeWire();
  outbox.attach(next);
  await next.confirmAll();
  assert.deepEqual(await Promise.all(waiting), ["confirmed", "confirmed"]);
  assert.deepEqual(next.written, ["one", "two"]);
});

Deno.test("a break divides what was written from what was not", async () => {
  const { outbox, wire, add } = open();
  const results = Array.from({ length: 40 }, (_, n) => add(`m${n}${large}`));
  await tick();
  const written = wire.written.length;
  assert.ok(written >= 17 && written <= 19, `${written}`);
  assert.equal(outbox.detach(), written);
  const next = new FakeWire();
  outbox.attach(next);
  for (let round = 0; round < 5; round++) await next.confirmAll();
  assert.deepEqual(
    await Promise.all(results),
    results.map((_, n) => n < written ? "unconfirmed" : "confirmed"),
  );
  assert.deepEqual(next.written.map((text) => text.slice(0, 3)), [
    ...Array.from({ length: 40 - written }, (_, n) => `m${n + written}`),
  ]);
});

Deno.test("a PONG that comes after the break confirms nothing", async () => {
  const { outbox, wire, add } = open();
  const result = add("one");
  await tick();
  outbox.detach();
  await wire.confirmAll();
  assert.equal(await result, "unconfirmed");
});

Deno.test("a signal withdraws what waits, also from a full batch, and nothing else", async () => {
  const { outbox, wire, add } = open();
  wire.isUp = false;
  const [early, late] = [new AbortController(), new AbortController()];
  const results = [
    add("a", early.signal),
    add("b"),
    add("c", late.signal),
    add(`d${large}${large}`, early.signal),
    add("e", early.signal),
    add("f", late.signal),
  ];
  early.abort("early");
  await tick();
  late.abort("late");
  wire.isUp = true;
  outbox.attach(wire);
  await wire.confirmAll();
  assert.deepEqual(await Promise.all(results), [
    "early",
    "confirmed",
    "late",
    "early",
    "early",
    "late",
  ]);
  assert.deepEqual(wire.written, ["b"]);
  await outbox.empty();
});

Deno.test("what is withdrawn is cut out at the right byte, also where subjects are not ASCII", async () => {
  const { wire, add } = open();
  wire.isUp = false;
  const withdrawal = new AbortController();
  const results = [
    add(`one${large}`, undefined, "größe"),
    add("two", withdrawal.signal, "größe"),
    add(`three${large}`, undefined, "größe"),
    add("four"), // the batch before it is full, and was encoded
  ];
  await tick();
  withdrawal.abort();
  wire.isUp = true;
  add("five");
  await tick();
  await wire.confirmAll();
  assert.equal(await results[3], "confirmed");
  assert.deepEqual(wire.written.map((text) => text.slice(0, 5)), [
    "onexx",
    "three",
    "four",
    "five",
  ]);
});

Deno.test("what was written cannot be withdrawn", async () => {
  const { wire, add } = open();
  const withdrawal = new AbortController();
  const result = add("one", withdrawal.signal);
  await tick();
  withdrawal.abort();
  await wire.confirmAll();
  assert.equal(await result, "confirmed");
});

Deno.test("a server with a lower limit refuses what waited for the one before", async () => {
  const { outbox, wire, add } = open();
  wire.isUp = false;
  const results = [add("small", undefined, "s"), add(`big${large}`, undefined, "b")];
  await tick();
  outbox.detach();
  const next = new FakeWire();
  next.maxPayload = 1000;
  outbox.attach(next);
  await next.confirmAll();
  assert.equal(await results[0], "confirmed");
  assert.match(await results[1]!, /^RangeError: .*"b".* 60004 bytes, .* at most 1000$/);
  assert.deepEqual(next.written, ["small"]);
});

Deno.test("empty waits for the last confirmation", async () => {
  const { outbox, wire, add } = open();
  await outbox.empty();
  const result = add("one");
  let isEmpty = false;
  const emptied = outbox.empty().then(() => isEmpty = true);
  await tick();
  assert.equal(isEmpty, false);
  await wire.confirmAll();
  await emptied;
  assert.equal(await result, "confirmed");
});
