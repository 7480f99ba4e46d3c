import assert from "node:assert/strict";
import { runProgram } from "../helpers/program.ts";
import { normalized, README, run, transcriptsIn } from "./transcripts.ts";

Deno.test("each command prints what README.md says that it prints: else `deno task generate`", async () => {
  const shown = transcriptsIn(await Deno.readTextFile(README));
  const made = await run(shown.map(({ command }) => command));
  for (const [at, { command, output }] of shown.entries()) {
    assert.equal(normalized(output), normalized(made[at]!.output), `$ ${command}`);
  }
});

Deno.test("README.md shows every command that there is", async () => {
  const shown = transcriptsIn(await Deno.readTextFile(README)).map(({ command }) =>
    command.split(" ")[1]
  );
  const { stdout } = await runProgram(["--help"]);
  const list = stdout.slice(stdout.indexOf("Commands:"));
  const commands = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name!);
  const missing = commands.filter((name) =>
    !["help", "heddle"].includes(name) && !shown.includes(name)
  );
  assert.ok(commands.length >= 14);
  assert.deepEqual(missing, []);
});
