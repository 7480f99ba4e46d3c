/** `simulate` as a process: what it prints, how it ends. */
import assert from "node:assert/strict";
import { runProgram } from "../helpers/program.ts";

const CONFIG = `name: sim
timezone: Europe/Berlin
schedules:
  - { name: nightly, cron: "30 2 * * *", dispatch_type: task, task: { worker_type: w } }
  - name: sessions
    cron: "0 */12 * * *"
    jitter_seconds: 60
    expand_from: expansions.sessions.getActive
    dispatch_type: goal
    goal: { instruction: i }
`;

const NIGHT = ["--from", "2026-03-28T00:00:00Z", "--until", "2026-03-29T12:00:00+02:00"];

async function simulate(...args: string[]) {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, CONFIG);
    return await runProgram(["simulate", "--config", path, ...args]);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("simulate lists the firings, then counts them", async () => {
  const { code, stdout, stderr } = await simulate(...NIGHT);
  assert.match(stderr, /^\S+:8:18: warning: .* no such file in .*$/); // and nothing else
  const lines = stdout.split("\n");
  assert.equal(lines[0], "2026-03-28T01:30:00.000Z  nightly");
  assert.match(
    lines[1]!,
    /^2026-03-28T11:00:\d\d\.\d{3}Z {2}sessions {2}\(scheduled for 2026-03-28T11:00:00\.000Z\)$/,
  );
  assert.equal(lines[3], "2026-03-29T01:00:00.000Z  nightly");
  assert.deepEqual(lines.slice(4), [
    "entry      firings      late  misfires",
    "nightly          2         0         0",
    "sessions         2         0         0",
    "all              4         0         0",
    "busiest second: 1 firings, from 2026-03-28T01:30:00.000Z",
    "busiest minute: 1 firings, from 2026-03-28T01:30:00.000Z",
    "busiest hour: 1 firings, from 2026-03-28T01:00:00.000Z",
  ]);
  assert.equal(code, 0);
});

Deno.test("simulate --format json prints one object a line, the summary last", async () => {
  const { code, stdout } = await simulate(...NIGHT, "--format", "json");
  const lines = stdout.split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines[0], {
    entry: "nightly",
    at: "2026-03-28T01:30:00.000Z",
    scheduled_for: "2026-03-28T01:30:00.000Z",
    lateness_ms: 0,
    passed_over_since: null,
    skipped: null,
  });
  const { summary } = lines.pop();
  assert.equal(lines.length, 4);
  assert.deepEqual(summary.entries[1], { entry: "sessions", firings: 2, late: 0, misfires: 0 });
  assert.deepEqual(summary.busiest.second, { start: "2026-03-28T01:30:00.000Z", firings: 1 });
  assert.equal(code, 0);
});

Deno.test("simulate --summary prints the counts only, and stalls are the seed's", async () => {
  const month = ["--from", "2026-03-01T00:00:00Z", "--until", "2026-04-01T00:00:00Z", "--summary"];
  const run = (seed: string) => simulate(...month, "--stalls", "400", "--seed", seed);
  const { stdout } = await run("1");
  assert.match(stdout, /^entry /);
  assert.match(stdout, /\nall +\d+ +[1-9]\d* +0\n/, "some firings were late");
  assert.equal((await run("1")).stdout, stdout);
  assert.notEqual((await run("2")).stdout, stdout);
});

Deno.test("simulate ends when nobody reads on", async () => {
  const command = new Deno.Command("sh", {
    args: [
      "-c",
      `"$DENO" run -P main.ts simulate --from 2026-01-01T00:00:00Z --until 2030-01-01T00:00:00Z |` +
      ` head -n 1`,
    ],
    env: { DENO: Deno.execPath() },
  });
  const began = performance.now();
  const { stdout, stderr } = await command.output();
  assert.equal(new TextDecoder().decode(stdout).split("\n").length, 2);
  assert.doesNotMatch(new TextDecoder().decode(stderr), /error/i);
  assert.ok(performance.now() - began < 20_000, "four years were not simulated to the end");
});

Deno.test("simulate says that its output cannot be written", async () => {
  const span = "--from 2026-01-01T00:00:00Z --until 2026-01-01T01:00:00Z";
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", `"$DENO" run -P main.ts simulate ${span} > /dev/full`],
    env: { DENO: Deno.execPath() },
  }).output();
  assert.match(new TextDecoder().decode(stderr), /^error: Cannot write to stdout: .*space/m);
  assert.equal(code, 1);
});

const WRONG: [string, string[], RegExp][] = [
  ["no instant", ["--from", "2026-03-28T00:00:00Z"], /'--until <instant>' not specified/],
  [
    "an instant without an offset",
    ["--from", "2026-03-28T00:00:00", "--until", "2026-03-29T00:00:00Z"],
    /'--from <instant>' argument '2026-03-28T00:00:00' is invalid\. an instant needs .* an offset/,
  ],
  [
    "a span that runs backwards",
    ["--from", "2026-03-29T00:00:00Z", "--until", "2026-03-28T00:00:00Z"],
    /--until 2026-03-28T00:00:00\.000Z is before --from 2026-03-29T00:00:00\.000Z/,
  ],
  ["a seed that is no number", [...NIGHT, "--seed", "x"], /'x' is invalid\. expected a whole/],
  [
    "no configuration",
    [...NIGHT, "--config", "/nonexistent/s.yaml"],
    /^\/nonexistent\/s\.yaml:1:1: error: /,
  ],
];

for (const [what, args, message] of WRONG) {
  Deno.test(`simulate with ${what} exits 2 and says so`, async () => {
    const { code, stdout, stderr } = await simulate(...args);
    assert.match(stderr, message);
    assert.equal(stdout, "");
    assert.equal(code, 2);
  });
}
