/** A user who lacks a permission that the bucket needs: it is said, and requests are answered. */
import assert from "node:assert/strict";
import { connect } from "../helpers/nats_client.ts";
import { eventually } from "../helpers/eventually.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";

const CONFIG = `
  jetstream { store_dir: "$DIR/jetstream" }
  authorization { users = [
    { user: admin, password: p }
    { user: scheduler, password: p, permissions: {
        publish: [
          "heddle.tasks.incoming", "heddle.scheduler.d.replicas", "_INBOX.>"
          "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.HEDDLE"
          "$KV.heddle-scheduler.>"
        ]
        subscribe: ["heddle.>", "$SRV.>", "_INBOX.>"]
        allow_responses: true
    } }
  ] }
`;
const SUBJECT = "$JS.API.STREAM.INFO.KV_heddle-scheduler";

Deno.test("a missing permission is said once with its subject, and requests are answered", async () => {
  await using server = await startNatsServer({ config: CONFIG });
  const urlOf = (user: string) => server.url.replace("nats://", `nats://${user}:p@`);
  const created = await runProgram(["stream", "create", "--nats-url", urlOf("admin")]);
  assert.equal(created.code, 0, created.stderr);
  const config = `${server.directory}/schedules.yaml`;
  await Deno.writeTextFile(
    config,
    "name: d\nschedules:\n  - { name: a, interval_seconds: 1, dispatch_type: task, " +
      "task: { worker_type: w } }\n",
  );
  const admin = await connect({ servers: server.url, user: "admin", pass: "p" });
  const ask = async (request: object) =>
    (await admin.request("heddle.scheduler.d", JSON.stringify(request), { timeout: 4000 }))
      .json<Record<string, unknown>>();
  for (const args of [["--replicas"], []]) {
    await using program = new Program([
      "--config",
      config,
      "--nats-url",
      urlOf("scheduler"),
      ...args,
    ]);
    await program.logged("delivery.lookup_failed");
    const isTriedAgain = async () => (await ask({ action: "status" })).waiting_for !== undefined;
    await eventually("status says what it waits for", isTriedAgain);
    const { waiting_for } = await ask({ action: "status" });
    assert.ok(String(waiting_for).includes(SUBJECT), String(waiting_for));
    if (args.length > 0) {
      const { code, error } = await ask({ action: "fire", entry: "a" });
      assert.equal(code, "starting");
      assert.ok(String(error).includes(SUBJECT), String(error));
    }
    assert.equal((await ask({ action: "reload" })).status, "ok");
    const said = program.log().filter(({ level }) => level !== "info");
    assert.deepEqual(said.map(({ event }) => event).toSorted(), [
      "bus.error",
      "delivery.lookup_failed",
    ]);
    assert.ok(said.every(({ error }) => String(error).includes(SUBJECT)), JSON.stringify(said));
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  }
  await admin.close();
});
