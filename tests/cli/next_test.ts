/** `next` and `explain` as processes. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { Program, runProgram } from "../helpers/program.ts";

const CONFIG = `name: ahead
timezone: Europe/Berlin
schedules:
  - name: nightly
    cron: "30 2 * * *"
    dispatch_type: goal
    goal: { instruction: Summarize what came in since yesterday and tell everybody who asked for it }
  - name: heartbeat
    interval_seconds: 7200
    jitter_seconds: 30
    dispatch_type: task
    task: { worker_type: checker }
  - { name: unused, cron: "* * * * *", enabled: false, dispatch_type: task, task: { worker_type: w } }
`;

async function next(
  args: string[],
  options: { env?: Record<string, string>; config?: string } = {},
) {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, options.config ?? CONFIG);
    const { code, stdout, stderr } = await runProgram(["next", path, ...args], options);
    return { code, stderr: stderr.replaceAll(path, "FILE"), lines: stdout.split("\n"), stdout };
  } finally {
    await Deno.remove(path);
  }
}

const FROM = ["--from", "2026-11-24T00:00:00Z"];

Deno.test("next lists the coming firings, by both clocks, and shows the day as a bar", async () => {
  const { code, lines, stderr } = await next([...FROM, "--count", "3"]);
  assert.equal(code, 0);
  assert.deepEqual(lines.slice(0, 5), [
    "local                          UTC                   in          zone           entry      dispatches",
    "Tue 2026-11-24 02:30:00+01:00  2026-11-24T01:30:00Z  1 h 30 min  Europe/Berlin  nightly    goal: Summarize what came in since yesterday and tell everyb…",
    "Tue 2026-11-24 03:00:00+01:00  2026-11-24T02:00:00Z  2 h         Europe/Berlin  heartbeat  task: checker (up to 30 s later)",
    "Tue 2026-11-24 05:00:00+01:00  2026-11-24T04:00:00Z  4 h         Europe/Berlin  heartbeat  task: checker (up to 30 s later)",
    '"unused" is disabled',
  ]);
  assert.equal([...lines[6]!].length, 96);
  assert.match(lines[7]!, /^ {8}03 {10}06/);
  assert.equal(
    lines[8],
    "firings per quarter of an hour, hours of Europe/Berlin: 12 in all, at most 1",
  );
  assert.equal(
    stderr,
    'warning: "nightly": on 2027-03-28 the clock in Europe/Berlin skips 02:30: ' +
      "it fires at Sun 2027-03-28 03:00:00+02:00",
  );
});

Deno.test("next --entry, --until and --format json", async () => {
  const { stdout, code } = await next([
    ...FROM,
    ...["--entry", "heartbeat", "--until", "2026-11-24T04:00:00Z", "--format", "json"],
  ]);
  assert.equal(code, 0);
  const { firings, per_quarter_hour, warnings, without_firings } = JSON.parse(stdout);
  assert.deepEqual(firings.map(({ at }: { at: string }) => at), [
    "2026-11-24T02:00:00.000Z",
    "2026-11-24T04:00:00.000Z",
  ]);
  assert.deepEqual(
    [firings[0].in_seconds, firings[0].worker_type, firings[0].jitter_seconds],
    [7200, "checker", 30],
  );
  assert.equal(per_quarter_hour.length, 96);
  assert.deepEqual([warnings, without_firings], [[], []]);
});

Deno.test("next shows what the file says about entries for people", async () => {
  const config = `name: ahead
schedules:
  - name: minutely
    description: |
      Counts
      the doors
    labels: { team: ops }
    cron: "* * * * *"
    dispatch_type: task
    task: { worker_type: w }
`;
  const { lines } = await next([...FROM, "--count", "1"], { config });
  assert.match(lines[0]!, / dispatches +notes$/);
  assert.match(lines[1]!, / task: w +Counts the doors \[team=ops\]$/);
  const { stdout } = await next([...FROM, "--count", "1", "--format", "json"], { config });
  const [{ description, labels }] = JSON.parse(stdout).firings;
  assert.deepEqual([description, labels], ["Counts\nthe doors\n", { team: "ops" }]);
});

Deno.test("no text from outside reaches a terminal as an escape sequence", async () => {
  // deno-lint-ignore no-control-regex
  const obeyed = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066]/;
  const text = "name: a\nschedules:\n  - { name: b, interval_seconds: 1, run_on_start: true, " +
    'dispatch_type: task, task: { worker_type: "\\e[31m\\x9b\\u202e\\u2066" }, "\\e[2J": 1 }\n';
  const table = await next([...FROM, "--count", "1"], { config: text });
  assert.match(table.lines[1]!, /task: \\u001b\[31m\\u009b\\u202e\\u2066$/);
  assert.match(table.stderr, /unknown key .*u001b\[2J/);
  assert.doesNotMatch(table.stdout + table.stderr, obeyed);
  const json = await next([...FROM, "--count", "1", "--format", "json"], { config: text });
  assert.equal(JSON.parse(json.stdout).firings[0].worker_type, "\x1b[31m\x9b\u202e\u2066");

  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, text);
    const validated = await runProgram(["validate", path]);
    assert.match(validated.stdout, /u001b\[2J/);
    assert.doesNotMatch(validated.stdout, obeyed);
    await using program = new Program(["--config", path, "--bus", "memory"], {
      env: { LOG_FORMAT: "pretty" },
    });
    const log = () => program.stderr.join("\n");
    await eventually("it is logged", () => log().includes("worker_type="));
    assert.match(log(), /worker_type=.*u001b\[31m.*\\u009b\\u202e\\u2066/);
    assert.doesNotMatch(log(), obeyed);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("next --each lists the next firing of each entry, in the order of time", async () => {
  const often = Array.from(
    { length: 20 },
    (_, n) =>
      `  - { name: often${n}, cron: "*/5 * * * *", ` +
      "dispatch_type: task, task: { worker_type: w } }\n",
  ).join("");
  const { stdout, code } = await next([...FROM, "--each", "--format", "json"], {
    config: CONFIG + often,
  });
  const found = JSON.parse(stdout).firings.map((
    { entry, at }: Record<string, string>,
  ) => [entry, at]);
  assert.equal(found.length, 22);
  assert.deepEqual(found[0], ["often0", "2026-11-24T00:05:00.000Z"]);
  assert.deepEqual(found.slice(-2), [
    ["nightly", "2026-11-24T01:30:00.000Z"],
    ["heartbeat", "2026-11-24T02:00:00.000Z"],
  ]);
  assert.equal(code, 0);

  const until = await next([...FROM, "--each", "--until", "2026-11-24T01:45:00Z"]);
  assert.match(until.lines[1]!, /nightly/);
  assert.doesNotMatch(until.stdout, /heartbeat /);
  const both = await next([...FROM, "--each", "--count", "3"]);
  assert.match(both.stderr, /'--each' cannot be used with option '--count/);
  assert.equal(both.code, 2);
});

Deno.test("next shows an interval with a start_at that has passed on its grid", async () => {
  const config = `name: ahead
schedules:
  - name: daily
    interval_seconds: 86400
    start_at: 2026-01-01T08:00:00Z
    dispatch_type: task
    task: { worker_type: checker }
`;
  const { stdout, stderr } = await next([
    ...["--from", "2026-06-10T10:13:07Z", "--count", "2", "--format", "json"],
  ], { config });
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout).firings.map(({ at }: { at: string }) => at), [
    "2026-06-11T08:00:00.000Z",
    "2026-06-12T08:00:00.000Z",
  ]);
});

Deno.test("next --strict counts what is wrong in the file, and no advice", async () => {
  const advised = await next([...FROM, "--strict", "--format", "json"]);
  assert.equal(advised.code, 0);
  assert.deepEqual(JSON.parse(advised.stdout).warnings, [{
    kind: "daylight_saving",
    entry: "nightly",
    entries: ["nightly"],
    message: "on 2027-03-28 the clock in Europe/Berlin skips 02:30: it fires at " +
      "Sun 2027-03-28 03:00:00+02:00",
    advice: true,
  }]);
  const wrong = await next([...FROM, "--strict"], { config: CONFIG + "extra: 1\n" });
  assert.equal(wrong.code, 2);
});

Deno.test("next says in a warning why an entry is over", async () => {
  const config = CONFIG.replace("30 2 * * *", "0 30 2 * * * 2020");
  const { stderr, lines } = await next([...FROM, "--count", "1"], { config });
  assert.equal(
    stderr,
    'warning: "nightly": it does not fire any more: the years of "0 30 2 * * * 2020" are over',
  );
  assert.ok(lines.includes('"nightly" does not fire any more'));
});

Deno.test("next tells an entry that is not there, a file that is wrong, and a count that is none", async () => {
  const unknown = await next(["--entry", "nihgtly"]);
  assert.equal(unknown.code, 2);
  assert.equal(
    unknown.stderr,
    'error: FILE has no entry "nihgtly" (did you mean "nightly"?)',
  );
  const wrong = await next([], { config: "name: a\nschedules: 5\n" });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^FILE:2:12: error: /);
  assert.equal((await next(["--count", "0"])).code, 2);
  assert.equal((await next(["--from", "tomorrow"])).code, 2);
});

Deno.test("next draws its bar in ASCII where the locale has no more", async () => {
  const { lines } = await next(FROM, { env: { LC_ALL: "C" } });
  assert.match(lines.find((line) => line.includes("%"))!, /^[ %]+$/);
});

Deno.test("the hours below the bar follow the clock through daylight saving", async () => {
  const { lines } = await next(["--from", "2027-03-28T00:00:00Z"]);
  const scale = lines.find((line) => /^ *\d\d +\d\d/.test(line))!;
  // 03:00 comes an hour after 01:00, and from there on each hour is four cells.
  assert.equal(scale.indexOf("03"), 4);
  assert.equal(scale.indexOf("21"), 4 + 18 * 4);
});

Deno.test("explain says an expression in words, and when it fires", async () => {
  const { stdout, code } = await runProgram([
    ...["explain", "0 9 * * 1-5", "--timezone", "Europe/Berlin", "--count", "2"],
    ...["--from", "2026-11-27T12:00:00Z"],
  ]);
  assert.equal(code, 0);
  assert.deepEqual(stdout.split("\n"), [
    "At 09:00, Monday through Friday (Europe/Berlin)",
    "",
    "local                          UTC                   in",
    "Mon 2026-11-30 09:00:00+01:00  2026-11-30T08:00:00Z  2 d 20 h",
    "Tue 2026-12-01 09:00:00+01:00  2026-12-01T08:00:00Z  3 d 20 h",
  ]);
});

Deno.test("explain takes an expression without quotes, warns, and refuses as validate does", async () => {
  const unquoted = await runProgram(["explain", "0", "0", "31", "1-12", "?"]);
  assert.match(unquoted.stdout, /^At 00:00, on day 31 of the month/);
  const rare = await runProgram(["explain", "0 0 31 * *"]);
  assert.match(rare.stderr, /^warning: it fires on day 31 only/);
  const either = await runProgram(["explain", "0 9 1-7 * tue", "--format", "json"]);
  const [{ message, ...finding }] = JSON.parse(either.stdout).warnings;
  assert.deepEqual(finding, { kind: "both_day_fields", advice: true });
  assert.match(message, /fires on either.*the first Tuesday is `TUE#1`$/);
  const six = await runProgram(["explain", "0 30 2 * * MON"]);
  assert.equal(six.stderr, "");
  assert.match(six.stdout, /^At 02:30, on Monday \(UTC\)/);
  const wrong = await runProgram(["explain", "61 * * * *"]);
  assert.equal(wrong.code, 2);
  assert.match(
    wrong.stderr,
    /^error: invalid cron expression "61 \* \* \* \*": minute 61 is out of range/,
  );
  const borrowed = await runProgram(["explain", "TZ=Asia/Tokyo 0 9 * * *"]);
  assert.equal(borrowed.code, 2);
  assert.match(borrowed.stderr, /^error: .*write cron: "0 9 \* \* \*" and timezone: Asia\/Tokyo$/);
  const quartz = await runProgram(["explain", "0 0 12 ? * 2-6"]);
  assert.equal(quartz.code, 0);
  assert.match(
    quartz.stderr,
    /^warning: day of week 2-6 is Tuesday to Saturday here; .* `MON-FRI`/,
  );
  const zone = await runProgram(["explain", "* * * * *", "--timezone", "Europe/Berlinn"]);
  assert.equal(zone.code, 2);
  assert.match(zone.stderr, /^error: 'timezone': .*did you mean "Europe\/Berlin"/);
  const empty = await runProgram(["explain", "* * * * *", "--timezone", ""]);
  assert.equal(empty.code, 0);
  assert.match(empty.stderr, /^warning: 'timezone' is "", which counts as absent: .*$/);
  assert.match(empty.stdout, /^Every minute \(UTC\)/);
  const json = await runProgram(["explain", "@daily", "--format", "json"]);
  assert.equal(JSON.parse(json.stdout).words, "At 00:00");
});
