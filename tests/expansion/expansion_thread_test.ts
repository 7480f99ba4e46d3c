/** The thread that serves where a program cannot start itself. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
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
  ["hostile.writes", "call", /NotCapable: Requires write access to "written\.txt": an expansion f/],
  ["hostile.runs", "call", /NotCapable: Requires run access to "\/proc\/self\/exe": an expansion/],
  [
    "hostile.url",
    "call",
    /NotCapable: Requires env access to "NATS_URL": an expansion function may/,
  ],
];

for (const [expandFrom, kind, message] of FAILURES) {
  Deno.test(`a thread fails with ${kind}: ${expandFrom}`, async () => {
    await using harness = new Harness({ apart: "thread" });
    const error = await harness.failure(expandFrom, { timeoutSeconds: 0.3 });
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
  });
}

Deno.test("a thread may read files and a few variables, and gives no worker of its own more", async () => {
  await using harness = new Harness({ apart: "thread" });
  assert.deepEqual(await harness.expand("hostile.path"), [{ path: Deno.env.get("PATH") }]);
  assert.deepEqual(await harness.expand("hostile.writesApart"), [{ outcome: "NotCapable" }]);
});

Deno.test("what ends a thread between two calls is a warning, and the next call has another", async () => {
  await using harness = new Harness({ apart: "thread" });
  await harness.expand("hostile.rejectsLater");
  const crashed = () => harness.log.of("scheduler.expansion_crashed");
  await eventually("the crash is logged", () => crashed().length > 0);
  assert.match(crashed()[0]!.fields.error as string, /^uncaught Error: nobody waits for me$/);
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
});

Deno.test("what console prints in a thread is logged", async () => {
  await using harness = new Harness({ apart: "thread" });
  await harness.expand("hostile.leaksTimers");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await harness.expander.close();
  assert.ok(harness.printed("stdout").includes("leaked"));
});

Deno.test("a thread in a loop, which nothing can end, is the last of its schedule", async () => {
  await using harness = new Harness({ apart: "thread" });
  const first = await harness.failure("hostile.spins", { timeoutSeconds: 0.3 });
  assert.match(first.message, /did not return within 0\.3 s/);
  const second = await harness.failure("hostile.spins", { timeoutSeconds: 0.3 });
  assert.match(second.message, /an earlier call is still in a loop, .* until the scheduler was st/);
  // Another schedule's thread is another one, and one that only waits does end.
  for (const _ of [1, 2]) {
    const options = { schedule: "waits", timeoutSeconds: 0.1 };
    const { message } = await harness.failure("hostile.hangs", options);
    assert.match(message, /did not return within 0\.1 s/);
  }
});
