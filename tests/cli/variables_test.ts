/** Variables of the environment that other programs read too, and that were meant for them. */
import assert from "node:assert/strict";
import { Command } from "commander";
import { addLoggingOptions } from "../../lib/cli/options.ts";
import { eventually } from "../helpers/eventually.ts";
import { Program, runProgram } from "../helpers/program.ts";

const CONFIG = `name: variables
schedules:
  - { name: often, interval_seconds: 0.1, dispatch_type: task, task: { worker_type: w } }
`;

/** Starts the program, which must fire, and returns what it wrote to stderr. */
async function fires(env: Record<string, string>): Promise<string[]> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, CONFIG);
    await using program = new Program(["--config", path, "--bus", "memory"], { env });
    await eventually("it fires, or ends", () => program.stdout.length > 0 || !program.running);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0, program.stderr.join("\n"));
    assert.match(program.stdout.join("\n"), /heddle\.tasks\.incoming/);
    return program.stderr.filter((line) => !line.includes("Permissions in the config file"));
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("LOG_LEVEL=INFO and LOG_FORMAT=text are read as they are meant", async () => {
  const lines = await fires({ LOG_LEVEL: "INFO", LOG_FORMAT: "text" });
  assert.ok(lines.some((line) => /^\d\d:\d\d:\d\d\.\d{3} info +scheduler\.running/.test(line)));
  assert.ok(lines.every((line) => !line.startsWith("{") && !line.includes("environment.ignored")));
});

Deno.test("a value that cannot be used is a warning where the variable is not the program's own", async () => {
  const env = { LOG_LEVEL: "loud", LOG_FORMAT: "yaml", NATS_TLS_FIRST: "maybe" };
  const lines = (await fires(env)).map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.filter(({ event }) => event === "environment.ignored")
      .map(({ level, variable, value, reason }) => [level, variable, value, reason]),
    [
      ["warning", "NATS_TLS_FIRST", "maybe", "Expected yes or no."],
      ["warning", "LOG_FORMAT", "yaml", "Allowed choices are json, pretty."],
      ["warning", "LOG_LEVEL", "loud", "Allowed choices are debug, info, warning, error."],
    ],
  );
  assert.ok(lines.some(({ event }) => event === "scheduler.firing"), "the level is the default");
});

Deno.test("an empty variable counts as one that is not set", async () => {
  const names = ["LOG_LEVEL", "LOG_FORMAT", "NATS_URL", "NATS_CREDS", "NATS_TLS_FIRST"];
  const own = ["BUS", "CONFIG", "HTTP", "DELIVERY", "REPLICAS", "LEASE_TTL", "SHARDS", "TRACING"]
    .map((name) => `HEDDLE_SCHEDULER_${name}`);
  const env = Object.fromEntries([...names, ...own].map((name) => [name, ""]));
  const lines = await fires(env);
  assert.doesNotMatch(lines.join("\n"), /environment\.ignored|"level":"warning"/);
});

Deno.test("what was meant for this program must be right", async () => {
  const wrong: [string[], Record<string, string>, RegExp][] = [
    [[], { HEDDLE_SCHEDULER_BUS: "bus" }, /value 'bus' from env 'HEDDLE_SCHEDULER_BUS' is invalid/],
    [
      ["--log-level", "loud"],
      { LOG_LEVEL: "loud" },
      /'--log-level <level>' argument 'loud' is inv/,
    ],
    [
      ["--log-format", "yaml"],
      {},
      /argument 'yaml' is invalid\. Allowed choices are json, pretty\./,
    ],
  ];
  for (const [args, env, message] of wrong) {
    const { code, stderr } = await runProgram(args, { env });
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});

for (
  const [option, names, expected] of [
    ["log-level", ["debug", "Trace", "VERBOSE"], "debug"],
    ["log-level", ["INFO", "Information", "notice"], "info"],
    ["log-level", ["Warning", "WARN"], "warning"],
    ["log-level", ["ERROR", "err", "fatal", "CRITICAL", "emerg"], "error"],
    ["log-format", ["JSON", "ndjson"], "json"],
    ["log-format", ["Pretty", "text", "plain", "console"], "pretty"],
  ] as const
) {
  Deno.test(`--${option} ${names.join(", ")}: ${expected}`, () => {
    for (const name of names) {
      const command = addLoggingOptions(new Command()).parse([`--${option}`, name], {
        from: "user",
      });
      assert.equal(command.opts()[option === "log-level" ? "logLevel" : "logFormat"], expected);
    }
  });
}
