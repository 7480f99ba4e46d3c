/** The thread that serves where a program cannot start itself. */
import assert from "node:assert/strict";
import { Harness, hostProcesses } from "./expansion_harness.ts";

Deno.test("a thread expands, without a process", async () => {
  await using harness = new Harness({ apart: "thread" });
  const objects = await harness.expand("./shop/sessions.ts#getLater");
  assert.deepEqual(objects, [{ schedule: "digest" }]);
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 2 }]);
  harness.expander.reload();
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
  assert.equal((await harness.expand("returns.most")).length, 100_000);
  assert.deepEqual(hostProcesses(), []);
});

const FAILURES: [expandFrom: string, kind: string, message: RegExp][] = [
  ["hostile.throws", "call", /TypeError: no such tenant .*\(hostile\.ts:2:9\)$/],
  ["hostile.rejectsMeanwhile", "call", /uncaught Error: nobody waits for me/],
  ["hostile.exits", "call", /it called Deno\.exit\(0\)$/],
  ["hostile.hangs", "call", /did not return within 0\.3 s/],
  ["shop.sessions.getactive", "import", /did you mean "get_active"\?/],
  ["returns.instances", "bad_return", /at index 1, got an instance of Session$/],
];

for (const [expandFrom, kind, message] of FAILURES) {
  Deno.test(`a thread fails with ${kind}: ${expandFrom}`, async () => {
    await using harness = new Harness({ apart: "thread" });
    const error = await harness.failure(expandFrom, { timeoutSeconds: 0.3 });
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
  });
}

Deno.test("what console prints in a thread is logged", async () => {
  await using harness = new Harness({ apart: "thread" });
  await harness.expand("hostile.leaksTimers");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await harness.expander.close();
  assert.ok(harness.printed("stdout").includes("leaked"));
});
