import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startNatsServer } from "../../helpers/nats_server.ts";

Deno.test("a message that was sent and confirmed leaves nothing in memory", async () => {
  await using server = await startNatsServer();
  const count = 10_000;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-lock", "--v8-flags=--expose-gc"],
      ...[fileURLToPath(new URL("publish_many.ts", import.meta.url)), server.url, String(count)],
    ],
  }).output();
  const grown = Number(new TextDecoder().decode(stdout).trim() || NaN);
  assert.ok(grown / count < 50, `${grown / count} bytes each\n${new TextDecoder().decode(stderr)}`);
});
