/** One lease, and who holds it when: on a manual clock. */
import assert from "node:assert/strict";
import { ConflictError, WriteInProcessError } from "../../lib/bus/stream_bus.ts";
import { Lease } from "../../lib/durable/lease.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { MemoryStore } from "./memory_store.ts";

const TTL = 10_000;

function setUp() {
  const store = new MemoryStore();
  const clock = new ManualClock("2026-01-01T00:00:00Z");
  store.now = () => clock.now();
  const logger = new LogRecorder();
  const lease = (replica: string, ownClock = clock) =>
    new Lease({
      store,
      key: "s.lease.0",
      replica,
      ttl: TTL,
      shards: 1,
      clock: ownClock,
      logger,
      schedules: () => "hash",
    });
  return { store, clock, logger, lease };
}

Deno.test("of two that take a free lease at once, one gets it", async () => {
  const { lease } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await Promise.all([a.read(), b.read()]);
  const outcomes = await Promise.all([a.acquire(), b.acquire()]);
  assert.deepEqual(outcomes, [true, false]);
  assert.deepEqual([a.state, b.state], ["held", "not_held"]);
  assert.equal(b.holder, "a");
});

Deno.test("a holder stops a fifth of the TTL before anybody else may begin", async () => {
  const { clock, lease } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  await b.read();
  await clock.advance(TTL * 0.8 - 1);
  assert.equal(a.state, "held");
  await clock.advance(1);
  assert.equal(a.state, "lapsed");
  assert.equal(b.isTakeable, false);
  await clock.advance(TTL * 0.2 - 1);
  assert.equal(b.isTakeable, false);
  await clock.advance(1);
  assert.equal(b.isTakeable, true);
  assert.equal(await b.acquire(), true);
  assert.equal(b.term, 2);
});

Deno.test("a renewal counts from when it was sent, not from when it was answered", async () => {
  const { clock, lease, store } = setUp();
  const a = lease("a");
  await a.read();
  await a.acquire();
  const put = store.put.bind(store);
  store.put = async (...args) => {
    const revision = await put(...args);
    await clock.advance(3000);
    return revision;
  };
  await a.renew();
  await clock.advance(TTL * 0.8 - 3000 - 1);
  assert.equal(a.state, "held");
  await clock.advance(1);
  assert.equal(a.state, "lapsed");
});

Deno.test("a holder that was stopped past its TTL finds its lease taken, and does not take it back", async () => {
  const { clock, lease } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  await b.read();
  clock.stop(TTL);
  await b.acquire();
  assert.equal(a.isValid, false, "before it has heard anything");
  assert.equal(await a.renew(), false);
  assert.equal(a.state, "not_held");
  assert.equal(a.holder, "b");
});

Deno.test("what a watch says of another holder is enough: nothing leaves, nothing is taken back", async () => {
  const { lease, store, clock } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  await b.read();
  clock.stop(TTL);
  await b.acquire();
  a.see(store.values.get("s.lease.0")!);
  assert.equal(a.state, "lapsed");
  assert.equal(await a.renew(), false);
  assert.equal(store.values.get("s.lease.0")!.value.holder, "b");
});

Deno.test("one that lapsed and nobody took is ours again, in a new term", async () => {
  const { clock, lease } = setUp();
  const a = lease("a");
  await a.read();
  await a.acquire();
  clock.stop(3 * TTL);
  assert.equal(a.state, "lapsed");
  assert.equal(await a.renew(), true);
  assert.deepEqual([a.state, a.term], ["held", 2]);
});

Deno.test("a machine that slept, or a clock set forward, lapses the lease; set back, it does not", async () => {
  const { clock, lease } = setUp();
  const a = lease("a");
  await a.read();
  await a.acquire();
  clock.jump(TTL); // a machine's sleep: its monotonic clock stands still
  assert.equal(a.state, "lapsed");
  assert.equal(await a.renew(), true);
  clock.jump(-3_600_000);
  assert.equal(a.state, "held");
  await clock.advance(TTL * 0.8);
  assert.equal(a.state, "lapsed");
});

Deno.test("a write whose answer is lost is recognised as ours", async () => {
  const { store, lease } = setUp();
  const a = lease("a");
  await a.read();
  await a.acquire();
  store.losesAnswers = true;
  await assert.rejects(a.renew());
  store.losesAnswers = false;
  assert.equal(await a.renew(), true);
  assert.deepEqual([a.state, a.term], ["held", 1]);
});

Deno.test("a lease that was acquired and not answered for may be taken at once by its writer alone", async () => {
  const { store, lease } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  store.losesAnswers = true;
  await assert.rejects(a.acquire());
  store.losesAnswers = false;
  await Promise.all([a.read(), b.read()]);
  assert.deepEqual([a.isTakeable, b.isTakeable], [true, false]);
  assert.equal(await a.acquire(), true);
});

Deno.test("after a release the next one need not wait, and the terms go on", async () => {
  const { lease, clock } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  await a.release(clock.now());
  await b.read();
  assert.equal(b.isTakeable, true);
  await b.acquire();
  assert.deepEqual([b.term, b.state, a.state], [2, "held", "not_held"]);
});

Deno.test("a new connection begins the wait anew: a server may have lost what was seen before", async () => {
  const { lease, clock } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  await b.read();
  await clock.advance(TTL - 1);
  b.forget();
  assert.equal(b.isTakeable, false);
  await b.read();
  await clock.advance(TTL - 1);
  assert.equal(b.isTakeable, false);
  await clock.advance(1);
  assert.equal(b.isTakeable, true);
});

const RECORD = { holder: "b", term: 7, ttl: TTL, shards: 1, schedules: "hash", firedUntil: null };
const RELEASED = { ...RECORD, holder: null };

Deno.test("a record out of range stops nobody, and is said once with its key", async () => {
  const wrong: Record<string, unknown>[] = [
    ...[1e300, -1, 1.5, 2 ** 53, "7", null].map((term) => ({ term })),
    ...[0, -1, 1e300, "10"].map((ttl) => ({ ttl })),
    ...[0, 129, 1e300, 1.5].map((shards) => ({ shards })),
    ...[-1, 1e300, "now"].map((firedUntil) => ({ firedUntil })),
    { term: 1e300, ttl: 1e300, shards: 1e300, firedUntil: 1e300 },
  ];
  for (const fields of wrong) {
    for (const record of [{ ...RECORD, ...fields }, { ...RELEASED, ...fields }]) {
      const { store, clock, logger, lease } = setUp();
      await store.put("other", {}, 0);
      const revision = await store.put("s.lease.0", record, 0);
      const [a, b] = [lease("a"), lease("a")];
      await a.read();
      await a.read();
      await b.read();
      assert.deepEqual(
        logger.lines.map(({ level, event, fields: { key } }) => [level, event, key]),
        [1, 2].map(() => ["warning", "scheduler.lease_invalid", "s.lease.0"]),
      );
      assert.equal(a.record!.firedUntil, null);
      assert.equal(a.record!.shards, 1);
      if (record.holder !== null) {
        await clock.advance(TTL - 1);
        assert.equal(a.isTakeable, false, "its holder may be alive");
        await clock.advance(1);
      }
      assert.equal(a.isTakeable, true);
      assert.equal(await a.acquire(), true);
      const term = "term" in fields ? revision + 1 : 8;
      assert.equal(a.term, term);
      clock.stop(TTL);
      assert.equal(await a.renew(), true);
      assert.equal(a.term, term + 1, "terms grow");
      assert.equal(store.values.get("s.lease.0")!.value.term, term + 1);
    }
  }
});

Deno.test("terms grow over a record that was deleted, or is no JSON object", async () => {
  for (const isMalformed of [false, true]) {
    const { store, clock, logger, lease } = setUp();
    const a = lease("a");
    await a.read();
    await a.acquire();
    clock.stop(TTL);
    await a.renew();
    assert.equal(a.term, 2);
    const revision = await store.put("s.lease.0", {}, store.values.get("s.lease.0")!.revision);
    store.values.set("s.lease.0", { value: {}, revision, created: clock.now(), isMalformed });
    const b = lease("b");
    await b.read();
    assert.equal(await b.acquire(), true);
    assert.ok(b.term! > 2, `${b.term}`);
    assert.equal(logger.of("scheduler.lease_invalid").length, Number(isMalformed));
  }
});

Deno.test("a lease that was handed over by a clock that is ahead says nothing of what was fired", async () => {
  for (const [ahead, isBelieved] of [[60_000, true], [60_001, false]] as const) {
    const { store, clock, logger, lease } = setUp();
    const firedUntil = clock.now() + ahead;
    await store.put("s.lease.0", { ...RELEASED, firedUntil }, 0);
    const a = lease("a");
    await a.read();
    assert.equal(a.record!.firedUntil, isBelieved ? firedUntil : null);
    assert.equal(logger.of("memory.clock_wrong").length, Number(!isBelieved));
  }
});

Deno.test("while an earlier write is in process, each renewal is one attempt", async () => {
  const { store, clock, lease } = setUp();
  const a = lease("a");
  await a.read();
  await a.acquire();
  let attempts = 0;
  const put = store.put.bind(store);
  store.put = () => {
    attempts++;
    return Promise.reject(new ConflictError("wrong last sequence"));
  };
  await clock.advance(TTL / 4);
  await assert.rejects(a.renew(), WriteInProcessError);
  assert.deepEqual([attempts, a.state], [1, "held"]);
  store.put = put;
  assert.equal(await a.renew(), true);
  assert.equal(a.term, 1);
});

Deno.test("a holder whose bucket lost the record writes it back, in the same term", async () => {
  for (const what of ["purged", "deleted", "made again", "restored"]) {
    const { store, clock, lease } = setUp();
    const [a, b] = [lease("a"), lease("b")];
    await b.read();
    await b.acquire();
    await a.read();
    const restored = structuredClone(store.values.get("s.lease.0")!);
    clock.stop(TTL);
    await a.acquire();
    await b.read();
    store.values.delete("s.lease.0");
    if (what === "deleted") await store.put("s.lease.0", {}, 0);
    if (what === "made again") store.forgetRevisions();
    if (what === "restored") store.values.set("s.lease.0", restored);
    await clock.advance(TTL / 4);
    await b.read();
    assert.equal(b.isTakeable, false, what);
    assert.equal(await a.renew(), true, what);
    assert.deepEqual([a.state, a.term], ["held", 2], what);
    const { holder, term } = store.values.get("s.lease.0")!.value;
    assert.deepEqual([holder, term], ["a", 2], what);
    await clock.advance(TTL - 1);
    await b.read();
    assert.equal(b.isTakeable, false, what);
  }
});

Deno.test("one that lapsed does not write its record over that of another holder", async () => {
  const { store, clock, lease } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  clock.stop(TTL);
  await a.renew();
  store.values.delete("s.lease.0");
  store.forgetRevisions();
  clock.stop(TTL);
  await b.read();
  await b.acquire();
  assert.deepEqual([a.term, b.term], [2, 1], "nobody has told b");
  assert.equal(await a.renew(), false);
});

Deno.test("a follower takes over a TTL after the record vanished, in a higher term", async () => {
  const { store, clock, lease } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  clock.stop(TTL);
  await a.renew();
  await b.read();
  await clock.advance(TTL / 2);
  store.values.delete("s.lease.0");
  await b.read();
  await clock.advance(TTL - 1);
  await b.read();
  assert.equal(b.isTakeable, false, "its holder may write it back");
  await clock.advance(1);
  assert.equal(await b.acquire(), true);
  assert.equal(b.term, 3);
});

Deno.test("terms grow also where nobody knows the record that the bucket lost", async () => {
  const { store, clock, lease } = setUp();
  const a = lease("a");
  await a.read();
  await a.acquire();
  clock.stop(TTL);
  await a.renew();
  store.values.clear();
  const b = lease("b");
  await b.read();
  assert.equal(await b.acquire(), true);
  assert.ok(b.term! > a.term!, `${b.term}`);
  store.values.clear();
  store.forgetRevisions();
  const c = lease("c");
  c.noteTerm(b.maxTerm);
  await c.read();
  assert.equal(await c.acquire(), true);
  assert.ok(c.term! > b.term!, `${c.term}`);
});

Deno.test("it is known who holds a lease for as long as the bucket says so", async () => {
  const { store, clock, lease } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  assert.equal(b.isKnown, false);
  await b.read();
  await clock.advance(TTL / 2);
  await b.read();
  assert.equal(b.isKnown, true);
  store.isDown = true;
  await clock.advance(TTL - 1);
  await assert.rejects(b.read());
  assert.equal(b.isKnown, true);
  await clock.advance(1);
  assert.equal(b.isKnown, false);
});
