import assert from "node:assert/strict";
import { runProgram } from "../helpers/program.ts";
import { normalized, PAGES, readPage, run, transcriptsIn } from "./transcripts.ts";

for (const page of PAGES) {
  Deno.test(`each command prints what ${page} says that it prints: else \`deno task generate\``, async () => {
    const text = await readPage(page);
    const made = await run(text);
    assert.ok(made.length > 0);
    for (const [at, { command, output }] of transcriptsIn(text).entries()) {
      assert.equal(normalized(output), normalized(made[at]!.output), `$ ${command}`);
    }
  });
}

Deno.test("docs/cli.md shows every command that there is", async () => {
  const shown = transcriptsIn(await readPage("docs/cli.md")).map(({ command }) =>
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
