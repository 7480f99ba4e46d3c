/** `import crontab` as a process: what it prints, how it ends. */
import assert from "node:assert/strict";
import { isSystemCrontab } from "../../lib/cli/commands/import.ts";
import { runProgram } from "../helpers/program.ts";

const CRONTAB = `# Nightly
SHELL=/bin/bash
30 2 * * * /opt/backup.sh --full /home
CRON_TZ=Asia/Tokyo
0 9 * * mon-fri /opt/report.py%quarter
`;

async function withFile(text: string | Uint8Array, test: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

const importCrontab = (file: string, ...args: string[]) =>
  runProgram(["import", "crontab", file, "--worker-type", "shell", ...args], {
    env: { TZ: "Europe/Berlin" },
  });

Deno.test("import crontab writes what validate --strict accepts and simulate fires", async () => {
  await withFile(CRONTAB, async (path) => {
    const { code, stdout, stderr } = await importCrontab(path, "--name", "moved");
    assert.equal(
      stderr,
      "Times are read in this machine's time zone, Europe/Berlin: --timezone names another",
    );
    assert.match(stdout, /^name: moved\ntimezone: Europe\/Berlin\nschedules:\n {2}# Nightly\n/);
    assert.equal(code, 0);
    await withFile(stdout, async (config) => {
      const checked = await runProgram(["validate", "--strict", config]);
      assert.equal(checked.stdout, `${config}: no problems`);
      assert.equal(checked.code, 0);
      const night = ["--from", "2027-01-03T12:00:00Z", "--to", "2027-01-04T12:00:00Z"];
      const simulated = await runProgram(["simulate", "--config", config, ...night]);
      assert.deepEqual(simulated.stdout.split("\n").slice(0, 2), [
        "2027-01-04T00:00:00.000Z  report",
        "2027-01-04T01:30:00.000Z  backup_home",
      ]);
    });
  });
});

Deno.test("the page about moving over shows what is printed", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/from-crontab.md", import.meta.url));
  const [, crontab, told, yaml] = [...page.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, text]) =>
    text
  );
  await withFile(crontab!, async (path) => {
    const { code, stdout, stderr } = await importCrontab(path);
    assert.equal(stderr.replaceAll(path, "crontab.txt") + "\n", told);
    assert.equal(stdout + "\n", yaml);
    assert.equal(code, 0);
  });
});

Deno.test("import crontab tells what it could not carry over, and still writes the rest", async () => {
  await withFile("@reboot a\nMAILTO=b\n@daily c\n", async (path) => {
    const { code, stdout, stderr } = await importCrontab(path, "--timezone", "UTC");
    const told = stderr.split("\n");
    assert.equal(told.length, 2);
    assert.ok(told[0]!.startsWith(`${path}:1:1: warning: "@reboot" names no time`), told[0]);
    assert.ok(told[1]!.startsWith(`${path}:2:1: warning: MAILTO "b"`), told[1]);
    assert.match(stdout, /\n {2}# not carried over: .*\n {2}# @reboot a\n/);
    assert.match(stdout, /\n {2}- name: c\n/);
    assert.equal(code, 0, "warnings alone");
  });
});

Deno.test("a line that is wrong to cron too exits 2, and the rest is written", async () => {
  await withFile("61 * * * * a\n@daily b\n", async (path) => {
    const { code, stdout, stderr } = await importCrontab(path, "--timezone", "UTC");
    assert.ok(stderr.startsWith(`${path}:1:1: error: Minute "61" is out of range`), stderr);
    assert.match(stdout, /\n {2}- name: b\n/);
    assert.equal(code, 2);
  });
});

Deno.test("a crontab of which nothing can be carried over exits 2, with an empty list", async () => {
  await withFile("@reboot a\n", async (path) => {
    const { code, stdout, stderr } = await importCrontab(path, "--timezone", "UTC");
    assert.match(stderr, /:1:1: error: No line could be carried over: .*empty$/);
    assert.match(stdout, /^schedules: \[\]$/m);
    assert.equal(code, 2);
  });
});

Deno.test("import crontab - reads standard input, in the format of /etc/crontab with --system", async () => {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `echo '@daily www-data a b' | "$DENO" run -P main.ts import crontab - --system ` +
      "--worker-type shell --timezone UTC",
    ],
    env: { DENO: Deno.execPath() },
  }).output();
  assert.doesNotMatch(new TextDecoder().decode(stderr), /warning:|error/);
  assert.match(new TextDecoder().decode(stdout), /command: "a b"\n {8}user: www-data\n$/);
  assert.equal(code, 0);
});

Deno.test("a file named /etc/crontab or in /etc/cron.d has users without being told", () => {
  for (const path of ["/etc/crontab", "/etc/cron.d/anacron", "/etc/../etc/cron.d/x"]) {
    assert.ok(isSystemCrontab(path), path);
  }
  for (const path of ["-", "crontab", "/etc/cron.d", "/etc/cron.daily/x", "/home/etc/crontab"]) {
    assert.ok(!isSystemCrontab(path), path);
  }
});

Deno.test("import crontab says that its output cannot be written", async () => {
  await withFile(CRONTAB, async (path) => {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", `"$DENO" run -P main.ts import crontab ${path} --worker-type w > /dev/full`],
      env: { DENO: Deno.execPath() },
    }).output();
    assert.match(new TextDecoder().decode(stderr), /^error: Cannot write to stdout: .*space/m);
    assert.equal(code, 1);
  });
});

const WORKER = ["--worker-type", "shell"];
const WRONG: [what: string, args: string[], message: RegExp][] = [
  ["no file", WORKER, /missing required argument 'file'/],
  ["no worker type", ["f"], /required option '--worker-type <name>' not specified/],
  ["a blank worker type", ["f", "--worker-type", " "], /Expected the name of a worker type/],
  ["a zone that is none", ["f", ...WORKER, "--timezone", "Berlin"], /Unknown time zone "Berlin"/],
  ["a name that is no subject", ["f", ...WORKER, "--name", "a b"], /part of a NATS subject/],
  ["a file that is not there", ["/nonexistent/f", ...WORKER], /^\/nonexistent\/f:1:1: error: Th/],
  ["a directory", ["/tmp", ...WORKER], /^\/tmp:1:1: error: This is a directory/],
];

for (const [what, args, message] of WRONG) {
  Deno.test(`import crontab with ${what} exits 2 and says so`, async () => {
    const { code, stdout, stderr } = await runProgram(["import", "crontab", ...args]);
    assert.match(stderr, message);
    assert.equal(stdout, "");
    assert.equal(code, 2);
  });
}

Deno.test("a crontab in another encoding is refused where it begins to be one", async () => {
  await withFile(Uint8Array.from([...new TextEncoder().encode("# a\n# "), 0xe9]), async (path) => {
    const { code, stderr } = await importCrontab(path);
    assert.ok(stderr.startsWith(`${path}:2:3: error: The file is not UTF-8 from here`), stderr);
    assert.equal(code, 2);
  });
});

Deno.test("a file of more than 32 MiB is refused, from a pipe too", async () => {
  const { code, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      'head -c 33554433 /dev/zero | "$DENO" run -P main.ts import crontab - --worker-type w',
    ],
    env: { DENO: Deno.execPath() },
  }).output();
  assert.match(new TextDecoder().decode(stderr), /^-:1:1: error: The file is too large/m);
  assert.equal(code, 2);
});
