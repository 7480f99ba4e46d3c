/** What the manual clock cannot show: a real process that is stopped, and goes on. */
import assert from "node:assert/strict";
import { type LogEvent, Program } from "../helpers/program.ts";

const CONFIG = `name: stopped
schedules:
  - { name: half, interval_seconds: 0.5, dispatch_type: task, task: { worker_type: w } }
  - { name: second, cron: "* * * * * *", dispatch_type: task, task: { worker_type: w } }
`;

const STOPPED = 3200;

Deno.test("stopped for three seconds and continued: one late occurrence each, nothing twice", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, CONFIG);
    await using program = new Program(["--config", path, "--bus", "memory"]);
    const firings = (entry: string) =>
      program.log("scheduler.firing").filter(({ schedule }) => schedule === entry);
    await program.logged("scheduler.firing", 4);

    program.kill("SIGSTOP");
    // Real time has to pass for a real process.
    await new Promise((resolve) => setTimeout(resolve, STOPPED));
    program.kill("SIGCONT");
    const continued = Date.now();

    const noticed = await program.logged("scheduler.clock_jumped");
    assert.ok(Date.parse(noticed.timestamp) - continued < 1000, "noticed within a second");
    // It was to wake within half a second of the stop.
    assert.equal(noticed.jump_ms, noticed.late_ms);
    const late = Number(noticed.late_ms);
    assert.ok(late >= STOPPED - 600 && late <= STOPPED + 500, `${late} ms`);

    await program.logged("scheduler.firing", program.log("scheduler.firing").length + 6);
    for (const entry of ["half", "second"]) assertOneLate(firings(entry));
    assert.equal(program.log("scheduler.clock_jumped").length, 1);
  } finally {
    await Deno.remove(path);
  }
});

function assertOneLate(firings: LogEvent[]): void {
  const instants = firings.map(({ scheduled_for }) => String(scheduled_for));
  assert.equal(new Set(instants).size, instants.length, `twice among ${instants.join(", ")}`);
  assert.deepEqual(instants, instants.toSorted());
  const late = firings.filter(({ passed_over_since }) => passed_over_since !== undefined);
  assert.equal(late.length, 1, JSON.stringify(firings));
  const [{ scheduled_for, passed_over_since }] = late as [LogEvent];
  const span = Date.parse(String(scheduled_for)) - Date.parse(String(passed_over_since));
  assert.ok(span >= STOPPED - 1200 && span <= STOPPED + 500, `${span} ms were passed over`);
}
