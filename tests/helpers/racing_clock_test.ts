/** What the clock that finds races does, and that it does the same for the same seed. */
import assert from "node:assert/strict";
import { Slice } from "../../lib/time/slice.ts";
import { RacingClock } from "./racing_clock.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const racing = (seed = 1) => new RacingClock(START, seed);

Deno.test("each look costs a little time, on both clocks", () => {
  const clock = racing();
  const looks = Array.from({ length: 1000 }, () => clock.monotonic());
  const costs = looks.slice(1).map((at, index) => at - looks[index]!);
  assert.ok(costs.every((cost) => cost > 0 && cost < 0.051));
  assert.ok(new Set(costs).size > 900, "each look another");
  assert.ok(Math.abs(clock.now() - START - clock.monotonic()) < 2);
  assert.ok(clock.until(START + 1000) < 1000 - 24);
});

Deno.test("work on a few hundred entries is over its slice, and pauses", async () => {
  const clock = racing();
  const slice = new Slice(clock);
  let pauses = 0;
  for (let entry = 0; entry < 600; entry++) {
    if (!slice.isOver()) continue;
    pauses++;
    await slice.pause();
  }
  assert.ok(pauses >= 2 && pauses < 20, `${pauses}`);
});

Deno.test("where the clock says that an instant has come, it shows it", () => {
  for (let seed = 1; seed < 200; seed++) {
    const clock = racing(seed);
    const instant = START + 1;
    while (clock.until(instant) > 0);
    assert.ok(clock.now() >= instant);
  }
});

Deno.test("an advance ends where the advances add up to, whatever looks cost meanwhile", async () => {
  const clock = racing();
  for (let second = 1; second <= 100; second++) {
    for (let look = 0; look < 20; look++) clock.now();
    await clock.advance(1000);
    const late = clock.now() - (START + second * 1000);
    assert.ok(late >= 0 && late <= 1, `${late} ms in second ${second}`);
  }
});

Deno.test("a sleeper wakes no earlier than it asked for, and in time", async () => {
  const clock = racing();
  const woken: number[] = [];
  for (const ms of [30, 10, 20]) void clock.sleep(ms).then(() => woken.push(ms));
  await clock.advance(9.4);
  assert.deepEqual(woken, []);
  await clock.advance(20.6);
  assert.deepEqual(woken, [10, 20, 30]);
});

Deno.test("a pause ends by itself, and others go on before it does", async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const clock = racing(seed);
    const order: string[] = [];
    await Promise.all(["a", "b", "c"].map(async (name) => {
      await clock.sleep(0);
      order.push(name);
    }));
    orders.add(order.join(""));
  }
  assert.ok(orders.size >= 4, [...orders].join());
});

Deno.test("while a work pauses, what is due meanwhile may come first, or may not", async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const clock = racing(seed);
    const order: string[] = [];
    void clock.sleep(1).then(() => order.push("due"));
    void clock.sleep(0).then(() => order.push("work"));
    await clock.advance(1);
    orders.add(order.join(" "));
  }
  assert.deepEqual([...orders].toSorted(), ["due work", "work due"]);
});

Deno.test("those who wake at one time do so in any order, and step by step between each other", async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const clock = racing(seed);
    const order: string[] = [];
    for (const name of ["a", "b"]) {
      void clock.sleep(5).then(async () => {
        order.push(`${name}1`);
        await Promise.resolve();
        order.push(`${name}2`);
      });
    }
    await clock.advance(10);
    orders.add(order.join(" "));
  }
  assert.deepEqual([...orders].toSorted(), [
    "a1 a2 b1 b2",
    "a1 b1 a2 b2",
    "b1 a1 b2 a2",
    "b1 b2 a1 a2",
  ]);
});

Deno.test("who pauses when an advance is over still finishes within it", async () => {
  const clock = racing();
  let steps = 0;
  void clock.sleep(1000).then(async () => {
    for (; steps < 5; steps++) await clock.sleep(0);
  });
  await clock.advance(1000);
  assert.equal(steps, 5);
});

Deno.test("the same seed gives the same run", async () => {
  const run = async (seed: number) => {
    const clock = racing(seed);
    const trace: string[] = [];
    for (const name of ["a", "b", "c"]) {
      void (async () => {
        for (let step = 0; step < 10; step++) {
          await clock.sleep(step % 3);
          trace.push(`${name}${step}@${clock.monotonic()}`);
        }
      })();
    }
    await clock.advance(50);
    return trace.join();
  };
  assert.equal(await run(7), await run(7));
  assert.notEqual(await run(7), await run(8));
});

Deno.test("a jump sets the wall clock alone, a stop lets time pass without anybody", async () => {
  const clock = racing();
  let isAwake = false;
  void clock.sleep(1000).then(() => isAwake = true);
  clock.jump(-60_000);
  assert.ok(clock.now() < START && clock.monotonic() < 1);
  clock.stop(5000);
  assert.ok(!isAwake && clock.monotonic() > 5000);
  await clock.advance(0);
  assert.ok(isAwake);
});
