/** How the executable starts without what it needs, and how it ends. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { listen } from "./listen.ts";
import { everywhere, HERE } from "./places.ts";

const entry = (name: string, more: string) =>
  `  - { name: ${name}, dispatch_type: task, task: { worker_type: w }, ${more} }\n`;
const EVERY_TENTH = "name: ending\nschedules:\n" + entry("a", "interval_seconds: 0.1");

everywhere("a file that is missing or unreadable ends it with 2, and is named", async (place) => {
  await place.withFiles({ "secret.yaml": EVERY_TENTH }, async (site) => {
    await Deno.chmod(site.hostPath("secret.yaml"), 0o000);
    const wrong: [string, RegExp][] = [["missing.yaml", /no such file/]];
    if (place !== HERE) wrong.push(["secret.yaml", /may not be read|permission/i]); // root may
    for (const [name, reason] of wrong) {
      await using program = site.start(["--bus", "memory", "--config", site.path(name)]);
      assert.equal(await program.exit(), 2);
      const problem = program.log("scheduler.config_error")[0]!;
      assert.equal(problem.config_path, site.path(name));
      assert.match(String(problem.message), reason);
    }
  });
});

everywhere(
  "SIGTERM in a burst: what was begun is sent whole, nothing else is, exit 0",
  async (place) => {
    const names = Array.from({ length: 3000 }, (_, index) => `e${index}`);
    const burst = names.map((name) => entry(name, "interval_seconds: 1")).join("");
    await using server = await startNatsServer();
    await using listener = await listen(server.url);
    await place.withFiles({ "s.yaml": "name: burst\nschedules:\n" + burst }, async (site) => {
      await using program = site.start([
        ...["--config", site.path("s.yaml"), "--nats-url", server.url],
      ]);
      await program.logged("scheduler.running");
      await eventually("the burst has begun", () => listener.messages.length > 0);
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0);
      const dispatched = program.log("scheduler.task_dispatched");
      assert.equal(program.log("scheduler.firing").length, dispatched.length);
      await listener.received(() => true, dispatched.length);
      assert.deepEqual(
        listener.messages.map(({ data }) => data.task_id).sort(),
        dispatched.map(({ task_id }) => task_id).sort(),
      );
      assert.ok(listener.messages.every(({ data }) => data.worker_type === "w"));
    });
  },
);

everywhere("a second SIGTERM ends it at once, the expansion that hangs too", async (place) => {
  await place.withFiles({
    "s.yaml": "name: twice\nschedules:\n" +
      entry("a", "run_on_start: true, interval_seconds: 3600, expand_from: ./hang.js#hang"),
    "hang.js": `console.log("pid", Deno.pid); export const hang = () => { for (;;); };`,
  }, async (site) => {
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"]);
    const { text } = await program.logged("scheduler.expansion_output");
    const host = Number(/pid (\d+)/.exec(String(text))![1]);
    program.kill("SIGTERM");
    await program.logged("actor.shutdown_requested");
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 143);
    await eventually("its process is gone", () => !isRunning(host));
  });
});

everywhere("without a server the start fails and says what to do", async (place) => {
  await place.withFiles({ "s.yaml": EVERY_TENTH }, async (site) => {
    await using program = site.start([
      ...["--config", site.path("s.yaml"), "--nats-url", "nats://127.0.0.1:1"],
    ]);
    assert.equal(await program.exit(), 1);
    const { error, hint } = program.log("bus.connect_failed")[0]!;
    assert.match(String(error), /nats:\/\/127\.0\.0\.1:1: connection refused/);
    assert.match(String(hint), /--skip-preflight/);
  });
});

everywhere("with --skip-preflight the server may come later", async (place) => {
  const { port } = await startNatsServer().then(async (server) => {
    await server.stop();
    return { port: server.port };
  });
  await place.withFiles({ "s.yaml": EVERY_TENTH }, async (site) => {
    const url = `nats://127.0.0.1:${port}`;
    await using program = site.start([
      ...["--config", site.path("s.yaml"), "--nats-url", url, "--skip-preflight"],
    ]);
    await program.logged("scheduler.starting");
    await using _server = await startNatsServer({ port });
    await using listener = await listen(url);
    await listener.received(() => true, 3);
    program.kill("SIGINT");
    assert.equal(await program.exit(), 0);
  });
});

const shell = (script: string) => ["bash", "-c", script, "bash"];

everywhere("with stdin, or all three, closed it runs on", async (place) => {
  await using server = await startNatsServer();
  for (const closed of ["<&-", "<&- >&- 2>&-"]) {
    await using listener = await listen(server.url);
    await place.withFiles({ "s.yaml": EVERY_TENTH }, async (site) => {
      await using program = site.start([
        ...["--config", site.path("s.yaml"), "--nats-url", server.url],
      ], { by: shell(`exec "$@" ${closed}`) });
      await listener.received(() => true, 3);
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0);
    });
  }
});

everywhere("on the memory bus it ends when nobody reads its stdout any more", async (place) => {
  await place.withFiles({ "s.yaml": EVERY_TENTH }, async (site) => {
    const { code, stdout, stderr } = await site.run([
      ...["--config", site.path("s.yaml"), "--bus", "memory"],
    ], { by: shell('"$@" | head -n 2; exit ${PIPESTATUS[0]}') });
    assert.equal(stdout.split("\n").length, 2);
    assert.match(stderr, /"event":"actor\.shutdown_requested"/);
    assert.doesNotMatch(stderr, /"level":"error"/);
    assert.equal(code, 0);
  });
});

function isRunning(pid: number): boolean {
  try {
    // A process that has ended and that nobody has waited for is a zombie: state Z.
    return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}
