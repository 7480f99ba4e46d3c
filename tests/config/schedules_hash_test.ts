import assert from "node:assert/strict";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { schedulesHash } from "../../lib/config/schedules_hash.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";

const file = (unset = "") =>
  `name: hashed
timezone: Europe/Berlin
schedules:
  - name: unset
    cron: "0 2 * * *"
${unset}    dispatch_type: goal
    goal: { instruction: Summarize, context: { a: 1 } }
  - name: none
    interval_seconds: 300
    catch_up: none
    start_at: 2026-03-01T08:00:00Z
    dispatch_type: task
    task: { worker_type: w, payload: { a: [1, null] } }
  - name: all
    interval_seconds: 0.5
    catch_up: all
    dispatch_type: task
    task: { worker_type: w }
`;

const hashOf = (yaml: string) =>
  schedulesHash(parseSchedulerConfig(yaml).config!, new ManualClock(0));

Deno.test("a file has the hash that the version before made of it", async () => {
  assert.equal(await hashOf(file()), "80b806d44f02b71e");
  assert.equal(await hashOf(file("    catch_up: none\n")), "80b806d44f02b71e");
  const notes = "    description: d\n    labels: { team: ops }\n";
  assert.equal(await hashOf(file(notes)), "80b806d44f02b71e");
  assert.notEqual(await hashOf(file("    catch_up: one\n")), "80b806d44f02b71e");
  assert.equal(await hashOf(`wire: v1\n${file()}`), "80b806d44f02b71e");
  assert.notEqual(await hashOf(`wire: envelope\n${file()}`), "80b806d44f02b71e");
  assert.notEqual(await hashOf(file("    for_each: [{ a: 1 }]\n")), "80b806d44f02b71e");
});

Deno.test("files whose messages differ have different hashes", async () => {
  const of = (message: string) =>
    hashOf(
      file().replace(
        "goal\n    goal: { instruction: Summarize",
        `message\n    message: { ${message} }`,
      )
        .replace(", context: { a: 1 } }", ""),
    );
  const hashes = ["subject: a", "subject: b", "subject: a, payload: { b: 1 }"].map(of);
  assert.equal(new Set(await Promise.all(hashes)).size, 3);
});
