/** Reloads of the real program: what fires, what is shown and what can be paused change together. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { gaps, Place } from "../helpers/durable_place.ts";
import { type LogEvent, Program } from "../helpers/program.ts";

const SECOND = 1000;
const COSTLY_CLOCK = fileURLToPath(new URL("../helpers/costly_clock.ts", import.meta.url));
const EACH_SECOND = Array.from({ length: 10 }, (_, at) => `second-${at}`);

/** Entries that fire each second, then many that only have to be made ready. */
function manyEntries(endAt: string): string {
  const entry = (name: string, cron: string) =>
    `  - { name: ${name}, cron: "${cron}", end_at: "${endAt}", ` +
    "dispatch_type: task, task: { worker_type: w } }";
  return [
    "name: many",
    "schedules:",
    ...EACH_SECOND.map((name) => entry(name, "* * * * * *")),
    ...Array.from({ length: 1000 }, (_, at) => entry(`yearly-${at}`, "0 0 1 1 *")),
    "",
  ].join("\n");
}

Deno.test("a reload that changes a timing's text and not its instants fires each exactly once", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, manyEntries("2099-01-01T00:00:00Z"));
    await using program = new Program(["--config", path, "--bus", "memory"], {
      command: [Deno.execPath(), "run", "-P", "--preload", COSTLY_CLOCK, "main.ts"],
    });
    await program.logged("scheduler.firing", EACH_SECOND.length);
    await Deno.writeTextFile(path, manyEntries("2099-01-01T00:00:01Z"));
    program.kill("SIGHUP");
    await program.logged("scheduler.config_reloaded");
    await program.logged("scheduler.firing", program.log("scheduler.firing").length + 20);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    for (const name of EACH_SECOND) {
      const fired = program.log("scheduler.firing").filter(({ schedule }) => schedule === name);
      fired.slice(1).forEach(({ scheduled_for, passed_over_since }, at) => {
        const after = Date.parse(String(fired[at]!.scheduled_for));
        const first = Date.parse(String(passed_over_since ?? scheduled_for));
        assert.equal(first - after, SECOND, `${name}: ${scheduled_for}`);
      });
    }
  } finally {
    await Deno.remove(path);
  }
});

/** The firings of an entry that the log tells of. */
function firings(program: Program, entry: string): LogEvent[] {
  return program.log("scheduler.firing").filter(({ schedule }) => schedule === entry);
}

const dueInstants = (lines: LogEvent[]) =>
  lines.map(({ scheduled_for }) => ({ scheduledFor: Date.parse(String(scheduled_for)) }));

Deno.test("a reload that is refused changes nothing of what fires, is shown, or can be paused", async () => {
  await using place = await Place.open(["name: old, interval_seconds: 0.2"], {
    subjects: ["heddle.tasks.incoming"],
  });
  const program = place.start("--delivery", "jetstream", "--http", "127.0.0.1:0");
  const { url } = await program.logged("http.listening");
  await program.logged("scheduler.task_dispatched", 2);
  await place.write([
    "name: new, interval_seconds: 0.2",
    "name: goal, interval_seconds: 60, dispatch_type: goal, goal: { instruction: x }",
  ]);
  const refused = await place.ask({ action: "reload" });
  assert.equal(refused.status, "error");
  assert.match(String(refused.error), /no stream captures "heddle\.goals\.incoming"/);

  const status = await place.ask({ action: "status" });
  assert.equal((status.last_reload as { outcome: string }).outcome, "failed");
  assert.equal(status.schedule_count, 1);
  assert.deepEqual((status.entries as { name: string }[]).map(({ name }) => name), ["old"]);
  const { firings: coming } = await place.ask({ action: "next", count: 3 });
  assert.deepEqual((coming as { entry: string }[]).map(({ entry }) => entry), [
    "old",
    "old",
    "old",
  ]);
  assert.equal((await place.ask({ action: "next", entry: "goal" })).code, "unknown_entry");
  const before = firings(program, "old").length;
  await eventually("the old one still fires", () => firings(program, "old").length > before);

  const metrics = await (await fetch(`${url}metrics`)).text();
  assert.match(metrics, /schedule="old"/);
  assert.doesNotMatch(metrics, /schedule="(new|goal)"/);
  assert.equal((await place.ask({ action: "pause", entry: "old" })).status, "ok");
  assert.equal((await place.ask({ action: "pause", entry: "goal" })).code, "unknown_entry");
  assert.deepEqual(firings(program, "new"), []);
});

Deno.test("the first stream leaves the phase of every interval, and keeps it", async () => {
  await using place = await Place.open([
    "name: often, interval_seconds: 0.7",
    "name: daily, interval_seconds: 86400",
  ], { subjects: [] });
  const program = place.start();
  await eventually("it fires", () => firings(program, "often").length >= 2);
  const next = async () => (await place.ask({ action: "next", entry: "daily" })).firings;
  const before = await next();
  await place.createStream();
  assert.equal((await place.ask({ action: "reload" })).status, "ok");
  assert.deepEqual(await next(), before);
  const fired = firings(program, "often").length;
  await eventually("it goes on", () => firings(program, "often").length >= fired + 2);
  const due = dueInstants(firings(program, "often"));
  assert.ok(gaps(due).every((gap) => gap === 700), String(gaps(due)));
  const [, since] = (await place.checkpointOf("often"))!;
  assert.equal(Math.abs(due[0]!.scheduledFor - since) % 700, 0, "the checkpoint has the phase");
});

Deno.test("an entry that was out of the file for a while returns as new", async () => {
  const second = `cron: "* * * * * *", catch_up: all`;
  const stays = `name: stays, ${second}`;
  await using place = await Place.open([stays, `name: leaves, ${second}`, `name: off, ${second}`]);
  const program = place.start();
  const more = async (count: number) => {
    const fired = firings(program, "stays").length;
    await eventually("it runs on", () => firings(program, "stays").length >= fired + count);
  };
  await more(1);
  await place.write([stays, `name: off, ${second}, enabled: false`]);
  const left = Date.now();
  assert.equal((await place.ask({ action: "reload" })).status, "ok");
  await more(3);
  for (const name of ["leaves", "off"]) {
    const marked = Number((await place.checkpointOf(name))?.[3]);
    assert.ok(marked >= left - 100 && marked <= Date.now(), `${name} is marked: ${marked}`);
  }
  await place.write([stays, `name: leaves, ${second}`, `name: off, ${second}`]);
  const returned = Date.now();
  assert.equal((await place.ask({ action: "reload" })).status, "ok");
  await more(2);
  for (const name of ["leaves", "off"]) {
    const due = dueInstants(firings(program, name)).map(({ scheduledFor }) => scheduledFor);
    assert.deepEqual(due.filter((each) => each > left + 500 && each < returned), [], name);
    assert.ok(due.at(-1)! > returned, "it fires again");
  }
  assert.deepEqual(program.log("scheduler.fire_skipped"), []);
});
