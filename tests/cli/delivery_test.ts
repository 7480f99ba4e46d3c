/** Which way dispatches take, with the real program: streams that go, come, or do not suit. */
import assert from "node:assert/strict";
import { jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { Place, sleep } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";
import { runProgram } from "../helpers/program.ts";

const TASKS = "heddle.tasks.incoming";

async function streamWith(place: Place, config: Partial<StreamConfig>): Promise<void> {
  const manager = await jetstreamManager(await place.client());
  await manager.streams.add({ name: "OWN", subjects: ["heddle.*.incoming"], ...config });
}

Deno.test("auto falls back to core NATS only when the stream is gone, says so everywhere, and returns by itself", async () => {
  await using place = await Place.open(["name: a, interval_seconds: 0.2"]);
  const program = place.start("--http", "127.0.0.1:0");
  await program.logged("scheduler.task_dispatched", 2);
  const { url } = await program.logged("http.listening");
  const metrics = async () => await (await fetch(`${url}metrics`)).text();
  const manager = await jetstreamManager(await place.client());
  await manager.streams.delete("HEDDLE");
  const { level, subject, stream } = await program.logged("delivery.fell_back");
  assert.deepEqual([level, subject, stream], ["warning", TASKS, "HEDDLE"]);
  const { delivery } = await place.ask({ action: "status" });
  const { mode, subjects: [way] } = delivery as {
    mode: string;
    subjects: Record<string, unknown>[];
  };
  assert.deepEqual([mode, way!.subject, way!.via, way!.stream], [
    "auto",
    TASKS,
    "fallback",
    "HEDDLE",
  ]);
  const { stdout } = await runProgram([
    ...["status", "--name", "durable", "--nats-url", place.server.url],
  ]);
  assert.match(stdout, /^heddle.tasks.incoming goes over core NATS since 2.*Z: the stream HEDDLE/m);
  await eventually("the metric says so", async () => {
    return (await metrics()).includes(`delivery{subject="${TASKS}",via="fallback"} 1`);
  });
  await place.createStream();
  const chosen = await program.logged("delivery.chosen", 2);
  assert.equal(chosen.stream, "HEDDLE");
  await eventually("the stream has dispatches again", async () => {
    return (await place.stored()).length >= 2;
  });
  await eventually("the metric says so", async () => {
    const text = await metrics();
    return text.includes(`via="fallback"} 0`) && text.includes(`via="jetstream"} 1`);
  });
  assert.deepEqual(program.log("scheduler.dispatch_error"), []);
});

Deno.test("a stream that comes after the start is used without a reload, and what fires is remembered", async () => {
  await using place = await Place.open(["name: a, interval_seconds: 0.2"], { subjects: [] });
  const program = place.start();
  await program.logged("scheduler.task_dispatched", 2);
  assert.equal(program.log("delivery.chosen")[0]!.delivery, "core");
  await place.createStream();
  assert.equal((await program.logged("delivery.chosen", 2)).delivery, "jetstream");
  await eventually("it is remembered", async () => {
    return (await place.checkpointOf("a"))?.[2] !== undefined;
  });
});

Deno.test("a message that is larger than max_msg_size fails at once, by name, and holds up no other", async () => {
  await using place = await Place.open([
    `name: large, interval_seconds: 0.5, catch_up: all, task: { worker_type: w, payload: { text: ${
      "x".repeat(900)
    } } }`,
    "name: small, interval_seconds: 0.5, catch_up: all, task: { worker_type: w }",
  ], { subjects: [] });
  await streamWith(place, { max_msg_size: 700, duplicate_window: 600 * 1e9 });
  const program = place.start();
  const { schedule, error } = await program.logged("scheduler.dispatch_error", 3);
  assert.equal(schedule, "large");
  assert.match(
    String(error),
    /larger than max_msg_size \(700 bytes, headers included\) of the stream "OWN"/,
  );
  assert.equal((await place.counts("large")).failed! >= 3, true);
  assert.equal(program.log("delivery.retrying").length, 0);
  await program.logged("scheduler.task_dispatched", 3);
  const { setting, value } = program.log("delivery.unsafe_stream")[0]!;
  assert.deepEqual([setting, value], ["max_msg_size", "700 B"]);
});

Deno.test("a duplicate window that is too short for what is sent again is a warning at the start, with both numbers", async () => {
  await using place = await Place.open(["name: a, interval_seconds: 60"], { subjects: [] });
  await streamWith(place, { duplicate_window: 2e9 });
  const program = place.start("--replicas", "--lease-ttl", "20");
  const { level, stream, problem } = await program.logged("delivery.unsafe_stream");
  assert.deepEqual([level, stream], ["warning", "OWN"]);
  assert.match(String(problem), /more than 2 s have passed; 381 s are needed/);
});

Deno.test("what the server may have stored is not sent again after the stream's window: it is failed, and says so", async () => {
  await using place = await Place.open(["name: a, interval_seconds: 0.5, catch_up: all"], {
    subjects: [],
  });
  await streamWith(place, { duplicate_window: 2e9 });
  const program = place.start();
  await program.logged("scheduler.task_dispatched", 2);
  place.server.signal("SIGSTOP"); // what is written now is neither read nor acknowledged
  await sleep(50);
  const firings = program.log("scheduler.firing").length;
  await program.logged("scheduler.firing", firings + 1);
  await sleep(100);
  await place.server.kill();
  const { error, failed } = await program.logged("scheduler.dispatch_error");
  assert.equal(failed, 1);
  assert.match(
    String(error),
    /^Cannot tell whether the stream "OWN" stored the message.*not sent again.*window of 2 s/,
  );
  const dispatched = program.log("scheduler.task_dispatched").length;
  await place.server.start();
  await program.logged("scheduler.task_dispatched", dispatched + 1);
  assert.equal(program.log("scheduler.dispatch_error").length, 1, "the others had not left");
});
