/** Every command of the executable. */
import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { startNatsServer } from "../helpers/nats_server.ts";
import { listen } from "./listen.ts";
import { everywhere } from "./places.ts";

const VALID = `name: binary
schedules:
  - { name: soon, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }
`;
const INVALID = `name: binary
schedules:
  - { name: soon, interval_second: 0.2, dispatch_type: task, task: { worker_type: w } }
`;

everywhere(
  "--version names the program's version, the commit, Deno, V8 and the time zone data",
  async (place) => {
    await place.withFiles({}, async (site) => {
      const { code, stdout } = await site.run(["--version"]);
      const { version } = denoJson;
      assert.match(
        stdout,
        /^heddle-scheduler (\S+) \(commit ([0-9a-f]{12}(-modified)?|unknown), deno \d\S+, v8 \d\S+, tzdata \d{4}[a-z] .+\)$/,
      );
      assert.equal(stdout.split(" ")[1], version);
      assert.equal(code, 0);
    });
  },
);

const COMMANDS = [
  ...["run", "validate", "next", "explain", "simulate", "fire", "status", "pause", "resume"],
  ...["reload", "health", "stream", "schema", "completion"],
];

everywhere("--help lists every command", async (place) => {
  await place.withFiles({}, async (site) => {
    const { code, stdout } = await site.run(["--help"]);
    for (const command of COMMANDS) {
      assert.match(stdout, new RegExp(`^  ${command}\\b`, "m"));
    }
    assert.equal(code, 0);
  });
});

everywhere("validate tells the place of what is wrong, and exits with 2", async (place) => {
  await place.withFiles({ "good.yaml": VALID, "bad.yaml": INVALID }, async (site) => {
    assert.equal((await site.run(["validate", site.path("good.yaml")])).code, 0);
    const { code, stdout } = await site.run(["validate", site.path("bad.yaml")]);
    assert.ok(stdout.includes(`${site.path("bad.yaml")}:3:`), stdout);
    assert.match(stdout, /did you mean "interval_seconds"\?/);
    assert.equal(code, 2);
  });
});

everywhere("simulate lists what would fire", async (place) => {
  await place.withFiles({ "schedules.yaml": VALID }, async (site) => {
    const span = ["--from", "2026-03-01T00:00:00Z", "--until", "2026-03-01T00:00:10Z"];
    const config = ["--config", site.path("schedules.yaml")];
    const { code, stdout } = await site.run(["simulate", ...config, ...span, "--format", "json"]);
    assert.equal(stdout.split("\n").length, 50 + 1);
    assert.equal(code, 0);
  });
});

everywhere("schema prints the published JSON Schema", async (place) => {
  await place.withFiles({}, async (site) => {
    const { code, stdout } = await site.run(["schema"]);
    const published = new URL("../../lib/config/schedules.schema.json", import.meta.url);
    assert.equal(stdout, (await Deno.readTextFile(published)).trimEnd());
    assert.equal(code, 0);
  });
});

everywhere("run, status, fire and reload do their work on a server", async (place) => {
  await using server = await startNatsServer();
  await using listener = await listen(server.url);
  await place.withFiles({ "schedules.yaml": VALID }, async (site) => {
    const at = ["--config", site.path("schedules.yaml"), "--nats-url", server.url];
    await using program = site.start(["run", ...at]);
    await listener.received((message) => message.schedule === "soon", 5);

    const status = await site.run(["status", "--format", "json", ...at]);
    assert.equal(JSON.parse(status.stdout).schedule_count, 1);
    assert.equal(status.code, 0);

    assert.equal((await site.run(["fire", "soon", ...at])).code, 0);
    // By hand: a random UUID, in place of the one that the occurrence has.
    await listener.received(({ data }) => /^.{14}4/.test(String(data.task_id)));

    assert.equal((await site.run(["reload", ...at])).code, 0);
    await program.logged("actor.reload_completed");

    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  });
});

everywhere("on the memory bus stdout carries dispatches alone, stderr the log", async (place) => {
  await place.withFiles({ "schedules.yaml": VALID }, async (site) => {
    await using program = site.start([
      ...["--bus", "memory", "--config", site.path("schedules.yaml")],
    ]);
    await program.logged("scheduler.task_dispatched", 3);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    assert.ok(program.stdout.length >= 3);
    for (const line of program.stdout) {
      assert.equal(JSON.parse(line).subject, "heddle.tasks.incoming");
    }
    assert.equal(program.log().length, program.stderr.length);
  });
});
