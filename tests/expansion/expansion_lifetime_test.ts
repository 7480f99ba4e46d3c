/** When processes start, are kept, and end. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { Harness, hostProcesses } from "./expansion_harness.ts";

const START = "2026-03-01T08:00:00Z";

Deno.test("no process is started before the first expansion", async () => {
  await using harness = new Harness();
  assert.deepEqual(hostProcesses(), []);
  await harness.failure("no.such.module");
  assert.deepEqual(hostProcesses(), []);
});

Deno.test("a process is kept warm for a minute after its last call, and then given up", async () => {
  const clock = new ManualClock(START);
  await using harness = new Harness({ clock });
  await harness.expand("state.count");
  const [first] = hostProcesses();
  await clock.advance(59_000);
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 2 }]);
  await clock.advance(59_000);
  assert.deepEqual(hostProcesses(), [first]);
  await clock.advance(1_000);
  await eventually("the process is gone", () => hostProcesses().length === 0);
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
  assert.deepEqual(harness.log.of("scheduler.expansion_crashed"), []);
});

Deno.test("a reload loads the module afresh", async () => {
  const root = await Deno.makeTempDir();
  try {
    await using harness = new Harness({ root });
    await Deno.writeTextFile(`${root}/part.ts`, "export const version = 1;");
    await Deno.writeTextFile(
      `${root}/whole.ts`,
      `import { version } from "./part.ts"; export const list = () => [{ version }];`,
    );
    assert.deepEqual(await harness.expand("whole.list"), [{ version: 1 }]);
    await Deno.writeTextFile(`${root}/part.ts`, "export const version = 2;");
    assert.deepEqual(await harness.expand("whole.list"), [{ version: 1 }]);
    harness.expander.reload();
    assert.deepEqual(await harness.expand("whole.list"), [{ version: 2 }]);
    await eventually("the old process is gone", () => hostProcesses().length === 1);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a call under way at a reload finishes, while new ones get a fresh process", async () => {
  await using harness = new Harness();
  await harness.expand("state.count");
  const old = harness.expand("state.slowCount");
  await eventually("it is under way", () => harness.printed("stdout").includes("counting"));
  harness.expander.reload();
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
  assert.deepEqual(await old, [{ calls: 2 }]);
  await eventually("the old process is gone", () => hostProcesses().length === 1);
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 2 }]);
});

Deno.test("at most eight calls run at once, the next in the order they came", async () => {
  await using harness = new Harness();
  const order: number[] = [];
  const abort = new AbortController();
  const hung = Array.from(
    { length: 8 },
    (_, index) =>
      harness.failure("hostile.hangs", { schedule: `hangs-${index}`, timeoutSeconds: 1.5 }),
  );
  await eventually("eight run", () => hostProcesses().length === 8);
  const waiting = [1, 2, 3].map((index) =>
    harness.expand("shop.sessions.none", { schedule: `waits-${index}` })
      .then(() => order.push(index))
  );
  const givenUp = harness.expand("state.count", { schedule: "given-up", signal: abort.signal });
  abort.abort(new Error("superseded"));
  await assert.rejects(givenUp, /superseded/);
  assert.equal(hostProcesses().length, 8);
  assert.deepEqual(order, []);
  await Promise.all([...hung, ...waiting]);
  assert.deepEqual(order.toSorted(), [1, 2, 3]);

  // The place of the call that was given up is not lost.
  harness.expander.reload();
  await eventually("none is left", () => hostProcesses().length === 0);
  for (let index = 0; index < 8; index++) {
    void harness.failure("hostile.hangs", { schedule: `again-${index}` });
  }
  await eventually("eight run again", () => hostProcesses().length === 8);
});

Deno.test("no more than eight idle processes are kept", async () => {
  await using harness = new Harness();
  for (let index = 0; index < 10; index++) {
    await harness.expand("state.count", { schedule: `s${index}` });
  }
  await eventually("two are given up", () => hostProcesses().length === 8);
  assert.deepEqual(await harness.expand("state.count", { schedule: "s9" }), [{ calls: 2 }]);
  assert.deepEqual(await harness.expand("state.count", { schedule: "s0" }), [{ calls: 1 }]);
});

Deno.test("close ends every process and every call, and no other begins", async () => {
  await using harness = new Harness();
  await harness.expand("state.count", { schedule: "idle" });
  const hung = harness.failure("hostile.spins");
  await eventually("both run", () => hostProcesses().length === 2);
  await harness.expander.close();
  assert.deepEqual(hostProcesses(), []);
  const { kind, message } = await hung;
  assert.equal(kind, "call");
  assert.match(message, /: the scheduler is shutting down$/);
  assert.match((await harness.failure("state.count")).message, /the scheduler is shutting down$/);
  assert.deepEqual(hostProcesses(), []);
});
