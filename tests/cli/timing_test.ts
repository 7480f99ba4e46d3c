/** When the real program fires, without anything that remembers: jitter, grace, and grids. */
import assert from "node:assert/strict";
import { jitter } from "../../lib/schedule/jitter.ts";
import { eventually } from "../helpers/eventually.ts";
import { sleep } from "../helpers/durable_place.ts";
import { Program, runProgram } from "../helpers/program.ts";

const SECOND = 1000;
const JITTER = 50 * SECOND;

async function withFile(
  lines: readonly string[],
  test: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  const entries = lines.map((each) =>
    `  - { ${each}, dispatch_type: task, task: { worker_type: w } }`
  );
  try {
    await Deno.writeTextFile(path, ["name: timing", "schedules:", ...entries, ""].join("\n"));
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

/** The name, of many, whose jitter delays the occurrence by what is nearest to `wanted` ms. */
function nameDelayedBy(wanted: number, occurrence: number): string {
  const names = Array.from({ length: 2000 }, (_, at) => `late-${at}`);
  const off = (name: string) => Math.abs(jitter(name, new Date(occurrence), JITTER) - wanted);
  return names.reduce((best, name) => off(name) < off(best) ? name : best);
}

const firings = (program: Program, entry: string) =>
  program.log("scheduler.firing").filter(({ schedule }) => schedule === entry);

Deno.test("an occurrence that its jitter holds back fires after a restart", async () => {
  // Due before the start, once a minute; two names, should the start take long.
  const due = Math.floor(Date.now() / SECOND) * SECOND - 2 * SECOND;
  const names = [6, 12].map((seconds) => nameDelayedBy(seconds * SECOND, due));
  const cron = `cron: "${new Date(due).getUTCSeconds()} * * * * *"`;
  await withFile(
    names.map((name) => `name: ${name}, ${cron}, jitter_seconds: ${JITTER / SECOND}`),
    async (path) => {
      await using program = new Program(["--config", path, "--bus", "memory"]);
      const started = Date.parse((await program.logged("scheduler.running")).timestamp);
      const delayOf = (name: string) => jitter(name, new Date(due), JITTER);
      const name = names.find((each) => due + delayOf(each) > started + 100)!;
      await eventually(
        "it fires",
        () => firings(program, name).length > 0 || Date.now() > due + delayOf(name) + SECOND,
        15_000,
      );
      const [firing] = firings(program, name);
      assert.equal(firing?.scheduled_for, new Date(due).toISOString());
      assert.ok(Number(firing!.lateness_ms) < 1000, "at its delay");
    },
  );
});

Deno.test("next and simulate tell of an occurrence that its jitter holds back", async (t) => {
  const due = Date.parse("2026-06-01T12:00:00Z");
  const name = nameDelayedBy(30 * SECOND, due);
  const firesAt = new Date(due + jitter(name, new Date(due), JITTER)).toISOString();
  await withFile([`name: ${name}, cron: "0 * * * * *", jitter_seconds: 50`], async (path) => {
    const from = ["--from", "2026-06-01T12:00:05Z", "--format", "json"];

    await t.step("next", async () => {
      const { stdout } = await runProgram(["next", path, "--count", "2", ...from]);
      const instants = JSON.parse(stdout).firings.map(({ at }: { at: string }) => at);
      assert.deepEqual(instants, ["2026-06-01T12:00:00.000Z", "2026-06-01T12:01:00.000Z"]);
    });

    await t.step("simulate", async () => {
      const to = ["--until", "2026-06-01T12:00:59Z"];
      const { stdout } = await runProgram(["simulate", "--config", path, ...from, ...to]);
      const [first] = stdout.split("\n").map((line) => JSON.parse(line));
      assert.equal(first.scheduled_for, "2026-06-01T12:00:00.000Z");
      assert.equal(first.at, firesAt);
    });
  });
});

Deno.test("a grace below a second", async (t) => {
  await withFile(
    ["0", "0.001", "0.01"].map((grace, at) =>
      `name: a${at}, interval_seconds: 0.25, misfire_grace_seconds: ${grace}`
    ),
    async (path) => {
      await t.step("is a warning", async () => {
        const { code, stdout, stderr } = await runProgram(["validate", path]);
        assert.equal(code, 0);
        const said = `${stdout}\n${stderr}`.split("\n").filter((line) =>
          /warning: .*misfire_grace_seconds/.test(line)
        );
        assert.equal(said.length, 3);
      });

      await using program = new Program(["--config", path, "--bus", "memory"]);
      const skipped = () => program.log("scheduler.fire_skipped");
      await eventually(
        "it runs",
        () => program.log("scheduler.firing").length + skipped().length >= 24,
      );
      const healthy = skipped();

      await t.step("skips no firing that is late by a timer's own lateness", () => {
        assert.deepEqual(healthy.filter(({ lateness_ms }) => Number(lateness_ms) <= 100), []);
      });

      await t.step("skips those of a process that stood still", async () => {
        // What it stops in the middle of would make the next occurrence overlap.
        await eventually("nothing is under way", () => {
          return program.log("scheduler.firing").length ===
            program.log("scheduler.task_dispatched").length;
        });
        program.kill("SIGSTOP");
        await sleep(600);
        program.kill("SIGCONT");
        await program.logged("scheduler.fire_skipped", healthy.length + 3);
        assert.ok(skipped().every(({ reason }) => reason === "misfire"), JSON.stringify(skipped()));
      });
    },
  );
});

Deno.test("an interval with a past start_at", async (t) => {
  const start = "2026-01-01T00:00:00.300Z";
  await withFile([
    `name: daily, interval_seconds: 86400, start_at: "2026-01-01T08:00:00Z"`,
    `name: often, interval_seconds: 1, start_at: "${start}"`,
  ], async (path) => {
    const daily = async (from: string) => {
      const args = ["--entry", "daily", "--count", "2", "--format", "json", "--from", from];
      const { stdout } = await runProgram(["next", path, ...args]);
      return JSON.parse(stdout).firings.map(({ at }: { at: string }) => at);
    };

    await t.step("fires at the grid from there", async () => {
      assert.deepEqual(await daily("2026-06-10T10:13:07Z"), [
        "2026-06-11T08:00:00.000Z",
        "2026-06-12T08:00:00.000Z",
      ]);
    });

    await t.step("began at start_at itself", async () => {
      assert.deepEqual(await daily("2025-12-31T10:13:07Z"), [
        "2026-01-01T08:00:00.000Z",
        "2026-01-02T08:00:00.000Z",
      ]);
    });

    await t.step("does so whenever the process starts", async () => {
      await using program = new Program(["--config", path, "--bus", "memory"]);
      await eventually("it fires", () => firings(program, "often").length >= 2);
      for (const { scheduled_for } of firings(program, "often")) {
        const off = (Date.parse(String(scheduled_for)) - Date.parse(start)) % SECOND;
        assert.equal(off, 0, String(scheduled_for));
      }
    });
  });
});
