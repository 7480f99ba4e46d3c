/** Catching up while a person pauses, and after a crash in the middle of a firing. */
import assert from "node:assert/strict";
import { pausesKey } from "../../lib/durable/keys.ts";
import { eventually } from "../helpers/eventually.ts";
import { gaps, Place, SCHEDULER } from "../helpers/durable_place.ts";
import type { Program } from "../helpers/program.ts";

const SECOND = 1000;

/** Takes a while for each occurrence, or for as long as a file is missing. */
const EXPANSIONS = `
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function slow() {
  await sleep(120);
  return [{}];
}

export async function blocked({ schedule }) {
  for (;;) {
    try {
      await Deno.stat(new URL(\`./\${schedule}.go\`, import.meta.url));
      return [{}];
    } catch {
      await sleep(20);
    }
  }
}
`;

const count = (program: Program, event: string, entry: string) =>
  program.log(event).filter(({ schedule }) => schedule === entry).length;

Deno.test("what waits in a catch-up when it is paused goes on when it is resumed", async () => {
  await using place = await Place.open([
    `name: behind, cron: "* * * * * *", catch_up: all, expand_from: expansions.slow`,
    `name: tick, cron: "* * * * * *"`,
  ]);
  await Deno.writeTextFile(`${place.directory}/expansions.js`, EXPANSIONS);
  const last = Math.floor(Date.now() / SECOND) * SECOND - 15 * SECOND;
  await place.checkpoint({ behind: ["* * * * * * UTC", last - SECOND, last] });
  const program = place.start();
  await program.logged("scheduler.expansion_dispatched", 3);
  assert.equal((await place.ask({ action: "pause", entry: "behind" })).status, "ok");
  const paused = Date.now();
  const ticks = count(program, "scheduler.firing", "tick");
  await eventually(
    "something would have been due",
    () => count(program, "scheduler.firing", "tick") >= ticks + 2,
  );
  const done = count(program, "scheduler.expansion_dispatched", "behind");
  assert.ok(done <= 5, `what runs may finish, and nothing more: ${done}`);
  assert.equal((await place.ask({ action: "resume", entry: "behind" })).status, "ok");
  const resumed = Date.now();
  const behind = async () => (await place.stored()).filter(({ schedule }) => schedule === "behind");
  await eventually(
    "it is up to date again",
    async () => (await behind()).some(({ scheduledFor }) => scheduledFor > resumed),
  );
  const messages = await behind();
  const missed = messages.filter(({ scheduledFor }) => scheduledFor < paused);
  assert.equal(missed[0]!.scheduledFor, last + SECOND);
  assert.ok(gaps(missed).every((gap) => gap === SECOND), String(gaps(missed)));
  assert.ok(paused - missed.at(-1)!.scheduledFor <= SECOND + 50, "all that were due before it");
  const meanwhile = messages.filter(({ scheduledFor }) =>
    scheduledFor > paused + 50 && scheduledFor < resumed - 50
  );
  assert.deepEqual(meanwhile, [], "what comes due while it is paused is skipped");
});

Deno.test("a checkpoint never passes what still runs, and passes what was skipped beside it", async (t) => {
  await using place = await Place.open([`name: tick, cron: "* * * * * *"`]);
  await Deno.writeTextFile(`${place.directory}/expansions.js`, EXPANSIONS);
  const first = place.start();
  await first.logged("scheduler.task_dispatched");
  // Due twice, and not again for a year.
  let due = Math.ceil((Date.now() + 500) / SECOND) * SECOND;
  if (new Date(due).getUTCSeconds() === 59) due += SECOND;
  const at = new Date(due);
  const second = at.getUTCSeconds();
  const cron = `${second},${second + 1} ${at.getUTCMinutes()} ${at.getUTCHours()} ` +
    `${at.getUTCDate()} ${at.getUTCMonth() + 1} *`;
  const entry = (name: string, catchUp: string) =>
    `name: ${name}, cron: "${cron}", catch_up: ${catchUp}, expand_from: expansions.blocked`;
  await place.write([
    `name: tick, cron: "* * * * * *"`,
    entry("paused", "all"),
    entry("overlapping", "one"),
  ]);
  assert.equal((await place.ask({ action: "reload" })).status, "ok");
  await eventually(
    "both run",
    () => ["paused", "overlapping"].every((name) => count(first, "scheduler.firing", name) === 1),
  );
  await place.ask({ action: "pause", entry: "paused" });
  await eventually(
    "the later one is skipped beside the running one",
    () => count(first, "scheduler.fire_skipped", "overlapping") === 1,
  );
  await Deno.writeTextFile(`${place.directory}/overlapping.go`, "");
  const lastOf = async (name: string) => (await place.checkpointOf(name))?.[2] ?? null;
  await eventually(
    "the end is in its checkpoint",
    async () => Number(await lastOf("overlapping")) >= due,
  );
  const before = Number(await lastOf("tick"));
  // All that changed is written at once: by then twice since.
  await eventually("all is written", async () => Number(await lastOf("tick")) > before + SECOND);

  await t.step(
    "a firing that runs is not in the checkpoint, whatever was skipped after it",
    async () => {
      assert.equal(await lastOf("paused"), null);
    },
  );

  await t.step("with its end all that was skipped beside it is", async () => {
    assert.equal(await lastOf("overlapping"), due + SECOND);
  });

  first.kill("SIGKILL");
  await first.exit();
  await place.put(pausesKey(SCHEDULER), JSON.stringify({ all: false, entries: [] }));
  await Deno.writeTextFile(`${place.directory}/paused.go`, "");
  const again = place.start();
  await eventually("it runs", () => count(again, "scheduler.firing", "tick") >= 2);
  await eventually(
    "its firing is made anew",
    () => count(again, "scheduler.expansion_dispatched", "paused") >= 1,
  );
  const messages = await place.stored();
  const of = (name: string) =>
    messages.filter(({ schedule }) => schedule === name).map(({ scheduledFor }) => scheduledFor);

  await t.step("after a crash the firing that ran is made anew", () => {
    assert.equal(of("paused")[0], due);
  });

  await t.step("and what was skipped for overlapping is not caught up with", () => {
    assert.deepEqual(of("overlapping"), [due]);
  });
});
