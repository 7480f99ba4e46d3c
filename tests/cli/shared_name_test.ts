/** Several schedulers of one name that do not share their entries: all of them say so. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { Place, SCHEDULER } from "../helpers/durable_place.ts";
import { type Program, runProgram } from "../helpers/program.ts";

const ENTRY = "name: a, interval_seconds: 3600";

const warnings = (program: Program) =>
  program.log("scheduler.name_shared").map(({ level, other }) => `${level}: ${other}`);

async function status(place: Place): Promise<string> {
  const at = ["--name", SCHEDULER, "--nats-url", place.server.url];
  return (await runProgram(["status", ...at])).stdout;
}

Deno.test("two schedulers of one name without replicas warn of each other, over core NATS too", async () => {
  await using place = await Place.open([ENTRY], { subjects: [] });
  const first = place.start();
  await first.logged("scheduler.running");
  assert.doesNotMatch(await status(place), /same name/);
  const second = place.start("--delivery", "core");
  for (const each of [first, second]) await each.logged("scheduler.name_shared");
  for (const each of [first, second]) {
    assert.match(warnings(each).join(), /^warning: a scheduler without --replicas \([-\w]+\)$/);
  }
  assert.match(
    await status(place),
    /^a scheduler without --replicas .* uses the same name: each entry fires in both; end one/m,
  );
  second.kill("SIGTERM");
  await second.exit();
  await eventually("nobody else is there", async () => !/same name/.test(await status(place)));
});

Deno.test("a replica and a scheduler without replicas warn of each other, replicas do not", async () => {
  await using place = await Place.open([ENTRY]);
  const replicas = ["one", "two"].map((name) => place.start("--replicas", "--replica-name", name));
  for (const each of replicas) await each.logged("scheduler.running");
  const alone = place.start();
  await alone.logged("scheduler.name_shared", 2);
  const others = alone.log("scheduler.name_shared").map(({ other }) => String(other)).toSorted();
  assert.match(others.join(), /^replica one-\w+,replica two-\w+$/);
  for (const each of replicas) {
    await each.logged("scheduler.name_shared");
    assert.match(warnings(each).join(), /^warning: a scheduler without --replicas \([-\w]+\)$/);
  }
  const { name_shared_with } = await place.ask({ action: "status", replica: undefined });
  assert.ok(Array.isArray(name_shared_with) && name_shared_with.length > 0);
});
