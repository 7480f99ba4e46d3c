/** The commands that end by themselves, as processes. */
import assert from "node:assert/strict";
import { connect } from "../helpers/nats_client.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";

const SAMPLE = "schedules.yaml";

async function withFile(text: string, test: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, text);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("the sample is valid, even strictly", async () => {
  const { code, stdout } = await runProgram(["validate", "--strict", SAMPLE]);
  assert.equal(stdout, "schedules.yaml: no problems");
  assert.equal(code, 0);
});

Deno.test("validate prints one problem a line, as FILE:LINE:COLUMN: severity: message", async () => {
  const text = "name: a\nschedules:\n  - name: b\n    cron: '61 * * * *'\n    intervall: 5\n" +
    "    dispatch_type: task\n    task: { worker_type: w }\n";
  await withFile(text, async (path) => {
    const { code, stdout } = await runProgram(["validate", path]);
    const lines = stdout.split("\n");
    assert.equal(lines.length, 2);
    assert.ok(lines[0]!.startsWith(`${path}:4:11: error: `), lines[0]);
    assert.match(lines[0]!, /invalid cron expression.*61/);
    assert.ok(lines[1]!.startsWith(`${path}:5:5: warning: `), lines[1]);
    assert.equal(code, 2);
  });
});

Deno.test("validate --format json prints one list", async () => {
  await withFile("name: [5]\nschedules: []\n", async (path) => {
    const { code, stdout } = await runProgram(["validate", "--format", "json", path, SAMPLE]);
    const report = JSON.parse(stdout);
    assert.equal(report.length, 1);
    assert.deepEqual(Object.keys(report[0]), [
      "file",
      "severity",
      "message",
      "path",
      "line",
      "column",
    ]);
    assert.deepEqual([report[0].file, report[0].path, report[0].line], [path, "name", 1]);
    assert.equal(code, 2);
  });
});

Deno.test("a warning is an error under --strict only", async () => {
  await withFile("name: a\nschedules: []\nextra: 1\n", async (path) => {
    assert.equal((await runProgram(["validate", path])).code, 0);
    assert.equal((await runProgram(["validate", "--strict", path])).code, 2);
  });
});

Deno.test("validate advises about when entries fire, once for all alike, and --strict does not count it", async () => {
  const alike = Array.from(
    { length: 17 },
    (_, n) =>
      `  - { name: e${n}, cron: "0 9 1-7 * tue", dispatch_type: task, task: { worker_type: w } }`,
  );
  const over = `  - { name: past, cron: "0 0 0 1 1 * 2020", ` +
    "dispatch_type: task, task: { worker_type: w } }";
  await withFile(["name: a", "schedules:", over, ...alike].join("\n"), async (path) => {
    const { code, stdout } = await runProgram(["validate", "--strict", path]);
    assert.deepEqual([code, stdout.split("\n")], [0, [
      `${path}:3:25: warning: schedules[0] "past": it does not fire any more: the years of ` +
      '"0 0 0 1 1 * 2020" are over',
      `${path}:4:23: warning: schedules[1] "e0", "e1", "e2" and 14 more: both day fields are ` +
      "restricted, and it fires on either: day of month 1-7, and also day of week tue; the first " +
      "Tuesday is `TUE#1`",
    ]]);
    const json = await runProgram(["validate", "--format", "json", path]);
    const report = JSON.parse(json.stdout) as Record<string, unknown>[];
    assert.deepEqual(report.map(({ severity, path, advice }) => [severity, path, advice]), [
      ["warning", "schedules[0].cron", true],
      ["warning", "schedules[1].cron", true],
    ]);
  });
});

Deno.test("validate --from-python adds what a user of the Python scheduler must know", async () => {
  const text = `name: a
timezone: Europe/Berlin
schedules:
  - { name: b, dispatch_type: task, task: { worker_type: w }, cron: "0 30 8 * * MON" }
  - { name: c, dispatch_type: task, task: { worker_type: w }, cron: "0 22-4/3 * * *" }
`;
  await withFile(text, async (path) => {
    const without = await runProgram(["validate", "--strict", path]);
    assert.deepEqual([without.code, without.stdout], [0, `${path}: no problems`]);

    const lines = (severity: string) => [
      `${path}:2:1: ${severity}: Top level: 'timezone' is "Europe/Berlin" and has an effect here; ` +
      "the Python scheduler ignored it: remove it unless it is meant",
      `${path}:4:69: ${severity}: schedules[0] "b": cron "0 30 8 * * MON" has 6 fields, read with ` +
      "seconds first (second 0, minute 30, hour 8, day of month *, month *, day of week MON); " +
      "Python's croniter reads the sixth as seconds",
      `${path}:5:69: ${severity}: schedules[1] "c": cron "0 22-4/3 * * *": hour 22-4/3 is read as ` +
      "22,1,4 here, and as 22,2 by Python's croniter: write the values that are meant",
    ];
    const found = await runProgram(["validate", "--from-python", path]);
    assert.deepEqual([found.code, found.stdout.split("\n")], [0, lines("warning")]);
    const strict = await runProgram(["validate", "--from-python", "--strict", path]);
    assert.deepEqual([strict.code, strict.stdout.split("\n")], [2, lines("error")]);

    const json = await runProgram(["validate", "--from-python", "--format", "json", path]);
    const report = JSON.parse(json.stdout) as { severity: string; path: string; line: number }[];
    assert.equal(json.code, 0);
    assert.deepEqual(report.map(({ severity, path, line }) => [severity, path, line]), [
      ["warning", "timezone", 2],
      ["warning", "schedules[0].cron", 4],
      ["warning", "schedules[1].cron", 5],
    ]);
  });
});

Deno.test("schema prints the JSON Schema that the repository ships for editors", async () => {
  const { code, stdout } = await runProgram(["schema"]);
  const shipped = await Deno.readTextFile(
    new URL("../../lib/config/schedules.schema.json", import.meta.url),
  );
  assert.deepEqual(JSON.parse(stdout), JSON.parse(shipped));
  assert.equal(code, 0);
});

Deno.test("the sample's first line points an editor at the schema that is there", async () => {
  const root = new URL("../../", import.meta.url);
  const [first] = (await Deno.readTextFile(new URL(SAMPLE, root))).split("\n");
  const path = /^# yaml-language-server: \$schema=(\S+)$/.exec(first!)?.[1];
  assert.ok((await Deno.stat(new URL(path!, root))).isFile);
});

Deno.test("--version and --help end with 0; help shows an example", async () => {
  const version = await runProgram(["--version"]);
  assert.match(version.stdout, /^heddle-scheduler \d+\.\d+\.\d+ /);
  assert.match(version.stdout, /, tzdata 20\d\d[a-z]+ (built in|from \S+)\)$/m);
  assert.equal(version.code, 0);
  const help = await runProgram(["--help"]);
  assert.match(help.stdout, /heddle-scheduler --config schedules\.yaml --nats-url/);
  assert.equal(help.code, 0);
});

Deno.test("--help shows the options of run, which need no command", async () => {
  const { stdout } = await runProgram(["--help"]);
  assert.match(stdout, /^Options of run, the default command:$/m);
  assert.match(stdout, /^ {2}--skip-preflight /m);
  assert.match(stdout, /^ {2}--http-token-file <file> /m);
  assert.match(stdout, /^ {2}-V, --version /m);
});

for (
  const [args, message] of [
    [["statsu"], "unknown command 'statsu' (did you mean \"status\"?); see --help"],
    [
      ["--bus", "memory", "status"],
      "run takes no argument 'status'; a command comes before its options",
    ],
    [["statsu", "--entry", "a"], "unknown command 'statsu' (did you mean \"status\"?); see --help"],
    [["frobnicate"], "unknown command 'frobnicate'; see --help"],
    [["jobs.yaml"], "unknown command 'jobs.yaml'; to run a file, name it: --config jobs.yaml"],
  ] as const
) {
  Deno.test(`an unknown command is told as one: ${args.join(" ")}`, async () => {
    const { code, stderr } = await runProgram([...args]);
    assert.equal(stderr, `error: ${message}`);
    assert.equal(code, 2);
  });
}

for (
  const command of [
    "validate",
    "next",
    "simulate --from 2027-01-01T00:00:00Z --until 2027-01-01T01:00:00Z",
  ]
) {
  Deno.test(`${command.split(" ")[0]} - reads the file from stdin`, async () => {
    const run = async (text: string) => {
      const { code, stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", `printf '%s' "$TEXT" | "$DENO" run -P main.ts ${command} -`],
        env: { DENO: Deno.execPath(), TEXT: text },
      }).output();
      return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
    };
    const valid = await run("name: a\nschedules: []\n");
    assert.equal(valid.code, 0, valid.text);
    const wrong = await run("name: a\nschedules: 5\n");
    assert.match(wrong.text, /^-:2:12: error: .*schedules/m);
    assert.equal(wrong.code, 2);
  });
}

Deno.test("a file on stdin is not read beyond the size that a file may have", async () => {
  const { code, stdout } = await new Deno.Command("sh", {
    args: ["-c", `yes '#' | "$DENO" run -P main.ts validate -`],
    env: { DENO: Deno.execPath() },
  }).output();
  assert.match(new TextDecoder().decode(stdout), /^-:1:1: error: The file is too large: at most/);
  assert.equal(code, 2);
});

for (
  const args of [
    ["--bus", "carrier-pigeon"],
    ["--no-such-option"],
    ["frobnicate"],
    ["fire"],
    ["run", "--log-level", "loud"],
    ["run", "--memory-limit", "256"],
    ["run", "--memory-limit", "plenty"],
    ["validate", "--format", "xml"],
    ["status", "--timeout", "0"],
    ["run", "--nats-url", "http://x"],
    ["status", "--name", "x", "--nats-url", "http://x"],
  ]
) {
  Deno.test(`wrong usage exits with 2 and says what is wrong: ${args.join(" ")}`, async () => {
    const { code, stderr, stdout } = await runProgram(args);
    assert.match(stderr, /^error: /m);
    assert.equal(stdout, "");
    assert.equal(code, 2);
  });
}

Deno.test("files of secrets are regular files and pipes of at most 1 MiB, never waited for long", async () => {
  const directory = await Deno.makeTempDir();
  const pipe = `${directory}/pipe`, large = `${directory}/large`;
  const refused = async (option: string, path: string, message: RegExp) => {
    const { code, stderr } = await runProgram(["run", "--http", "0", option, path]);
    assert.match(stderr, message, option);
    assert.notEqual(code, 0);
  };
  try {
    await Deno.writeFile(large, new Uint8Array(2 ** 20 + 1));
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    for (const option of ["--nats-creds", "--nats-nkey", "--nats-ca", "--http-token-file"]) {
      await refused(option, "/dev/zero", /This is a device: name a regular file/);
      await refused(option, large, /The file is too large: at most 1048576 bytes are read/);
    }
    await refused("--http-token-file", pipe, /Nobody wrote and closed this pipe in 5000 ms/);
    const writer = new Deno.Command("sh", { args: ["-c", `cat /dev/zero > ${pipe}`] }).spawn();
    await refused("--nats-creds", pipe, /The file is too large: at most 1048576 bytes are read/);
    await writer.status;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a URL that is none is told in one line, without its password", async () => {
  const { stderr } = await runProgram(["reload", "--nats-url", "http://user:secret@x"]);
  assert.match(
    stderr,
    /^error: Cannot connect to "http:\/\/[^"\n]*@x": expected a URL such as .*$/,
  );
  assert.doesNotMatch(stderr, /secret/);
});

Deno.test("run with an invalid or a missing file exits with 2 and logs every problem", async () => {
  await withFile("name: a\nschedules:\n  - name: b\n  - name: b\n", async (path) => {
    await using program = new Program(["--config", path, "--bus", "memory"]);
    assert.equal(await program.exit(), 2);
    assert.ok(program.log("scheduler.config_error").length >= 3);
    assert.ok(program.log("scheduler.config_error").every(({ line }) => typeof line === "number"));
  });
  await using missing = new Program(["--config", "no/such/file.yaml", "--bus", "memory"]);
  assert.equal(await missing.exit(), 2);
  const [line] = missing.log("scheduler.config_error");
  assert.equal(line?.config_path, "no/such/file.yaml");
  assert.match(
    String(line?.message),
    /There is no such file: .*"heddle-scheduler init" prints one/,
  );
});

Deno.test("init prints a file that is valid and runs, its commented entry included", async () => {
  const { code, stdout } = await runProgram(["init"]);
  assert.equal(code, 0);
  const all = stdout.replaceAll(/^ {2}# (?=- name| {2,}[a-z])(?!.*init)/gm, "  ");
  assert.notEqual(all, stdout);
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/expansions`);
    const write = async (name: string, option: string) =>
      await Deno.writeTextFile(
        `${directory}/expansions/${name}`,
        (await runProgram(["init", option])).stdout,
      );
    await write("sessions.ts", "--expansion");
    await write("heddle.d.ts", "--types");
    for (const [name, text] of [["first", stdout], ["schedules", all]]) {
      const path = `${directory}/${name}.yaml`;
      await Deno.writeTextFile(path, text!);
      const validated = await runProgram(["validate", "--strict", path]);
      assert.equal(validated.stdout, `${path}: no problems`);
    }
    const check = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--no-config", `${directory}/expansions/sessions.ts`],
    }).output();
    assert.ok(check.success, new TextDecoder().decode(check.stderr));
    const fired = await runProgram(
      ["fire", "session_digest", "--config", `${directory}/schedules.yaml`, "--bus", "memory"],
    );
    const sessions = fired.stdout.split("\n").map((each) => JSON.parse(each).data.payload);
    assert.deepEqual(sessions.map(({ session_id, style }) => [session_id, style]), [
      ["s1", "brief"],
      ["s2", "brief"],
    ]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("an option beats the environment", async () => {
  const env = { HEDDLE_SCHEDULER_CONFIG: "no/such/file.yaml", HEDDLE_SCHEDULER_BUS: "nats" };
  const { code, stdout } = await runProgram(
    ["fire", "heartbeat", "--config", SAMPLE, "--bus", "memory"],
    { env },
  );
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).data.worker_type, "health_checker");
  const fromEnv = await runProgram(["validate"], { env: { HEDDLE_SCHEDULER_CONFIG: "none.yaml" } });
  assert.match(fromEnv.stdout, /^none\.yaml/);
});

Deno.test("fire dispatches one entry now, expansion included", async () => {
  const { code, stdout } = await runProgram(["fire", "session_digest", "--bus", "memory"]);
  const lines = stdout.split("\n").map((line) => JSON.parse(line));
  assert.equal(code, 0);
  assert.equal(lines.length, 3);
  assert.ok(lines.every(({ subject }) => subject === "heddle.tasks.incoming"));
  assert.equal(new Set(lines.map(({ data }) => data.task_id)).size, 3);
});

Deno.test("fire of an entry that is not there names those that are", async () => {
  const { code, stderr } = await runProgram(["fire", "heartbeet", "--bus", "memory"]);
  assert.equal(code, 2);
  assert.match(stderr, /"heartbeet".*"heartbeat"/);
});

Deno.test("status asks the scheduler, and tells why there is no answer", async () => {
  await using server = await startNatsServer();
  const at = ["--nats-url", server.url, "--timeout", "0.5"];
  await withFile("name: asked\nschedules: []\n", async (path) => {
    const silent = await runProgram(["status", "--config", path, ...at]);
    assert.match(silent.stderr, /^No scheduler named "asked" answers: /);
    assert.equal(silent.code, 1);

    await using program = new Program(["--config", path, "--nats-url", server.url]);
    await program.logged("scheduler.running");
    const answered = await runProgram(["status", "--config", path, ...at]);
    assert.match(answered.stdout, /^asked: running since /);
    assert.equal(answered.code, 0);

    // The file may be broken by now; the scheduler runs by the old one.
    await Deno.writeTextFile(path, "name: asked\nschedules: [");
    const unnamed = await runProgram(["status", "--config", path, ...at]);
    assert.match(unnamed.stderr, /give it by --name/);
    assert.equal(unnamed.code, 2);
    assert.equal((await runProgram(["status", "--name", "asked", ...at])).code, 0);
  });
  const nobody = await runProgram([
    "status",
    "--name",
    "x",
    ...at,
    "--nats-url",
    "nats://127.0.0.1:1",
  ]);
  assert.match(nobody.stderr, /^Cannot connect to nats:\/\/127\.0\.0\.1:1: connection refused/);
  assert.equal(nobody.code, 1);
});

Deno.test("reload --every-actor publishes the reload message", async () => {
  await using server = await startNatsServer();
  const observer = await connect({ servers: server.url });
  const subscription = observer.subscribe("heddle.control.reload", { max: 1 });
  await observer.flush();
  const { code } = await runProgram(["reload", "--every-actor", "--nats-url", server.url]);
  for await (const message of subscription) assert.deepEqual(message.json(), { action: "reload" });
  await observer.close();
  assert.equal(code, 0);
});

Deno.test("on the memory bus stdout carries dispatches only, stderr the log only", async () => {
  await using program = new Program(["--bus", "memory"]);
  await program.logged("scheduler.task_dispatched", 2);
  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0);
  assert.ok(program.stdout.length >= 2);
  for (const line of program.stdout) {
    assert.deepEqual(Object.keys(JSON.parse(line)), ["subject", "data", "headers"]);
  }
});
