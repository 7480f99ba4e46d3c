/** A configuration that is an object of the embedding program. */
import assert from "node:assert/strict";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import { ConfigError } from "../../lib/config/config_error.ts";
import { SchedulerActor } from "../../lib/scheduler/scheduler_actor.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { withScheduler } from "./with_scheduler.ts";

const task = (name: string, payload: Record<string, unknown> = {}) => ({
  name,
  interval_seconds: 60,
  dispatch_type: "task",
  task: { worker_type: "w", payload },
});

const document = (...schedules: unknown[]) => ({ name: "embedded", schedules });

Deno.test("a configuration may be an object", async () => {
  await withScheduler(document(task("a", { n: 1 })), async ({ bus, clock, log, scheduler }) => {
    await clock.advance(60_000);
    assert.deepEqual(bus.published.map(({ subject, data }) => [subject, data.payload]), [
      ["heddle.tasks.incoming", { n: 1 }],
    ]);
    assert.equal(scheduler.config!.name, "embedded");
    assert.equal(log.of("scheduler.starting")[0]!.fields.config_path, null);
  });
});

function actorOf(config: Record<string, unknown>) {
  const logger = new LogRecorder();
  return new SchedulerActor("test", config, { bus: new MemoryBus({ logger }), logger });
}

Deno.test("an object that is wrong is refused with every problem", async () => {
  const wrong = document({ ...task("a"), interval_seconds: -1 }, { ...task("b"), cron: "* *" });
  await assert.rejects(actorOf(wrong).run({ handleSignals: false }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.configPath, null);
    assert.match(error.message, /^Cannot use the configuration: schedules\[0\] "a": .* more\)$/);
    assert.deepEqual([...new Set(error.problems.map(({ path }) => path))], [
      "schedules[0].interval_seconds",
      "schedules[1].interval_seconds",
      "schedules[1].cron",
    ]);
    return true;
  });
});

Deno.test("an object that cannot be copied is refused, and one that has more than it needs is not", async () => {
  const circular: Record<string, unknown> = document();
  circular.self = circular;
  await assert.rejects(actorOf(circular).load(), /Top level: cannot be copied: .*circular/s);
  const { entries } = await actorOf({ ...document(task("a")), "x-own": () => {} }).load();
  assert.equal(entries.length, 1);
});

Deno.test("what changes in the object acts at the next reload, and not before", async () => {
  const payload: Record<string, unknown> = { n: 1 };
  const schedules = [task("a", payload)];
  await withScheduler(document(...schedules), async ({ scheduler, bus, clock }) => {
    payload.n = 2;
    await clock.advance(60_000);
    const reply = await scheduler.ask({ action: "reload" });
    assert.deepEqual(reply, { status: "ok", schedule_count: 1, problems: [] });
    await clock.advance(60_000);
    assert.deepEqual(bus.published.map(({ data }) => data.payload), [{ n: 1 }, { n: 2 }]);
  });
});

Deno.test("an object that is wrong at a reload leaves the schedules as they were", async () => {
  const config = document(task("a"));
  await withScheduler(config, async ({ scheduler, bus, clock }) => {
    config.schedules.push(task("a"));
    const reply = await scheduler.ask({ action: "reload" });
    assert.ok(reply?.status === "error" && reply.code === "invalid_config");
    assert.match(reply.error, /the name "a" is taken/);
    await clock.advance(60_000);
    assert.equal(bus.published.length, 1);
  });
});

Deno.test("another name in the object is a warning of the reload, which keeps the old one", async () => {
  const config = document(task("a"));
  await withScheduler(config, async ({ scheduler }) => {
    config.name = "renamed";
    const reply = await scheduler.ask({ action: "reload" });
    assert.ok(reply?.status === "ok" && "problems" in reply);
    const message =
      `Top level: 'name' changed from "embedded" to "renamed": the old one stays in ` +
      "use until a restart; --name asks for it";
    const place = { path: "name", line: null, column: null };
    assert.deepEqual(reply.problems, [{ severity: "warning", message, ...place }]);
    assert.equal(scheduler.config!.name, "embedded");
  });
});

Deno.test("expand_allow acts at the start, and what a reload finds in it from then on", async () => {
  const root = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${root}/reads.js`,
    `export const all = () => [{ text: Deno.readTextFileSync("/etc/hosts") }];`,
  );
  const config = {
    ...document({ ...task("a"), expand_from: "reads.all" }),
    expand_allow: { read: ["/etc/hosts"] },
  };
  await withScheduler(config, async ({ bus, scheduler }) => {
    const fire = () => scheduler.ask({ action: "fire", entry: "a" });
    assert.equal((await fire() as { dispatches: number }).dispatches, 1);
    assert.equal(bus.published.length, 1);
    config.expand_allow = { read: [] };
    assert.equal((await fire() as { dispatches: number }).dispatches, 1);
    await scheduler.ask({ action: "reload" });
    assert.match(
      String((await fire() as { error?: string }).error),
      /Requires read access to "\/etc\/hosts": an .*`expand_allow\.read`/,
    );
  }, { expandRoot: root });
  await Deno.remove(root, { recursive: true });
});
