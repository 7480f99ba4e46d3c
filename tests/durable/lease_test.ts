/** One lease, and who holds it when: on a manual clock. */
import assert from "node:assert/strict";
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

Deno.test("a server that lost a take-over in a crash does not give the lease back to the one before", async () => {
  const { store, lease, clock } = setUp();
  const [a, b] = [lease("a"), lease("b")];
  await a.read();
  await a.acquire();
  const before = structuredClone(store.values.get("s.lease.0")!);
  await b.read();
  clock.stop(TTL);
  await b.acquire();
  store.values.set("s.lease.0", before);
  assert.equal(await b.renew(), false, "what it holds is not what the server has");
  assert.equal(b.state, "not_held");
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
