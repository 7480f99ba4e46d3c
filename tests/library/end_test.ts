/** A program that embeds the scheduler ends by itself, also when the server does not come back. */
import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "../helpers/nats_client.ts";
import { eventually } from "../helpers/eventually.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program } from "../helpers/program.ts";

const SCRIPT = "tests/fixtures/library/embedded.ts";
const SUBJECT = "heddle.tasks.incoming";

for (const whose of ["own", "given"]) {
  for (const server of ["there", "gone"]) {
    Deno.test(`on a bus of its ${whose === "own" ? "own" : "embedder's"}, the server ${server}`, async () => {
      await using nats = await startNatsServer({ jetstream: true });
      const client = await connect({ servers: nats.url, reconnect: false });
      const manager = await jetstreamManager(client);
      await manager.streams.add({ name: "HEDDLE", subjects: [SUBJECT] });
      const command = [Deno.execPath(), "run", "-A", SCRIPT];
      await using program = new Program([nats.url, whose], { command });
      const { streams } = jetstream(client);
      const stream = await streams.get("HEDDLE");
      await eventually("it dispatches", async () => (await stream.info()).state.messages > 2);
      await client.close();
      if (server === "gone") {
        await nats.kill();
        // Nothing configured a log: the console has it.
        const said = (line: string) =>
          line.startsWith("heddle warning memory.write_failed  error=");
        await eventually("a write failed", () => program.stderr.some(said));
      }
      program.kill("SIGTERM");
      await eventually("it ends", () => !program.running, 20_000);
      assert.equal(await program.exit(), 0);
      assert.deepEqual(program.stdout, ["run() returned"]);
    });
  }
}
