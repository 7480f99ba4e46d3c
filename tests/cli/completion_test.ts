/** What a command line may go on with, of a small tree of commands. */
import assert from "node:assert/strict";
import { Argument, Command, Option } from "commander";
import { completionsOf } from "../../lib/cli/completion.ts";
import { runProgram } from "../helpers/program.ts";

const program = new Command("weaver").version("1.0").addCommand(
  new Command("run").description("begin")
    .addOption(new Option("--config <path>", "the file"))
    .addOption(new Option("--format <format>", "how").choices(["json", "pretty"]))
    .addOption(new Option("--secret <text>", "hidden").hideHelp())
    .option("--replicas [yes|no]", "several"),
).addCommand(
  new Command("fire").argument("<name>", "the entry's name").option("--entry <name>", "another")
    .option("--config <path>", "the file"),
).addCommand(new Command("check").argument("[paths...]"))
  .addCommand(new Command("paint").addArgument(new Argument("<color>").choices(["red", "blue"])))
  .addCommand(new Command("inner"), { hidden: true })
  .addCommand(new Command("stream").addCommand(new Command("create").description("make it")));

const entriesOf = (config = "by default") => Promise.resolve([`an entry of ${config}`]);

const COMMANDS = ["run", "fire", "check", "paint", "stream", "help"];
const LINES: [words: string[], completions: string[]][] = [
  [[""], COMMANDS],
  [["fi"], COMMANDS],
  [["--format", "json", ""], COMMANDS],
  [["stream", ""], ["create", "help"]],
  [["-"], ["--version", "--help", "--config", "--format", "--replicas"]],
  [["run", "--"], ["--config", "--format", "--replicas", "--help"]],
  [["run", "--format", ""], ["json", "pretty"]],
  [["--format", "p"], ["json", "pretty"]],
  [["run", "--format=p"], ["--format=json", "--format=pretty"]],
  [["run", "--format", "=", "p"], ["json", "pretty"]],
  [["run", "--format", "="], ["json", "pretty"]],
  [["run", "--config", ""], [":files"]],
  [["run", "--replicas", "--f"], ["--config", "--format", "--replicas", "--help"]],
  [["fire", ""], ["an entry of by default"]],
  [["fire", "--config", "a.yaml", ""], ["an entry of a.yaml"]],
  [["fire", "--config=b.yaml", ""], ["an entry of b.yaml"]],
  [["fire", "--config", "=", "c.yaml", ""], ["an entry of c.yaml"]],
  [["fire", "--entry", ""], ["an entry of by default"]],
  [["fire", "one", ""], []],
  [["check", ""], [":files"]],
  [["check", "a.yaml", ""], [":files"]],
  [["paint", ""], ["red", "blue"]],
  [["paint", "red", ""], []],
  [["run", "--secret", ""], []],
  [[], COMMANDS],
];

for (const [words, completions] of LINES) {
  Deno.test(`weaver ${words.join(" ")} goes on with ${completions.join(", ") || "nothing"}`, async () => {
    const lines = await completionsOf(program, words, { entriesOf });
    assert.deepEqual(lines.map((line) => line.split("\t")[0]), completions);
  });
}

Deno.test("each completion comes with its description", async () => {
  assert.deepEqual(await completionsOf(program, ["stream", ""], { entriesOf }), [
    "create\tmake it",
    "help\tdisplay help for command",
  ]);
});

Deno.test("the program completes its own line, and offers nothing of a file that is not there", async () => {
  const words = (...line: string[]) => runProgram(["completion", "words", "--", ...line]);
  const { stdout, code } = await words("next", "--entry", "");
  assert.equal(stdout.split("\n")[0]!.trim(), "heartbeat");
  assert.equal(code, 0);
  assert.equal((await words("fire", "--config", "nowhere.yaml", "")).stdout, "");
});
