/** A machine that boots in 1970 until NTP sets its clock, as libfaketime makes one. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { Program, runProgram } from "../helpers/program.ts";
import { faketimeLibrary } from "./tools.ts";

const CONFIG = `name: booted
schedules:
  - { name: second, cron: "* * * * * *", dispatch_type: task, task: { worker_type: w } }
  - { name: yearly, cron: "@yearly", dispatch_type: task, task: { worker_type: w } }
  - { name: hourly, interval_seconds: 3600, dispatch_type: task, task: { worker_type: w } }
`;
/** 56 years back. */
const BOOTED = "-1766000000";

Deno.test("a machine that boots in 1970 fires nothing until its clock is set, and then nothing late", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  const offset = `${directory}/offset`;
  await Deno.writeTextFile(path, CONFIG);
  await Deno.writeTextFile(offset, BOOTED);
  try {
    await using program = new Program(["--config", path, "--bus", "memory", "--http", "0"], {
      env: {
        LD_PRELOAD: await faketimeLibrary(),
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    });
    const { now, earliest } = await program.logged("scheduler.clock_not_set");
    assert.match(String(now), /^19[67]\d-/);
    assert.match(String(earliest), /^20\d\d-/);
    const url = String((await program.logged("http.listening")).url);
    const ready = async () => (await fetch(`${url}readyz`)).text();
    await eventually(
      "it says why it is not ready",
      async () =>
        /"ready":false.*"waiting_for":"The clock of this machine is not set/.test(await ready()),
    );
    const port = new URL(url).port;
    assert.equal((await runProgram(["health", "--http", port])).code, 0, "but alive");
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.deepEqual(program.log("scheduler.firing"), []);

    const set = Date.now();
    await Deno.writeTextFile(offset, "+0");
    await program.logged("scheduler.firing", 3);
    for (const { schedule, scheduled_for } of program.log("scheduler.firing")) {
      assert.equal(schedule, "second");
      assert.ok(Date.parse(String(scheduled_for)) > set, String(scheduled_for));
    }
    assert.equal(program.log("scheduler.clock_set").length, 1);
    assert.deepEqual(program.log("scheduler.clock_jumped"), []);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
