import assert from "node:assert/strict";
import { formatProblem, loadSchedulerConfig } from "../../lib/config/load_config.ts";

const fixture = (name: string) => new URL(`../fixtures/config/${name}`, import.meta.url).pathname;

async function reported(path: string): Promise<string[]> {
  const { problems } = await loadSchedulerConfig(path);
  return problems.map((problem) => formatProblem("FILE", problem));
}

async function refusal(path: string): Promise<string> {
  const { config, problems } = await loadSchedulerConfig(path);
  assert.equal(config, null);
  assert.equal(problems.length, 1);
  return formatProblem("FILE", problems[0]!);
}

Deno.test("a file's entries come in the order of the file", async () => {
  const { config, problems } = await loadSchedulerConfig(fixture("valid.yaml"));
  // The function that it names is not there.
  assert.deepEqual(problems.map(({ path }) => path), ["schedules[1].expand_from"]);
  assert.deepEqual(config?.entries.map(({ name }) => name), ["hourly_summarize", "health"]);
});

Deno.test("a file of the Python scheduler works, and is told what means something else", async () => {
  const { config, problems } = await loadSchedulerConfig(fixture("python_era.yaml"), {
    fromPython: true,
  });
  assert.deepEqual(config?.entries[0]?.goalConfig?.context, { draft: "no", cutoff: "22:00" });
  assert.deepEqual(
    problems.map(({ severity, path, line, column }) => `${line}:${column} ${severity} ${path}`),
    [
      "3:1 warning actor",
      "10:25 warning schedules[0].goal.context.draft",
      "10:37 warning schedules[0].goal.context.cutoff",
      "12:11 warning schedules[1].cron",
      "14:34 warning schedules[1].task.max_retries",
    ],
  );
});

Deno.test("a byte order mark and CRLF move no position", async () => {
  assert.deepEqual(await reported(fixture("bom_crlf.yaml")), [
    'FILE:3:5: error: schedules[0]: expected a mapping, got "nightly"',
  ]);
});

Deno.test("a missing file is one problem", async () => {
  assert.match(await refusal(fixture("none.yaml")), /^FILE:1:1: error: There is no such file: /);
});

Deno.test("a link to nowhere is one problem", async () => {
  const directory = await Deno.makeTempDir();
  const link = `${directory}/schedules.yaml`;
  await Deno.symlink(`${directory}/gone.yaml`, link);
  assert.match(await refusal(link), /There is no such file: check the path, or the link's target/);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("what is no regular file is one problem, and is not opened", async () => {
  const directory = await Deno.makeTempDir();
  const fifo = `${directory}/fifo`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const socket = `${directory}/socket`;
  using _ = Deno.listen({ transport: "unix", path: socket });
  const kinds = {
    [directory]: "a directory",
    [fifo]: "a pipe (FIFO)",
    [socket]: "a socket",
    "/dev/zero": "a device",
  };
  for (const [path, kind] of Object.entries(kinds)) {
    assert.equal(await refusal(path), `FILE:1:1: error: This is ${kind}: name a regular file`);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test({
  name: "a file without permission is one problem",
  permissions: { read: false },
  fn: async () => {
    assert.match(await refusal(fixture("valid.yaml")), /error: No permission to read the file: /);
  },
});

Deno.test("a file that fails while it is read is one problem", async () => {
  // Nobody has mapped the first page of the address space, so reading it fails, for root too.
  assert.match(await refusal("/proc/self/mem"), /error: Cannot read the file: EIO: /);
});

Deno.test("a file that is not UTF-8 is one problem, and says where", async () => {
  assert.equal(
    await refusal(fixture("latin1.yaml")),
    "FILE:2:6: error: The file is not UTF-8 from here on: save it as UTF-8",
  );
  assert.match(await refusal(fixture("utf16.yaml")), /error: The file is UTF-16: save it as UTF-8/);
});

Deno.test("a file of 100 MB is refused without being read", async () => {
  const path = await Deno.makeTempFile();
  await Deno.truncate(path, 100 * 2 ** 20);
  const started = performance.now();
  assert.match(
    await refusal(path),
    /error: The file is too large: at most 33554432 bytes are read, this is 104857600 bytes/,
  );
  assert.ok(performance.now() - started < 1000);
  await Deno.remove(path);
});

Deno.test("a hundred thousand entries with a merge key are read", async () => {
  const path = await Deno.makeTempFile();
  const base = "name: n, interval_seconds: 60, dispatch_type: task, task: { worker_type: w }";
  const entries = Array.from({ length: 100_000 }, (_, n) => `  - { <<: *base, name: n${n} }\n`);
  await Deno.writeTextFile(path, `name: s\nschedules:\n  - &base { ${base} }\n${entries.join("")}`);
  const { config, problems } = await loadSchedulerConfig(path);
  assert.deepEqual(problems, []);
  assert.equal(config?.entries.length, 100_001);
  await Deno.remove(path);
});
