/** Several replicas on one manual clock, one bucket and one bus. */
import assert from "node:assert/strict";
import { ConflictError } from "../../lib/bus/stream_bus.ts";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type { Announcement } from "../../lib/durable/presence.ts";
import { ReplicaGroup } from "../../lib/durable/replica_group.ts";
import type { ManualClock } from "../../lib/time/manual_clock.ts";
import { testClock } from "../helpers/test_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { MemoryStore } from "./memory_store.ts";

const TTL = 10_000;

const isWarning = ({ level }: { level: string }) => level === "warning";

class Replica {
  readonly log = new LogRecorder();
  readonly events: string[] = [];
  readonly others: Announcement[] = [];
  readonly group: ReplicaGroup;
  schedules = "same";
  zones: string | null = "2026f";
  /** How long it takes to finish what is under way. */
  drain = 0;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(name: string, { clock, store, bus }: Shared, shards: number) {
    this.group = new ReplicaGroup({
      bus,
      store,
      scheduler: "s",
      replica: name,
      shards,
      ttl: TTL,
      clock,
      logger: this.log,
      schedules: () => this.schedules,
      zones: () => this.zones,
      holder: {
        onAcquired: (shard) => this.events.push(`+${shard}`),
        onContinued: (shard) => this.events.push(`=${shard}`),
        onLost: (shard) => this.events.push(`-${shard}`),
        onReleasing: async (shard) => {
          await clock.sleep(this.drain);
          this.events.push(`<${shard}`);
          return 12_345;
        },
        onOtherSchedules: (other) => this.others.push(other),
        onSameSchedules: () => {},
      },
    });
  }

  start(): this {
    this.#running = this.group.run(this.#stop.signal);
    return this;
  }

  /** Ends it as a kill does: without a word. */
  async kill(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

interface Shared {
  clock: ManualClock;
  store: MemoryStore;
  bus: MemoryBus;
}

async function withReplicas(
  test: (add: (name: string, shards?: number) => Replica, shared: Shared) => Promise<void>,
): Promise<void> {
  const clock = testClock("2026-01-01T00:00:00Z");
  const shared = { clock, store: new MemoryStore(), bus: new MemoryBus({ clock }) };
  shared.store.now = () => clock.now();
  await shared.bus.connect();
  const all: Replica[] = [];
  try {
    await test((name, shards = 1) => {
      const replica = new Replica(name, shared, shards).start();
      all.push(replica);
      return replica;
    }, shared);
  } finally {
    for (const each of all) await each.kill();
    await shared.bus.close();
  }
}

Deno.test("of replicas that start together, each lease has one holder, and they share evenly", async () => {
  await withReplicas(async (add, { clock }) => {
    const replicas = ["a", "b", "c"].map((name) => add(name, 7));
    await clock.advance(3000);
    const held = replicas.map(({ group }) => group.held);
    assert.deepEqual(held.flat().toSorted(), [0, 1, 2, 3, 4, 5, 6]);
    assert.deepEqual(held.map(({ length }) => length).toSorted(), [2, 2, 3]);
  });
});

Deno.test("a replica that joins has its share within two TTLs, and nobody fires what is handed over", async () => {
  await withReplicas(async (add, { clock }) => {
    const a = add("a", 6);
    await clock.advance(1000);
    assert.equal(a.group.held.length, 6);
    a.drain = 2000;
    const b = add("b", 6);
    for (let ms = 0; ms < 2 * TTL; ms += 100) {
      await clock.advance(100);
      const both = a.group.held.filter((shard) => b.group.held.includes(shard));
      assert.deepEqual(both, []);
    }
    assert.deepEqual([a.group.held.length, b.group.held.length], [3, 3]);
    assert.equal(a.log.of("scheduler.lease_released").length, 3);
    assert.equal(a.log.of("scheduler.lease_lost").length, 0);
  });
});

Deno.test("a replica that dies is replaced within one TTL, by all that are left", async () => {
  await withReplicas(async (add, { clock }) => {
    const [a, b, c] = [add("a", 6), add("b", 6), add("c", 6)];
    await clock.advance(3000);
    await a.kill();
    const lost = a.group.held.length;
    assert.equal(lost, 2);
    await clock.advance(TTL + 100);
    assert.deepEqual([b.group.held.length, c.group.held.length], [3, 3]);
  });
});

Deno.test("a clean end hands over at once, and says up to when it fired", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    await clock.advance(1000);
    const b = add("b");
    await clock.advance(1000);
    assert.deepEqual([a.group.held, b.group.held], [[0], []]);
    const leaving = a.group.leave();
    await clock.advance(100);
    await leaving;
    assert.deepEqual(a.events, ["+0", "<0"]);
    assert.deepEqual(b.events, ["+0"]);
    assert.equal(store.values.get("s.lease.0")!.value.holder, "b");
    assert.equal(a.log.of("scheduler.lease_released")[0]!.fields.term, 1);
  });
});

Deno.test("while a lease is being handed over it is renewed: it does not run out under the firings", async () => {
  await withReplicas(async (add, { clock }) => {
    const a = add("a");
    const b = add("b");
    await clock.advance(1000);
    a.drain = 2 * TTL;
    const leaving = a.group.leave();
    await clock.advance(2 * TTL - 100);
    assert.equal(a.group.lease(0).state, "held");
    assert.deepEqual(b.group.held, []);
    await clock.advance(200);
    await leaving;
    assert.deepEqual(b.group.held, [0]);
  });
});

Deno.test("one that ends before it has listened takes nothing; one without a bucket ends all the same", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    await clock.advance(10);
    const leaving = a.group.leave();
    await clock.advance(3000);
    await leaving;
    assert.deepEqual(a.events, []);
    const b = add("b");
    await clock.advance(1000);
    store.isDown = true;
    const ending = b.group.leave();
    await clock.advance(1000);
    await ending;
    assert.deepEqual(b.events, ["+0", "<0"]);
    const failures = b.log.of("scheduler.lease_failed");
    assert.equal(failures.filter(({ level }) => level === "warning").length, 1);
  });
});

Deno.test("a bucket that is away costs the right to fire in time, and gives it back in a new term", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    await clock.advance(1000);
    store.isDown = true;
    await clock.advance(TTL);
    assert.equal(a.group.lease(0).state, "lapsed");
    const [lost] = a.log.of("scheduler.lease_lost");
    assert.deepEqual(lost!.fields, {
      shard: 0,
      replica: "a",
      term: 1,
      reason: "not renewed in time",
    });
    store.isDown = false;
    await clock.advance(TTL / 4);
    assert.deepEqual(a.events, ["+0", "=0"]);
    assert.equal(a.group.lease(0).term, 2);
    assert.equal(a.log.of("scheduler.lease_lost").length, 1);
  });
});

Deno.test("stopped past its TTL, a holder learns that it has been replaced", async () => {
  await withReplicas(async (add, { clock }) => {
    const a = add("a");
    await clock.advance(1000);
    const b = add("b");
    await clock.advance(1000);
    // Only a is stopped: b's timers go on, a's renewal does not come.
    const renew = a.group.lease(0).renew.bind(a.group.lease(0));
    a.group.lease(0).renew = () => new Promise(() => {});
    await clock.advance(2 * TTL);
    assert.deepEqual(b.group.held, [0]);
    assert.equal(a.group.lease(0).isValid, false);
    assert.equal(await renew(), false);
    assert.equal(b.group.lease(0).term, 2);
  });
});

Deno.test("replicas with other schedules tell each other, again and again", async () => {
  await withReplicas(async (add, { clock }) => {
    const [a, b] = [add("a"), add("b")];
    await clock.advance(TTL);
    assert.deepEqual([a.others, b.others], [[], []]);
    b.schedules = "other";
    await clock.advance(TTL);
    assert.ok(a.others.length >= 3);
    assert.equal(a.others[0]!.schedules, "other");
    assert.equal(b.others[0]!.schedules, "same");
  });
});

Deno.test("replicas with other time zone data warn of each other once, and change nothing", async () => {
  await withReplicas(async (add, { clock }) => {
    const [a, b, unknown] = [add("a"), add("b"), add("unknown")];
    unknown.zones = null;
    await clock.advance(TTL);
    const warnings = (of: typeof a) =>
      of.log.of("scheduler.zone_data_differs").map(({ level, fields }) => [
        ...[level, fields.zone_data_version, fields.other, fields.other_version],
      ]);
    assert.deepEqual([a, b, unknown].map(warnings), [[], [], []]);
    b.zones = "2027a";
    await clock.advance(3 * TTL);
    assert.deepEqual(warnings(a), [["warning", "2026f", "b", "2027a"]]);
    assert.deepEqual(warnings(b), [["warning", "2027a", "a", "2026f"]]);
    assert.deepEqual([warnings(unknown), a.others, b.others], [[], [], []]);
  });
});

Deno.test("replicas that count their leases differently never hold them at once", async () => {
  await withReplicas(async (add, { clock }) => {
    const one = add("one", 1);
    await clock.advance(1000);
    const six = add("six", 6);
    await clock.advance(3 * TTL);
    assert.deepEqual([one.group.held, six.group.held], [[0], []]);
    const [error] = six.log.of("scheduler.shards_differ");
    assert.match(String(error!.fields.error), /one runs with --shards 1, this one with --shards 6/);
    const leaving = one.group.leave();
    await clock.advance(2000);
    await leaving;
    assert.equal(six.group.held.length, 6);
  });
});

Deno.test("a follower takes over within a TTL though its watch fails from the beginning", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    await clock.advance(1000);
    let watches = 0;
    store.watch = () => {
      watches++;
      return Promise.reject(new Error("maximum consumers limit reached"));
    };
    const b = add("b");
    await clock.advance(2 * TTL);
    assert.deepEqual([a.group.held, b.group.held], [[0], []]);
    assert.ok(watches < 10, `${watches} watches in two TTLs`);
    await a.kill();
    await clock.advance(TTL * 1.1 + 100);
    assert.deepEqual(b.group.held, [0]);
    assert.equal(b.log.of("scheduler.lease_failed").filter(isWarning).length, 1);
  });
});

Deno.test("a follower whose watch breaks again and again counts the TTL from the record", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    await clock.advance(1000);
    const watch = store.watch.bind(store);
    store.watch = async (pattern, onValue, signal) => {
      const ended = new AbortController();
      void clock.sleep(TTL / 3, signal).then(() => ended.abort());
      await watch(pattern, onValue, AbortSignal.any([signal, ended.signal]));
    };
    const b = add("b");
    await clock.advance(TTL);
    await a.kill();
    await clock.advance(TTL + 100);
    assert.deepEqual(b.group.held, [0]);
  });
});

Deno.test("a follower takes over within a TTL though it cannot read, where a watch tells it", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    const b = add("b");
    await clock.advance(1000);
    const [holder, follower] = a.group.held.length > 0 ? [a, b] : [b, a];
    store.get = () => Promise.reject(new Error("Permissions Violation"));
    await clock.advance(TTL);
    assert.equal(follower.group.knowsAll, true);
    await holder.kill();
    await clock.advance(TTL + 100);
    assert.deepEqual(follower.group.held, [0]);
  });
});

Deno.test("while earlier writes are in process the number of attempts is bounded", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const [a, b] = [add("a", 4), add("b", 4)];
    await clock.advance(3000);
    let calls = 0;
    const get = store.get.bind(store);
    const put = store.put.bind(store);
    store.get = (key) => {
      calls++;
      return get(key);
    };
    store.put = () => {
      calls++;
      return Promise.reject(new ConflictError("wrong last sequence"));
    };
    const seconds = 3 * TTL / 1000;
    await clock.advance(seconds * 1000);
    // Each replica reads or writes each of the leases ten times in a TTL at most.
    assert.ok(calls < 2 * 2 * 4 * seconds, `${calls} calls in ${seconds} s`);
    assert.deepEqual([a.group.held, b.group.held], [[], []]);
    store.put = put;
    await clock.advance(TTL / 2);
    assert.equal([...a.group.held, ...b.group.held].length, 4);
  });
});

Deno.test("a bucket that is purged, or made again, costs the holder nothing", async () => {
  for (const isNew of [false, true]) {
    await withReplicas(async (add, { clock, store }) => {
      const a = add("a");
      const b = add("b");
      await clock.advance(1000);
      const [holder, follower] = a.group.held.length > 0 ? [a, b] : [b, a];
      store.values.clear();
      if (isNew) store.forgetRevisions();
      await clock.advance(TTL / 2);
      assert.deepEqual(holder.events, ["+0"]);
      const { holder: name, term } = store.values.get("s.lease.0")!.value;
      assert.deepEqual([name, term], [holder === a ? "a" : "b", 1]);
      await holder.kill();
      await clock.advance(1.5 * TTL);
      assert.deepEqual(follower.group.held, [0]);
      assert.equal(follower.group.lease(0).term, 2);
    });
  }
});

Deno.test("a replica that starts on a bucket that was lost takes nothing from one that is present", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    await clock.advance(1000);
    clock.stop(TTL);
    await clock.advance(1000);
    assert.equal(a.group.lease(0).term, 2);
    const put = store.put.bind(store);
    store.put = () => Promise.reject(new Error("The test lets nobody write"));
    store.values.clear();
    store.forgetRevisions();
    const b = add("b");
    await clock.advance(1000);
    store.put = put;
    await clock.advance(TTL / 2);
    assert.deepEqual([a.group.held, b.events], [[0], []]);
    await a.kill();
    store.values.clear();
    store.forgetRevisions();
    await clock.advance(2 * TTL);
    assert.equal(b.group.lease(0).term, 3, "it was told of the term");
  });
});

Deno.test("a lease that lapsed is held by nobody, and who cannot read for a TTL knows nothing", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const [a, b] = [add("a"), add("b")];
    await clock.advance(1000);
    assert.deepEqual([a.group.knowsAll, b.group.knowsAll], [true, true]);
    store.isDown = true;
    store.values.clear();
    await clock.advance(TTL);
    assert.deepEqual([a.group.held, b.group.held], [[], []]);
    await clock.advance(100);
    assert.deepEqual([a.group.knowsAll, b.group.knowsAll], [false, false]);
  });
});

Deno.test("a new connection begins the wait anew", async () => {
  await withReplicas(async (add, { clock, store }) => {
    const a = add("a");
    await clock.advance(1000);
    const b = add("b");
    await clock.advance(1000);
    await a.kill();
    await clock.advance(TTL / 2);
    store.connection = {};
    await clock.advance(TTL - 1000);
    assert.deepEqual(b.group.held, []);
    await clock.advance(TTL / 2);
    assert.deepEqual(b.group.held, [0]);
  });
});
