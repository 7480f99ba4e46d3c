/** A server that is away, or stands still, under the real program: what waits, and what is said. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { gaps, Place, sleep } from "../helpers/durable_place.ts";
import type { LogEvent, Program } from "../helpers/program.ts";

const WITH_CONTROL = ["--http", "127.0.0.1:0", "--http-control"];

/** Asks past the bus, as the page does. */
async function control(
  program: Program,
  request: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { url } = await program.logged("http.listening");
  const response = await fetch(`${url}control`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-heddle-control": "1" },
    body: JSON.stringify(request),
  });
  return await response.json();
}

const of = (lines: LogEvent[], entry: string) => lines.filter(({ schedule }) => schedule === entry);

Deno.test("what waits for the server follows what is asked for meanwhile", async (t) => {
  const often = (catchUp: string) => [
    "name: tick, interval_seconds: 0.4, catch_up: all",
    `name: newest, interval_seconds: 0.4, catch_up: ${catchUp}`,
    "name: paused-all, interval_seconds: 0.4, catch_up: all",
  ];
  await using place = await Place.open(often("all"));
  const program = place.start(...WITH_CONTROL);
  await eventually(
    "it fires",
    () => of(program.log("scheduler.task_dispatched"), "paused-all").length >= 1,
  );
  // Due once a minute, the first time when the server is away.
  const due = Math.ceil(Date.now() / 1000) * 1000 + 1000;
  const cron = `cron: "${new Date(due).getUTCSeconds()} * * * * *"`;
  const once = (version: number) => [
    `name: paused, ${cron}`,
    `name: payload, ${cron}, task: { worker_type: w, payload: { version: ${version} } }`,
  ];
  await place.write([
    ...often("all"),
    ...once(1),
    ...["removed", "disabled"].map((name) => `name: ${name}, ${cron}`),
  ]);
  program.kill("SIGHUP");
  await program.logged("scheduler.config_reloaded");
  await place.server.kill();
  const away = Date.parse((await program.logged("bus.disconnected")).timestamp);
  assert.ok(away < due, "it is away before they are due");
  await eventually("all are due", () => Date.now() > due + 100);
  const paused = Date.now();
  for (const entry of ["paused", "paused-all"]) {
    assert.equal((await control(program, { action: "pause", entry })).status, "ok");
  }
  await place.write([...often("none"), ...once(2), `name: disabled, ${cron}, enabled: false`]);
  program.kill("SIGHUP");
  const reloaded = Date.parse((await program.logged("scheduler.config_reloaded", 2)).timestamp);
  await place.server.start();
  const back = Date.parse((await program.logged("bus.reconnected")).timestamp);
  await eventually(
    "all that waits is out",
    () =>
      of(program.log("scheduler.task_dispatched"), "tick").at(-1)!.firing_id as string >
        `tick@${new Date(back + 400).toISOString()}`,
  );
  const whilePaused = await place.stored();
  for (const entry of ["paused", "paused-all"]) {
    assert.equal((await control(program, { action: "resume", entry })).status, "ok");
  }
  const resumed = Date.now();
  await eventually(
    "the resumed fire",
    async () =>
      (await place.stored()).some((each) =>
        each.schedule === "paused-all" && each.scheduledFor > resumed
      ),
  );
  const messages = await place.stored();
  /** Those of an entry that were due for sure while they had to wait, and before `until`. */
  const waited = (entry: string, until: number, among = messages) =>
    among.filter(({ schedule, scheduledFor }) =>
      schedule === entry && scheduledFor > away + 50 && scheduledFor < until - 50
    );

  await t.step("with catch_up all each waits", () => {
    const [first, ...rest] = messages.filter(({ schedule }) => schedule === "tick");
    assert.ok(gaps([first!, ...rest]).every((gap) => gap === 400), String(gaps([first!, ...rest])));
  });

  await t.step("a new payload is sent", () => {
    const [message, ...more] = messages.filter(({ schedule }) => schedule === "payload");
    assert.equal(message!.scheduledFor, due);
    assert.deepEqual(message!.data.payload, { version: 2 });
    assert.deepEqual(more, []);
  });

  await t.step("what left the file, or was disabled in it, does not fire", () => {
    for (const entry of ["removed", "disabled"]) {
      assert.deepEqual(messages.filter(({ schedule }) => schedule === entry), []);
      const skipped = of(program.log("scheduler.fire_skipped"), entry);
      assert.deepEqual(skipped.map(({ reason }) => reason), ["removed"], entry);
    }
  });

  await t.step("where the file says catch_up none now, only the newest fires", () => {
    assert.ok(waited("newest", reloaded).length <= 1, `${waited("newest", reloaded).length}`);
    const skipped = of(program.log("scheduler.fire_skipped"), "newest");
    assert.ok(skipped.length >= 2);
    assert.ok(skipped.every(({ reason }) => reason === "superseded"), JSON.stringify(skipped[0]));
  });

  await t.step("what waited before a pause does so until it is resumed", () => {
    for (const entry of ["paused", "paused-all"]) {
      assert.deepEqual(waited(entry, back, whilePaused), [], `${entry} while it is paused`);
      assert.ok(waited(entry, paused).length >= 1, `${entry} goes on`);
    }
    const backlog = messages.filter(({ schedule, scheduledFor }) =>
      schedule === "paused-all" && scheduledFor < paused
    );
    assert.ok(gaps(backlog).every((gap) => gap === 400), String(gaps(backlog)));
  });

  await t.step("what came due during the pause is skipped", () => {
    const late = messages.filter(({ schedule, scheduledFor }) =>
      schedule === "paused-all" && scheduledFor > paused + 100 && scheduledFor < resumed - 100
    );
    assert.deepEqual(late, []);
  });
});

Deno.test("a server that comes after the start leaves the phase of every interval", async () => {
  await using place = await Place.open(["name: often, interval_seconds: 0.7, catch_up: all"]);
  await place.server.kill();
  const program = place.start("--skip-preflight");
  const running = await program.logged("scheduler.running");
  const first = Date.parse(String(running.next_fire));
  await eventually("the first has to wait", () => Date.now() > first + 50);
  await place.server.start();
  await program.logged("scheduler.task_dispatched", 3);
  const messages = await place.stored();
  for (const { scheduledFor } of messages) {
    assert.equal((scheduledFor - first) % 700, 0, new Date(scheduledFor).toISOString());
  }
  const [, since] = (await place.checkpointOf("often"))!;
  assert.equal((first - since) % 700, 0, "the checkpoint has the phase");
});

Deno.test("a server that stands still: dispatched is said once it has the message, and said once", async (t) => {
  await using place = await Place.open([
    "name: often, interval_seconds: 0.3",
    "name: stream, interval_seconds: 86400",
    "name: core, interval_seconds: 86400, dispatch_type: goal, goal: { instruction: x }",
  ], { subjects: ["heddle.tasks.incoming"] });
  const program = place.start(...WITH_CONTROL);
  await program.logged("scheduler.task_dispatched");
  const skipped = () =>
    program.log("scheduler.fire_skipped").filter(({ unacknowledged }) => unacknowledged);
  place.server.signal("SIGSTOP");
  const fired = Promise.all(
    ["stream", "core"].map((entry) => control(program, { action: "fire", entry })),
  );
  await eventually("two gave way unacknowledged", () => skipped().length >= 2);
  await sleep(100);
  const early = program.log().filter(({ event, schedule }) =>
    schedule !== "often" && /_dispatched$/.test(event)
  );
  place.server.signal("SIGCONT");
  for (const reply of await fired) assert.equal(reply.status, "ok");
  const dispatched = program.log("scheduler.task_dispatched").length;
  await program.logged("scheduler.task_dispatched", dispatched + 2);

  await t.step("what a person fires is dispatched when the server has it", () => {
    assert.deepEqual(early, []);
    assert.equal(of(program.log("scheduler.task_dispatched"), "stream").length, 1);
    assert.equal(of(program.log("scheduler.goal_dispatched"), "core").length, 1);
  });

  await t.step("a late acknowledgement is no second end of a firing", async () => {
    const ends = of(program.log(), "often").filter(({ event }) =>
      ["scheduler.task_dispatched", "scheduler.fire_skipped", "scheduler.dispatch_error"]
        .includes(event)
    ).map(({ firing_id }) => firing_id);
    assert.equal(ends.length, new Set(ends).size, "one for each");
    const begun = () => of(program.log("scheduler.firing"), "often").length;
    const least = begun() - 1; // the last may be under way
    const counts = await place.counts("often");
    const counted = Object.values(counts).reduce((sum, each) => sum + each, 0);
    assert.ok(counted >= least && counted <= begun(), `${counted} of ${begun()}`);
  });
});
