/** User code that speaks to the scheduler itself, or answers with more than anyone should read. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { NAMES } from "../fixtures/expansions/channel.ts";
import { Harness, hostProcesses, MAX_DELAY } from "./expansion_harness.ts";

/** What a message may cost in the log, in characters. */
const MAX_MESSAGE_CHARACTERS = 10_000;

for (const apart of ["process", "thread"] as const) {
  for (const schedule of NAMES) {
    Deno.test(`in a ${apart}, what is sent after a call ends it and nothing else: ${schedule}`, async () => {
      await using harness = new Harness({ apart });
      assert.deepEqual(await harness.expand("channel.sendsLater", { schedule }), [{
        sends: "later",
      }]);
      const crashed = () => harness.log.of("scheduler.expansion_crashed");
      await eventually("it is logged", () => crashed().length > 0);
      await eventually("the process is gone", () => hostProcesses().length === 0);
      assert.equal(crashed().length, 1);
      const { level, fields } = crashed()[0]!;
      assert.equal(level, "warning");
      assert.equal(typeof fields.error, "string");
      assert.ok((fields.error as string).length < MAX_MESSAGE_CHARACTERS);
      assert.deepEqual(await harness.expand("state.count", { schedule }), [{ calls: 1 }]);
      if (apart === "process") {
        assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
      }
    });
  }
}

for (const schedule of NAMES) {
  Deno.test(`what is sent during a call fails that call and nothing else: ${schedule}`, async () => {
    await using harness = new Harness();
    await harness.expand("channel.sendsMeanwhile", { schedule });
    const { kind, message } = await harness.failure("channel.sendsMeanwhile", { schedule });
    assert.match(kind, /^(call|import)$/);
    assert.ok(message.length < MAX_MESSAGE_CHARACTERS, `${message.length} characters`);
    assert.deepEqual(await harness.expand("state.count", { schedule }), [{ calls: 1 }]);
    assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
  });
}

for (const expandFrom of ["many.places", "many.characters", "many.reasons", "many.classes"]) {
  Deno.test(`an error of any length is read in no time, and cut: ${expandFrom}`, async () => {
    await using harness = new Harness();
    const { message, cause } = await harness.failure(expandFrom);
    assert.ok(message.length < 4500, `${message.length} characters`);
    assert.ok((cause as Error).stack!.length < 6000);
    assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
  });
}

Deno.test("export names of any length and number are cut", async () => {
  const root = await Deno.makeTempDir();
  try {
    const names = Array.from({ length: 200 }, (_, index) => `n${index}${"x".repeat(200_000)}`);
    const exports = names.map((name) => `f as "${name}"`).join();
    await Deno.writeTextFile(`${root}/long.js`, `const f = () => [];\nexport { ${exports} };`);
    await using harness = new Harness({ root });
    const { message } = await harness.failure("long.list");
    assert.match(message, /it has no export "list"; it exports the functions "n0x+", "n100x+", /);
    assert.ok(message.length < 5000, `${message.length} characters`);
    assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/** Calls a function eight times at once, and tells how much memory that took and for how long it blocked. */
const EIGHT_AT_ONCE = `
  import { Harness } from "./tests/expansion/expansion_harness.ts";
  await using harness = new Harness();
  const call = async (_, index) => {
    const options = { schedule: "s" + index, scheduledFor: new Date(0), timeoutSeconds: 30 };
    const result = await harness.expander.expand(Deno.args[0], options);
    const { count, lists } = result;
    let objects = 0;
    for (const list of lists) {
      objects += list.length;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    result.release();
    if (objects !== count) throw new Error(objects + " of " + count);
  };
  const before = Deno.memoryUsage().rss;
  await Promise.all(Array.from({ length: 8 }, call));
  const peak = Number(/VmHWM:\\s+(\\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))[1]) * 1024;
  console.log(JSON.stringify({ megabytes: (peak - before) / 1e6, delay: harness.worstDelay }));
`;

for (const expandFrom of ["returns.most", "returns.largest", "returns.densest"]) {
  Deno.test(`eight results as large as they may be take little memory: ${expandFrom}`, async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", "--ext=ts", "--lock=tests/deno.lock", EIGHT_AT_ONCE, expandFrom],
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      // As the executable has them (deploy/compile.ts).
      env: { DENO_V8_FLAGS: "--heap-growing-percent=100,--max-semi-space-size=8" },
    }).output();
    const decoder = new TextDecoder();
    assert.match(decoder.decode(stdout), /^{/, decoder.decode(stderr));
    const { megabytes, delay } = JSON.parse(decoder.decode(stdout));
    assert.ok(megabytes < 128, `${megabytes} MB`);
    // Nine processes compete for the machine's cores.
    assert.ok(delay < 2 * MAX_DELAY, `${delay} ms`);
  });
}
