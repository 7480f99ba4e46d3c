/** Both wires of Heddle, with the real program. */
import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import { Place } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";
import { Program, runProgram } from "../helpers/program.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

const ENTRIES = [
  "name: often, interval_seconds: 0.2, task: { worker_type: w, input: { a: 1 } }",
  'name: goal, cron: "0 0 0 1 1 * 2099", dispatch_type: goal, goal: { instruction: do }',
  "name: each, interval_seconds: 0.2, for_each: [{ n: 1 }, { n: 2 }], task: { worker_type: w }",
];
type Fields = Record<string, unknown>;

async function observe(place: Place): Promise<{ data: Fields; id: string; due: string }[]> {
  const client = await place.client();
  const seen: { data: Fields; id: string; due: string }[] = [];
  client.subscribe("heddle.*.incoming", {
    callback: (_error, message: Msg) => {
      const data = message.json<Fields>();
      holdToSchema(message.subject, data);
      const [id, due] = ["Nats-Msg-Id", "Heddle-Scheduled-For"].map((name) =>
        message.headers!.get(name)
      );
      seen.push({ data, id: id!, due: due! });
    },
  });
  await client.flush();
  return seen;
}

Deno.test("--wire envelope is over the file; a reload changes the file's wire, and what is fired follows", async () => {
  await using place = await Place.open(ENTRIES, { subjects: [] });
  const seen = await observe(place);
  {
    await using program = place.start("--wire", "envelope");
    await program.logged("scheduler.task_dispatched", 2);
    await eventually("an expansion arrives", () => seen.length >= 4);
    assert.ok(seen.every(({ data }) => data.origin === "scheduler:durable"));
    const { data, due } = seen.find(({ id }) => id.includes("/often/"))!;
    const body = data.payload as { input: Fields; task_id: string; metadata: Fields };
    assert.deepEqual(body.input, { a: 1 });
    assert.deepEqual([data.message_id, data.occurred_at], [body.task_id, due]);
    assert.equal(body.metadata.scheduled_for, due);
    const { status, wire } = await place.ask({ action: "status" });
    assert.deepEqual([status, wire], ["ok", "envelope"]);
    await place.ask({ action: "fire", entry: "goal" });
    await eventually(
      "the goal arrives",
      () => seen.some(({ data }) => data.payload_type === "core.OrchestratorGoal"),
    );
    const goal = seen.find(({ data }) => data.payload_type === "core.OrchestratorGoal")!;
    assert.equal(goal.id, goal.data.message_id);
  }
  seen.length = 0;
  const program = place.start();
  await program.logged("scheduler.task_dispatched");
  assert.ok(seen.every(({ data }) => data.message_id === undefined));
  const text = await Deno.readTextFile(place.config);
  await Deno.writeTextFile(place.config, `wire: envelope\n${text}`);
  assert.equal((await place.ask({ action: "reload" })).status, "ok");
  seen.length = 0;
  await eventually("the next arrive", () => seen.length >= 3);
  assert.ok(seen.every(({ data }) => data.message_id !== undefined));
});

Deno.test("an envelope is printed with --bus memory, and fired by hand without a scheduler", async () => {
  await using place = await Place.open(ENTRIES, { subjects: [] });
  const bus = ["--bus", "memory", "--config", place.config];
  const env = { HEDDLE_SCHEDULER_WIRE: "envelope" };
  await using program = new Program(bus, { env });
  await eventually("it prints", () => program.stdout.length >= 3);
  assert.ok(program.stdout.every((line) => JSON.parse(line).data.message_id !== undefined));
  const fired = await runProgram(["fire", "each", ...bus, "--wire", "envelope"]);
  const lines = fired.stdout.split("\n").map((line) => JSON.parse(line).data);
  assert.deepEqual(lines.map(({ payload }) => payload.input), [{ n: 1 }, { n: 2 }]);
  const over = await runProgram(["fire", "each", ...bus, "--wire", "v1"], { env });
  assert.equal(JSON.parse(over.stdout.split("\n")[0]!).data.message_id, undefined);
  const wrong = await runProgram(["run", "--wire", "v2", ...bus]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--wire.*v2.*Allowed choices are v1, envelope/);
});
