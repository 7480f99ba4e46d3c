/** The examples, and how another project imports the library: a directory outside this repository. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { connect } from "../helpers/nats_client.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { eventually } from "../helpers/eventually.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The two ways of docs/library.md. */
const WAYS: Record<string, (checkout: string) => unknown> = {
  links: (checkout) => ({
    links: [checkout],
    imports: { "@heddle/scheduler": `jsr:@heddle/scheduler@^${denoJson.version}` },
  }),
  imports: (checkout) => ({
    imports: {
      "@heddle/scheduler": `${checkout}/lib/mod.ts`,
      "@heddle/scheduler/wire": `${checkout}/lib/wire.ts`,
    },
  }),
};

/** A project that has the examples, and a `deno.json` which says where the library is. */
async function project(way: string): Promise<AsyncDisposable & { directory: string }> {
  const directory = await Deno.makeTempDir({ prefix: "heddle-project-" });
  const config = WAYS[way]!(ROOT.replace(/\/$/, ""));
  await Deno.writeTextFile(`${directory}/deno.json`, JSON.stringify(config));
  for (const name of ["embedding.ts", "actor.ts"]) {
    await Deno.copyFile(`${ROOT}/examples/${name}`, `${directory}/${name}`);
  }
  return { directory, [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
}

function start(directory: string, args: string[], env: Record<string, string> = {}): Program {
  const command = [Deno.execPath(), "run", "--no-prompt", ...args];
  return new Program([], { command, cwd: directory, env });
}

for (const way of Object.keys(WAYS)) {
  Deno.test(`a project that imports the library by "${way}" embeds a scheduler`, async () => {
    await using place = await project(way);
    const check = way === "links" ? ["--check"] : []; // it takes its time, and says the same twice
    await using program = start(place.directory, [...check, "embedding.ts"]);
    const done = () =>
      ["report: sent", "cleanup: removing what is old"].every((line) =>
        program.stdout.includes(line)
      );
    await eventually("both jobs ran", () => done() || !program.running, 120_000);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0, program.stderr.join("\n"));
    assert.match(program.stdout.join("\n"), /^report was due at \d{4}-/m);
  });
}

Deno.test("the actor of the examples does the tasks, and ends when it is told to", async () => {
  await using server = await startNatsServer();
  await using place = await project("links");
  const client = await connect({ servers: server.url, reconnect: false });
  await using program = start(place.directory, [
    "--allow-net",
    "--allow-env=NATS_URL",
    "actor.ts",
  ], { NATS_URL: server.url });
  const task = { worker_type: "mailer", payload: { to: "ada" } };
  await eventually("it does a task", () => {
    client.publish("heddle.tasks.incoming", JSON.stringify(task));
    return program.stdout.length > 0 || !program.running;
  }, 120_000);
  assert.equal(program.stdout[0], 'mailer: {"to":"ada"}', program.stderr.join("\n"));
  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0);
  await client.close();
});

Deno.test("the expansion of the examples makes a task of each object", async () => {
  const { stdout, code } = await runProgram([
    ...["fire", "session_digest", "--bus", "memory", "--config", "schedules.yaml"],
  ]);
  assert.equal(code, 0);
  const tasks = stdout.split("\n").map((line) => JSON.parse(line).data.payload.user);
  assert.deepEqual(tasks, ["ada", "grace", "edsger"]);
});
