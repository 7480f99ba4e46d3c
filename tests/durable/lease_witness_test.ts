/** Who is said to hold a lease when somebody asks. */
import assert from "node:assert/strict";
import { Lease } from "../../lib/durable/lease.ts";
import { type Witness, witness } from "../../lib/durable/lease_witness.ts";
import { Presence } from "../../lib/durable/presence.ts";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { MemoryStore } from "./memory_store.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const TTL = 10_000;

async function setUp() {
  const clock = new ManualClock(START);
  const bus = new MemoryBus({ clock });
  await bus.connect();
  const store = new MemoryStore();
  const ended = new AbortController();
  const replica = async (name: string, { isListening = true } = {}) => {
    const lease = new Lease({
      store,
      key: "s.lease.0",
      replica: name,
      ttl: TTL,
      shards: 1,
      clock,
      logger: new LogRecorder(),
      schedules: () => "hash",
    });
    const said = new AbortController();
    const presence = new Presence({
      bus,
      scheduler: "s",
      clock,
      logger: new LogRecorder(),
      ttl: TTL,
      self: () => ({
        replica: name,
        schedules: "hash",
        leases: lease.state === "not_held" ? [] : [0],
      }),
      onChange: () => {},
    });
    if (isListening) await presence.listen(AbortSignal.any([ended.signal, said.signal]));
    return {
      lease,
      presence,
      die: () => said.abort(),
      ask: async () => {
        let found: Witness | undefined;
        void witness(lease, { shard: 0, presence, clock }).then((each) => found = each);
        await clock.advance(0);
        for (let waited = 0; found === undefined && waited < 5000; waited += 100) {
          await clock.advance(100);
        }
        return found;
      },
    };
  };
  const end = async () => {
    ended.abort();
    await bus.close();
  };
  return { clock, replica, end };
}

Deno.test("a holder says that it holds the lease, and another that it does", async () => {
  const { clock, replica, end } = await setUp();
  const [one, two] = [await replica("one"), await replica("two")];
  await one.lease.read();
  assert.equal(await one.lease.acquire(), true);
  await two.lease.read();
  assert.deepEqual(await one.ask(), { holder: "us" });
  const before = clock.now();
  assert.deepEqual(await two.ask(), { holder: "another" });
  assert.equal(clock.now() - before, 0, "at once");
  await end();
});

Deno.test("of a holder that does not answer it is said when somebody else can have the lease", async () => {
  const { clock, replica, end } = await setUp();
  const [one, two] = [await replica("one"), await replica("two")];
  await one.lease.read();
  await one.lease.acquire();
  await two.lease.read();
  await clock.advance(3000);
  one.die();
  assert.deepEqual(await two.ask(), { holder: "nobody", silent: "one", until: START + TTL });
  assert.equal(clock.now(), START + 4000, "after a second");
  await clock.advance(TTL);
  await two.lease.read();
  const now = clock.now();
  assert.deepEqual(await two.ask(), { holder: "nobody", silent: null, until: now + 1000 });
  await end();
});

Deno.test("a lease that was let go has no holder, and one that nobody has read may have one", async () => {
  const { clock, replica, end } = await setUp();
  const [one, two] = [await replica("one"), await replica("two")];
  assert.deepEqual(await two.ask(), { holder: "another" });
  await one.lease.read();
  await one.lease.acquire();
  await two.lease.read();
  await one.lease.release(START);
  // The news of that is still on its way: the former holder says that it holds nothing.
  assert.deepEqual(await two.ask(), { holder: "nobody", silent: null, until: START + TTL });
  await two.lease.read();
  assert.deepEqual(await two.ask(), { holder: "nobody", silent: null, until: clock.now() + 1000 });
  await end();
});

Deno.test("whoever takes the lease while its former holder is asked fires", async () => {
  const { clock, replica, end } = await setUp();
  const [one, two] = [await replica("one"), await replica("two")];
  await one.lease.read();
  await one.lease.acquire();
  await two.lease.read();
  one.die();
  await clock.advance(TTL - 500);
  const asked = two.ask();
  await clock.advance(600);
  assert.equal(await two.lease.acquire(), true);
  assert.deepEqual(await asked, { holder: "us" });
  await end();
});
