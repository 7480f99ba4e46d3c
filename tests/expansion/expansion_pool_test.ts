import assert from "node:assert/strict";
import { ExpansionPool } from "../../lib/expansion/expansion_pool.ts";
import type { ExpansionRunner } from "../../lib/expansion/expansion_runner.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";

const clock = () => new ManualClock("2026-03-01T08:00:00Z");
const never = new AbortController().signal;

/** A pool of one place, and what calls in it. */
function poolOfOne() {
  const pool = new ExpansionPool({ clock: clock(), size: 1, start });
  return (signal = never, work = () => Promise.resolve("ran")) =>
    pool.use("key", signal, work, () => false);
}

function start(): ExpansionRunner {
  const ended = new Promise<void>(() => {});
  return { alive: true, ended, kill() {} } as unknown as ExpansionRunner;
}

Deno.test("whoever waits for a place gets it in turn, and costs nobody else's by giving up", async () => {
  const call = poolOfOne();
  const first = Promise.withResolvers<string>();
  const running = call(undefined, () => first.promise);
  const gaveUp = new AbortController();
  const waiting = call(gaveUp.signal);
  const third = call();
  gaveUp.abort(new Error("no longer wanted"));
  first.resolve("done");
  assert.equal(await running, "done");
  await assert.rejects(waiting, /no longer wanted/);
  assert.equal(await third, "ran");
});

Deno.test("a caller who gives up just after it got its place drops no other caller", async () => {
  // In whichever microtask the second gives up, it ran or it did not, and the third runs.
  for (let microtasks = 0; microtasks < 20; microtasks++) {
    const call = poolOfOne();
    const gaveUp = new AbortController();
    const first = Promise.withResolvers<string>();
    const running = call(undefined, () => first.promise);
    let secondRan = false;
    const second = call(gaveUp.signal, () => {
      assert.ok(!gaveUp.signal.aborted, "nothing starts that was given up");
      secondRan = true;
      return Promise.resolve("ran");
    });
    const third = call();
    first.resolve("done");
    for (let n = 0; n < microtasks; n++) await null;
    gaveUp.abort(new Error("no longer wanted"));
    let results: PromiseSettledResult<string>[] = [];
    void Promise.allSettled([running, second, third]).then((all) => results = all);
    await new Promise((resolve) => setTimeout(resolve, 0)); // all microtasks
    assert.deepEqual(results.map(({ status }) => status), [
      "fulfilled",
      secondRan ? "fulfilled" : "rejected",
      "fulfilled",
    ], `it gave up after ${microtasks} microtasks`);
  }
});

/** A runner that ends when it is killed, and is gone when the test says so. */
class SlowToEnd {
  readonly #gone = Promise.withResolvers<void>();
  readonly ended = this.#gone.promise;
  readonly gone = this.#gone.resolve;
  alive = true;

  kill(): void {
    this.alive = false;
  }
}

Deno.test("the longest warm one makes room, and the next begins once nothing of it is left", async () => {
  const started: SlowToEnd[] = [];
  const startSlow = () => {
    const runner = new SlowToEnd();
    started.push(runner);
    return runner as unknown as ExpansionRunner;
  };
  const pool = new ExpansionPool({ clock: clock(), size: 2, start: startSlow });
  const ran: string[] = [];
  const call = (key: string, signal = never) =>
    pool.use(key, signal, () => Promise.resolve(ran.push(key)), () => false);
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0)); // all microtasks
  await call("a");
  await call("b");
  await call("a");
  assert.equal(started.length, 2, "a warm one serves its key again");

  const gaveUp = new AbortController();
  const calls = [call("c"), assert.rejects(call("d", gaveUp.signal), /no longer wanted/)];
  await settle();
  assert.deepEqual(started.map(({ alive }) => alive), [true, false], "b waited longest");
  assert.deepEqual(ran, ["a", "b", "a"], "of b something is left");
  gaveUp.abort(new Error("no longer wanted"));
  started[1]!.gone();
  await Promise.all(calls);
  assert.deepEqual(ran, ["a", "b", "a", "c"]);
  assert.deepEqual(started.map(({ alive }) => alive), [true, false, true]);
});

Deno.test("a warm one that ended by itself holds no place", async () => {
  const started: SlowToEnd[] = [];
  const pool = new ExpansionPool({
    clock: clock(),
    size: 1,
    start: () => {
      started.push(new SlowToEnd());
      return started.at(-1) as unknown as ExpansionRunner;
    },
  });
  const call = (key: string) => pool.use(key, never, () => Promise.resolve(key), () => false);
  await call("a");
  started[0]!.kill();
  started[0]!.gone();
  assert.equal(await call("b"), "b");
  assert.equal(await call("b"), "b");
  assert.equal(started.length, 2);
});
