import assert from "node:assert/strict";
import { ExpansionPool, MAX_BUSY } from "../../lib/expansion/expansion_pool.ts";
import type { ExpansionRunner } from "../../lib/expansion/expansion_runner.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";

/** A pool in which one place is left, and what gives that up. */
function poolOfOne() {
  const pool = new ExpansionPool({ clock: new ManualClock("2026-03-01T08:00:00Z"), start });
  const never = new AbortController().signal;
  const call = (signal = never, work = () => Promise.resolve("ran")) =>
    pool.use("key", signal, work, () => false);
  for (let n = 1; n < MAX_BUSY; n++) void call(never, () => new Promise(() => {}));
  return call;
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
