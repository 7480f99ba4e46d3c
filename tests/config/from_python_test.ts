/** What is reported only to someone who comes from the Python scheduler. */
import assert from "node:assert/strict";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { checkRow } from "./check_row.ts";
import { messageOf, type Row, row, taskOf, taskWith, untimedWith } from "./config_problem_rows.ts";

const NAME = 'schedules[0] "n"';
const AT_CRON = `6:11 warning schedules[0].cron | ${NAME}: cron`;

const cron = (expression: string) => untimedWith(`cron: ${JSON.stringify(expression)}`);

/** Cron expressions that croniter reads otherwise, and fragments of what is said. */
const CRON: readonly (readonly [expression: string, ...fragments: string[]])[] = [
  [
    "0 30 2 * * MON",
    'cron "0 30 2 * * MON" has 6 fields, read with seconds first (second 0, minute 30, hour 2, ' +
    "day of month *, month *, day of week MON); Python's croniter reads the sixth as seconds",
  ],
  ["0 30 2 * * MON 2030", "has 7 fields", "year 2030"],
  // Nothing else is compared: Python reads another field there.
  ["5-5 0 0 */1 * FRI", "has 6 fields"],
  [
    "0 0 */1 * FRI",
    "day of month */1 is read as * here, so that day of week FRI alone decides; Python's " +
    "croniter fires on every day: write the days that are meant, with * in place of */1",
  ],
  ["0 0 1,15 * */1", "day of week */1 is read as * here, so that day of month 1,15 alone decides"],
  [
    "0 22-4/3 * * *",
    "hour 22-4/3 is read as 22,1,4 here, and as 22,2 by Python's croniter: write the values that " +
    "are meant",
  ],
  ["50-10/15 * * * *", "minute 50-10/15 is read as 50,5 here, and as 50,6 by"],
  ["0 0 28-3/3 * *", "day of month 28-3/3 is read as 28,31,3 here, and as 28,31 by"],
  ["0 0 1 NOV-MAR/3 *", "month NOV-MAR/3 is read as 11,2 here, and as 11,3 by"],
  ["0 0 * * SAT-FRI/2", "day of week SAT-FRI/2 is read as 6,1,3,5 here, and as 6,2,4 by"],
  ["5-5 * * * *", "minute 5-5 is read as 5 here, and as * by Python's croniter"],
  ["5-5/15 * * * *", "minute 5-5/15 is read as 5 here, and as */15 by"],
  ["0 0 * * SUN-SUN", "day of week SUN-SUN is read as 0 here, and as * by"],
  ["0 0 * * 7-0", "day of week 7-0 is read as 0 here, and as * by"],
  ["59/5 * * * *", "minute 59/5 is read as 59 here, and as */5 by"],
  ["0 0 31/2 * *", "day of month 31/2 is read as 31 here, and as */2 by"],
  ["0 7,9-9 * * *", "hour 9-9 is read as 9 here, and as * by"],
];

const KEYS: readonly (readonly [key: string, shown: string])[] = [
  ["timezone: Europe/Berlin", '"Europe/Berlin"'],
  ["enabled: false", "false"],
  ["run_on_start: true", "true"],
  ["jitter_seconds: 5", "5"],
  ["start_at: 2026-03-01T08:00:00Z", '"2026-03-01T08:00:00Z"'],
  ["end_at: 2099-03-01T08:00:00Z", '"2099-03-01T08:00:00Z"'],
  ["misfire_grace_seconds: 60", "60"],
  ["catch_up: none", '"none"'],
  ["expand_timeout_seconds: 5", "5"],
  ["for_each: [{ a: 1 }]", "a list"],
];

const ROWS: readonly Row[] = [
  ...CRON.map(([expression, ...fragments]) =>
    row(`cron "${expression}"`, cron(expression), [AT_CRON, ...fragments].join(" | "))
  ),
  row(
    "two ranges of one in one expression",
    cron("5-5 7-7 * * *"),
    `${AT_CRON} | minute 5-5`,
    `${AT_CRON} | hour 7-7`,
  ),
  ...KEYS.map(([line, shown]) => {
    const [key] = line.split(":");
    return row(
      line,
      taskWith(line),
      `7:5 warning schedules[0].${key} | ${NAME}: '${key}' is ${shown} and has an effect here; the ` +
        "Python scheduler ignored it: remove it unless it is meant",
    );
  }),
  row(
    "a message",
    messageOf("{ subject: jobs.a }"),
    "4:20 warning schedules[0].dispatch_type | 'dispatch_type' is \"message\", which the Python " +
      "scheduler refuses",
  ),
  row(
    "the zone of the file",
    `timezone: Europe/Berlin\n${taskWith()}`,
    "1:1 warning timezone | Top level: 'timezone' is \"Europe/Berlin\" and has an effect here",
  ),
  row(
    "a wire",
    `wire: envelope\n${taskWith()}`,
    "1:1 warning wire | Top level: 'wire' is \"envelope\" and has an effect here",
  ),
  row(
    "what expansions may reach",
    `expand_allow: { net: [] }\n${taskWith()}`,
    "1:1 warning expand_allow | Top level: 'expand_allow' is | has an effect here",
  ),
  row(
    "an entry's zone that is not the file's",
    `timezone: Europe/Berlin\n${taskWith("timezone: UTC")}`,
    "1:1 warning timezone | Top level: 'timezone'",
    `8:5 warning schedules[0].timezone | 'timezone' is "UTC" and has an effect here`,
  ),
];

for (const each of ROWS) {
  Deno.test(`reported to someone who comes from Python: ${each.promise}`, () => {
    checkRow(each, { fromPython: true });
  });

  Deno.test(`not reported to anyone else: ${each.promise}`, () => {
    assert.deepEqual(parseSchedulerConfig(each.yaml).problems, []);
  });
}

const ALIKE: readonly (readonly [what: string, yaml: string])[] = [
  ...[
    "@daily",
    "0 0 */1 * *",
    "0 0 */1 * */1",
    "0 0 */1 * ?",
    "0 0 */2 * FRI",
    "0 */1 15 * FRI",
    "0 0 1 * FRI",
    "0 0 1 * 0-6",
    "0 22-4 * * *",
    "0 22-4/1 * * *",
    "0 22-4/2 * * *",
    "0 0 * * FRI-MON/2",
    "0-0/60 * * * *",
    "58/5 * * * *",
    "0 0 * * 0-7",
    "5/15 * * * *",
    "0 0 LW * *",
    "0 0 * * FRIL",
    "0 0 * * FRI#2,MON#1",
  ].map((expression) => [`cron "${expression}"`, cron(expression)] as const),
  ["every key that Python knew", taskOf("{ worker_type: w, payload: {}, model_tier: local }")],
  ["a zone that is UTC", `timezone: UTC\n${taskWith("timezone: UTC")}`],
  [
    "keys with their defaults",
    taskWith("enabled: true", "jitter_seconds: 0", "run_on_start: false"),
  ],
  ["keys without an effect", taskWith("description: d", "labels: { a: b }", "x-owner: ops")],
  ["keys that are null", taskWith("enabled:", "catch_up: ~", "timezone: null")],
];

for (const [what, yaml] of ALIKE) {
  Deno.test(`the same to someone who comes from Python: ${what}`, () => {
    const { problems } = parseSchedulerConfig(yaml, { fromPython: true });
    assert.deepEqual(problems, parseSchedulerConfig(yaml).problems);
  });
}
