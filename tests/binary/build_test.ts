/** `deno task compile`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { deno } from "./compile.ts";
import { BUILDER_DENO_DIR, EXECUTABLE, ROOT } from "./executables.ts";
import { HERE } from "./places.ts";

const TARGET = "x86_64-unknown-linux-gnu";

Deno.test({
  name: "for a named target it writes an executable of that name, and its checksum",
  ignore: Deno.build.target !== TARGET,
  fn: async () => {
    // Deno would take these into what it compiles.
    const { code, stderr } = await deno(["task", "compile", "--target", TARGET], ROOT, {
      DENO_DIR: BUILDER_DENO_DIR,
      OTEL_DENO_TRACING: "true",
      OTEL_DENO_METRICS: "true",
      OTEL_SERVICE_NAME: "the-build",
    });
    assert.equal(code, 0, stderr);
    const check = await new Deno.Command("sha256sum", {
      args: ["--check", "--strict", "SHA256SUMS"],
      cwd: join(ROOT, "dist"),
    }).output();
    assert.equal(
      new TextDecoder().decode(check.stdout),
      `heddle-scheduler-${TARGET}: OK\n`,
    );
    const executable = join(ROOT, "dist", `heddle-scheduler-${TARGET}`);
    const version = await new Deno.Command(executable, {
      args: ["--version"],
      env: { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
    }).output();
    assert.deepEqual([version.code, version.stderr.length], [0, 0]);
    const built = await Deno.readFile(executable);
    assert.equal(built.length, (await Deno.stat(EXECUTABLE)).size);
  },
});

Deno.test("for all targets one base is not enough, and it says so", async () => {
  const { code, stderr } = await deno(["task", "compile:all"], ROOT, { DENORT_BIN: "/some/base" });
  assert.match(stderr, /^error: DENORT_BIN is a base for one target: run /m);
  assert.equal(code, 1);
});

Deno.test("a base that does not fit what compiles is told, and what was there before stays", async () => {
  await HERE.withFiles({ "built": "from before" }, async (site) => {
    const { code, stderr } = await deno(
      ["run", "-A", "deploy/compile.ts", "--output", site.hostPath("built")],
      ROOT,
      { DENO_DIR: BUILDER_DENO_DIR, DENORT_BIN: "/bin/true" }, // it runs, and is no scheduler
    );
    assert.match(
      stderr,
      /^error: What was compiled does not run, and is not kept: asked for its --version it says "true \(.*"$/m,
    );
    assert.match(
      stderr,
      /^DENORT_BIN \(\/bin\/true\) must be the denort of Deno \d+\.\d+\.\d+, which/m,
    );
    assert.equal(code, 1);
    assert.equal(await Deno.readTextFile(site.hostPath("built")), "from before");
    const left = await Array.fromAsync(Deno.readDir(site.hostPath(".")));
    assert.deepEqual(left.map(({ name }) => name), ["built"]);
  });
});

Deno.test("a target that Deno does not have, a module that is outside: each is told", async () => {
  const target = await deno(["task", "compile", "--target", "amiga"], ROOT);
  assert.match(target.stderr, /amiga/);
  assert.equal(target.code, 1);
  await HERE.withFiles({ "outside.js": "" }, async (site) => {
    const include = await deno(["task", "compile", "--include", site.path("outside.js")], ROOT);
    assert.match(include.stderr, /^error: Cannot include ".*outside\.js": it is outside "/m);
    assert.equal(include.code, 1);
  });
});
