/**
 * The command line, made from the commands, each of which has a file of its own.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { completionCommand } from "./commands/completion.ts";
import { EXIT, type SetExitCode, UsageError } from "./exit_codes.ts";
import { explainCommand } from "./commands/explain.ts";
import { fireCommand } from "./commands/fire.ts";
import { nextCommand } from "./commands/next.ts";
import { pauseCommand, resumeCommand } from "./commands/pause.ts";
import { healthCommand } from "./commands/health.ts";
import { initCommand } from "./commands/init.ts";
import { reloadCommand } from "./commands/reload.ts";
import { runCommand } from "./commands/run.ts";
import { schemaCommand } from "./commands/schema.ts";
import { simulateCommand } from "./commands/simulate.ts";
import { streamCommand } from "./commands/stream.ts";
import { statusCommand } from "./commands/status.ts";
import { validateCommand } from "./commands/validate.ts";
import { suggestion } from "../internal/suggestion.ts";
import { readVariables } from "./variables.ts";
import { versionText } from "./version.ts";
import { printError } from "./print.ts";

const EXAMPLES = `
Examples:
  heddle-scheduler init > schedules.yaml       a commented file to begin with
  heddle-scheduler --config schedules.yaml --nats-url nats://127.0.0.1:4222
  heddle-scheduler --bus memory                needs no server: dispatches go to stdout
  heddle-scheduler validate schedules.yaml     every problem, with line and column
  heddle-scheduler next                        upcoming firings, without running anything
  heddle-scheduler simulate --from 2026-03-28T00:00:00Z --until 2026-03-30T00:00:00Z
  heddle-scheduler status                      the state of a running scheduler and its entries
  heddle-scheduler fire nightly                dispatch one entry now
  heddle-scheduler --replicas                  one of several replicas, which share the entries
`;

/**
 * Runs the command line.
 *
 * @param args the arguments, without the program's name
 * @returns the exit code
 */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const setExitCode: SetExitCode = (code) => exitCode = code;
  const program = new Command("heddle-scheduler")
    .description("Publishes messages to NATS when they are due.")
    .version(versionText())
    .exitOverride();
  const commands = [
    runCommand,
    validateCommand,
    nextCommand,
    explainCommand,
    simulateCommand,
    fireCommand,
    statusCommand,
    pauseCommand,
    resumeCommand,
    reloadCommand,
    healthCommand,
    streamCommand,
    initCommand,
    schemaCommand,
    completionCommand,
  ];
  for (const command of commands) {
    const added = command(setExitCode);
    for (const each of [added, ...added.commands]) {
      each.exitOverride().showHelpAfterError("(see --help)");
      readVariables(each);
    }
    const isDefault = command === runCommand;
    program.addCommand(added, { isDefault });
    if (isDefault) showOptionsOf(added, program);
  }
  program.addHelpText("after", EXAMPLES);
  try {
    checkCommand(args[0], program);
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    // Commander has printed what was wrong; help and --version end this way too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof UsageError)) throw error;
    printError(`error: ${error.message}`);
    return EXIT.usage;
  }
  return exitCode;
}

/** Lists the options of the default command in the program's help, since they need no command. */
function showOptionsOf(run: Command, program: Command): void {
  const help = program.createHelp();
  const options = help.visibleOptions(run).filter(({ long }) => long !== "--help");
  const items = options.map((option) =>
    help.formatItem(
      help.optionTerm(option),
      help.padWidth(run, help),
      help.optionDescription(option),
      help,
    )
  );
  const heading = "Options of run, the default command:";
  program.addHelpText(
    "after",
    ["", ...help.formatItemList(heading, items, help)].join("\n").trimEnd(),
  );
}

/**
 * Checks the name of a command. Without this a name that is none would count as an argument of the
 * default command.
 *
 * @throws {UsageError} where there is no such command
 */
function checkCommand(word: string | undefined, program: Command): void {
  if (word === undefined || word.startsWith("-")) return;
  const names = program.createHelp().visibleCommands(program).map((each) => each.name());
  if (names.includes(word)) return;
  const hint = /\.ya?ml$/.test(word)
    ? `; to run a file, name it: --config ${word}`
    : `${suggestion(word, names)}; see --help`;
  throw new UsageError(`unknown command '${word}'${hint}`);
}
