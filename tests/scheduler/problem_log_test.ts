/** The lines about what is wrong, or doubtful, in a configuration. */
import assert from "node:assert/strict";
import { withScheduler } from "./with_scheduler.ts";

/** An entry with a number of keys that nobody knows. */
const entry = (name: string, unknownKeys = 0) => ({
  name,
  cron: "0 0 1 1 *",
  dispatch_type: "task",
  task: { worker_type: "w" },
  ...Object.fromEntries(Array.from({ length: unknownKeys }, (_, n) => [`${name}_key_${n}`, n])),
});

/** The lines of each reload, after each of the `changes` of a file of `schedules`. */
async function linesOf(
  schedules: unknown[],
  changes: ((schedules: unknown[]) => void)[],
): Promise<string[][]> {
  const found: string[][] = [];
  await withScheduler({ name: "doubtful", schedules }, async ({ scheduler, log }) => {
    for (const change of [() => {}, ...changes]) {
      change(schedules);
      if (found.length > 0) await scheduler.ask({ action: "reload" });
      const lines = log.of("scheduler.config_error");
      found.push(lines.map(({ fields }) => String(fields.message)));
      log.lines.length = 0;
    }
  });
  return found;
}

Deno.test("of a kind twenty problems are logged, and then how many more there are", async () => {
  const schedules = Array.from({ length: 200 }, (_, n) => entry(`e${n}`, 10));
  const odd = { ...entry("odd"), interval: 5, task: { worker_type: 404 } };
  const [lines] = await linesOf([...schedules, odd], []);
  assert.equal(lines!.length, 23);
  assert.match(lines![0]!, /^schedules\[0\] "e0": unknown key "e0_key_0" has no effect/);
  assert.match(lines![19]!, /"e1_key_9"/);
  assert.deepEqual(lines!.slice(20, 22).map((line) => line.match(/404|"interval"/)?.[0]), [
    "404",
    '"interval"',
  ]);
  assert.equal(lines![22], "and 1,980 more: validateSchedulerConfig() shows them");
});

Deno.test("however problems of one kind differ, their lines are bounded", async () => {
  const schedules: unknown[] = [entry("good")];
  const letters = (n: number) => String(n).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]!);
  const wrong = Array.from(
    { length: 600 },
    (_, n) => ({ ...entry(`e${n}`), cron: `* * x${letters(n)} * *` }),
  );
  const [, lines] = await linesOf(schedules, [() => schedules.push(...wrong)]);
  assert.equal(lines!.length, 31);
  assert.match(lines![0]!, /^schedules\[1\] "e0": invalid cron expression "\* \* xa \* \*"/);
  assert.equal(lines![30], "and 570 more: validateSchedulerConfig() shows them");
});

Deno.test("a reload says what is new in the file, and not again what it had before", async () => {
  const found = await linesOf([entry("a", 30)], [
    () => {},
    (schedules) => schedules.unshift(entry("b", 1)),
    (schedules) => schedules.push({ ...entry("c"), cron: "never" }),
    () => {},
    (schedules) => schedules.splice(0, 3, entry("b", 2)),
    (schedules) => schedules.push(entry("a", 1)),
  ]);
  assert.deepEqual(found.map((lines) => lines.length), [21, 0, 1, 1, 0, 1, 1]);
  assert.match(found[2]![0]!, /^schedules\[0\] "b": unknown key "b_key_0"/);
  assert.match(found[3]![0]!, /^schedules\[2\] "c": invalid cron expression "never"/);
  assert.match(found[5]![0]!, /"b_key_1"/);
  assert.match(found[6]![0]!, /^schedules\[1\] "a": unknown key "a_key_0"/);
});
