/** How a change of the configuration reaches the executable. */
import { connect } from "../helpers/nats_client.ts";
import assert from "node:assert/strict";
import { startNatsServer } from "../helpers/nats_server.ts";
import { everywhere } from "./places.ts";

const config = (...names: string[]) =>
  `name: reloading\nschedules:\n` +
  names.map((name) =>
    `  - { name: ${name}, interval_seconds: 0.1, dispatch_type: task, task: { worker_type: w } }\n`
  ).join("");
const BROKEN = "name: reloading\nschedules: [";

everywhere("a message reloads", async (place) => {
  await using server = await startNatsServer();
  await place.withFiles({ "s.yaml": config("a") }, async (site) => {
    await using program = site.start([
      ...["--config", site.path("s.yaml"), "--nats-url", server.url],
    ]);
    await program.logged("scheduler.running");
    await Deno.writeTextFile(site.hostPath("s.yaml"), config("a", "b"));
    const connection = await connect({ servers: server.url });
    connection.publish("heddle.control.reload", JSON.stringify({ action: "reload" }));
    await connection.drain();
    assert.equal((await program.logged("scheduler.config_reloaded")).schedule_count, 2);
  });
});

everywhere("SIGHUP reloads; a file that is wrong keeps the old schedules", async (place) => {
  await place.withFiles({ "s.yaml": config("a") }, async (site) => {
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"]);
    await program.logged("scheduler.running");
    await Deno.writeTextFile(site.hostPath("s.yaml"), config("a", "b"));
    program.kill("SIGHUP");
    assert.equal((await program.logged("scheduler.config_reloaded")).schedule_count, 2);
    await Deno.writeTextFile(site.hostPath("s.yaml"), BROKEN);
    program.kill("SIGHUP");
    await program.logged("actor.reload_failed");
    const dispatched = program.log("scheduler.task_dispatched").length;
    await program.logged("scheduler.task_dispatched", dispatched + 4);
  });
});

everywhere("a file of 10,000 entries is read anew in a thread of its own", async (place) => {
  const many = Array.from({ length: 10_000 }, (_, index) => `e${index}`);
  const idle = config(...many).replaceAll("interval_seconds: 0.1", "interval_seconds: 3600");
  await place.withFiles({ "s.yaml": config("a") }, async (site) => {
    await using program = site.start(["--config", site.path("s.yaml"), "--bus", "memory"]);
    await program.logged("scheduler.running");
    await Deno.writeTextFile(site.hostPath("s.yaml"), idle);
    program.kill("SIGHUP");
    const { schedule_count } = await program.logged("scheduler.config_reloaded", 1, 20_000);
    assert.equal(schedule_count, 10_000);
  });
});

everywhere(
  "--watch-config follows a config map's links; what is wrong changes nothing",
  async (place) => {
    await place.withFiles({
      "..1/s.yaml": config("a"),
      "..2/s.yaml": BROKEN,
      "..3/s.yaml": config("a", "b"),
    }, async (site) => {
      // As the kubelet does it: s.yaml -> ..data/s.yaml, and ..data to the newest directory.
      const swapTo = async (version: string) => {
        await Deno.symlink(version, site.hostPath("..data_tmp"));
        await Deno.rename(site.hostPath("..data_tmp"), site.hostPath("..data"));
      };
      await swapTo("..1");
      await Deno.symlink("..data/s.yaml", site.hostPath("s.yaml"));
      await using program = site.start([
        ...["--config", site.path("s.yaml"), "--bus", "memory", "--watch-config"],
      ]);
      await program.logged("scheduler.running");
      await swapTo("..2");
      await program.logged("actor.reload_failed");
      await program.logged("scheduler.task_dispatched", program.log().length);
      await swapTo("..3");
      assert.equal((await program.logged("scheduler.config_reloaded")).schedule_count, 2);
      assert.equal(program.log("actor.reload_requested").length, 2, "one reload for each change");
      assert.equal(program.log("actor.reload_requested")[0]!.reason, "file changed");
    });
  },
);
