import assert from "node:assert/strict";
import { BurstLimit } from "../../lib/log/burst_limit.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";

Deno.test("of a burst the first lines of a second are written, and then how many were not", () => {
  const log = new LogRecorder();
  let now = 0;
  const limit = new BurstLimit(log, () => now);
  for (let n = 0; n < 1000; n++) limit.warning("bus.malformed_message_skipped", { n });
  assert.equal(log.lines.length, 10);
  assert.ok(log.lines.every(({ fields }) => !("left_out" in fields)));
  now = 1000;
  limit.warning("bus.malformed_message_skipped", { n: 1000 });
  assert.deepEqual(log.lines.at(-1)!.fields, { n: 1000, left_out: 990 });
  now = 2500;
  limit.warning("bus.malformed_message_skipped", { n: 1001 });
  assert.deepEqual(log.lines.at(-1)!.fields, { n: 1001 });
});
