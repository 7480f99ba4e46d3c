/** Whatever a function does, it ends nothing but its own call. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { Harness, hostProcesses, MAX_DELAY, processExists } from "./expansion_harness.ts";

Deno.test("a busy loop is ended at its time-out, its process gone at once", async () => {
  await using harness = new Harness();
  const failure = harness.failure("hostile.spins", { timeoutSeconds: 0.5 });
  await eventually("the process runs", () => hostProcesses().length === 1);
  const [pid] = hostProcesses();
  const { kind, message } = await failure;
  assert.equal(kind, "call");
  assert.match(message, /: it did not return within 0\.5 s, and was ended$/);
  await eventually("the process is gone", () => !processExists(pid!), 2000);
});

for (const expandFrom of ["hostile.hangs", "./endless.mjs#list"]) {
  Deno.test(`a promise that never resolves is ended at its time-out: ${expandFrom}`, async () => {
    await using harness = new Harness();
    const { kind, message } = await harness.failure(expandFrom, { timeoutSeconds: 0.3 });
    assert.equal(kind, "call");
    assert.match(message, /it did not return within 0\.3 s/);
    await eventually("the process is gone", () => hostProcesses().length === 0, 2000);
  });
}

Deno.test("an aborted call rejects with the signal's reason, and its process is gone", async () => {
  await using harness = new Harness();
  const reason = new Error("superseded");
  const abort = new AbortController();
  const call = harness.expand("hostile.spins", { signal: abort.signal });
  await eventually("the process runs", () => hostProcesses().length === 1);
  abort.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await eventually("the process is gone", () => hostProcesses().length === 0, 2000);
  await assert.rejects(
    harness.expand("state.count", { signal: abort.signal }),
    (error) => error === reason,
  );
  assert.deepEqual(hostProcesses(), []);
});

for (const expandFrom of ["hostile.eatsHeap", "hostile.eatsBuffers"]) {
  Deno.test(`a function that eats all memory ends itself: ${expandFrom}`, async () => {
    await using harness = new Harness();
    let most = 0;
    const watch = setInterval(() => {
      for (const pid of hostProcesses()) most = Math.max(most, residentMegabytes(pid));
    }, 20);
    const { kind, message } = await harness.failure(expandFrom);
    clearInterval(watch);
    assert.equal(kind, "call");
    assert.match(message, /: out of memory: it used more than 512 MiB$/);
    assert.ok(most < 1500, `${most} MB`);
    await eventually("the process is gone", () => hostProcesses().length === 0, 2000);
  });
}

function residentMegabytes(pid: number): number {
  try {
    const pages = Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1];
    return Number(pages) * 4096 / 1e6;
  } catch {
    return 0;
  }
}

Deno.test("a process that something else kills fails its call, and the next starts another", async () => {
  await using harness = new Harness();
  const failure = harness.failure("hostile.hangs");
  await eventually("the process runs", () => hostProcesses().length === 1);
  Deno.kill(hostProcesses()[0]!, "SIGKILL");
  const { kind, message } = await failure;
  assert.equal(kind, "call");
  assert.match(
    message,
    /: its process was ended by SIGKILL, as the kernel does when memory is short$/,
  );
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
});

Deno.test("functions that hang delay no other schedule's, not even of the same module", async () => {
  await using harness = new Harness();
  await harness.expand("state.count", { schedule: "prompt" });
  const hung = ["a", "b"].map((schedule) =>
    harness.failure("hostile.spins", { schedule, timeoutSeconds: 2 })
  );
  await eventually("both run", () => hostProcesses().length === 3);
  for (let call = 2; call < 12; call++) {
    const start = performance.now();
    assert.deepEqual(await harness.expand("state.count", { schedule: "prompt" }), [{
      calls: call,
    }]);
    const took = performance.now() - start;
    assert.ok(took < 1000, `${took} ms`);
  }
  assert.deepEqual(
    await harness.expand("hostile.leaksTimers", { schedule: "c" }),
    [{ leaks: "timers" }],
  );
  assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
  for (const { message } of await Promise.all(hung)) assert.match(message, /within 2 s/);
});

Deno.test("two schedules share no process, so what one leaves behind cannot touch the other", async () => {
  await using harness = new Harness();
  assert.deepEqual(await harness.expand("state.count", { schedule: "a" }), [{ calls: 1 }]);
  assert.deepEqual(await harness.expand("state.count", { schedule: "b" }), [{ calls: 1 }]);
  assert.deepEqual(await harness.expand("state.count", { schedule: "a" }), [{ calls: 2 }]);
});

Deno.test("what a function leaves running does not disturb its next call", async () => {
  await using harness = new Harness();
  for (let call = 0; call < 3; call++) {
    assert.deepEqual(await harness.expand("hostile.leaksTimers"), [{ leaks: "timers" }]);
  }
  await eventually("it goes on printing", () => harness.printed("stdout").includes("leaked"));
});

const CRASHES: [expandFrom: string, error: RegExp][] = [
  ["hostile.rejectsLater", /^uncaught Error: nobody waits for me$/],
  ["hostile.exitsLater", /^it called Deno\.exit\(3\)$/],
];

for (const [expandFrom, error] of CRASHES) {
  Deno.test(`a process that ends between two calls is a warning: ${expandFrom}`, async () => {
    await using harness = new Harness();
    await harness.expand(expandFrom);
    const crashed = () => harness.log.of("scheduler.expansion_crashed");
    await eventually("the crash is logged", () => crashed().length > 0);
    await eventually("the process is gone", () => hostProcesses().length === 0);
    assert.equal((await harness.expand(expandFrom)).length, 1);
    const { level, fields } = crashed()[0]!;
    assert.equal(level, "warning");
    assert.equal(fields.schedule, "digest");
    assert.equal(fields.module, "hostile.ts");
    assert.match(fields.error as string, error);
    await harness.expander.close();
    assert.ok(crashed().length <= 2);
  });
}

Deno.test("a signal to the whole group lets a call finish", async () => {
  await using harness = new Harness();
  await harness.expand("state.count");
  const [pid] = hostProcesses();
  const call = harness.expand("state.slowCount");
  await eventually("it is under way", () => harness.printed("stdout").includes("counting"));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.kill(pid!, signal);
  assert.deepEqual(await call, [{ calls: 2 }]);
});

Deno.test("a scheduler that is killed leaves no process behind, not even a busy loop", async () => {
  const harness = fileURLToPath(new URL("./expansion_harness.ts", import.meta.url));
  const program = `
    import { Harness } from ${JSON.stringify(`file://${harness}`)};
    await new Harness().expand("hostile.spins", { timeoutSeconds: 60 });
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--ext=ts", program],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdout: "null",
    stderr: "null",
  }).spawn();
  await eventually("its process runs", () => hostProcesses(child.pid).length === 1);
  const [pid] = hostProcesses(child.pid);
  child.kill("SIGKILL");
  await child.status;
  await eventually("its process is gone", () => !processExists(pid!), 2000);
});

Deno.test("the permission for /proc/self/exe is enough, and its lack is told", async () => {
  const harness = new URL("../../lib/expansion/expansion.ts", import.meta.url).href;
  const clock = new URL("../../lib/time/clock.ts", import.meta.url).href;
  const program = `
    import { Expander } from ${JSON.stringify(harness)};
    import { systemClock as clock } from ${JSON.stringify(clock)};
    const ignore = () => {};
    const logger = { debug: ignore, info: ignore, warning: ignore, error: ignore };
    const expander = new Expander({ root: "tests/fixtures/expansions", clock, logger });
    const options = { schedule: "digest", scheduledFor: new Date(0), timeoutSeconds: 10 };
    const result = await expander.expand("shop.sessions.getLater", options).catch(String);
    console.log(typeof result === "string" ? result : [...result.lists].flat());
    await expander.close();
  `;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const run = async (...permissions: string[]) => {
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--config=deno.json", "--allow-read", ...permissions, file],
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        stderr: "null",
      }).output();
      return new TextDecoder().decode(stdout).trim();
    };
    assert.equal(await run("--allow-run=/proc/self/exe"), `[ { schedule: "digest" } ]`);
    assert.match(
      await run(),
      /ExpansionError: Cannot finish getLater .*: no process can be started/,
    );
  } finally {
    await Deno.remove(file);
  }
});
