/**
 * Completes a command line from the tree of commands. A shell asks for that each time that the tab
 * key is pressed (completion_scripts.ts).
 *
 * @module
 */
import type { Argument, Command, Option } from "commander";

/** Stands for the names of files, which the shell completes itself. */
export const FILES = ":files";

/** The command whose options may be given without its name. */
const DEFAULT_COMMAND = "run";

export interface CompletionOptions {
  /**
   * Returns the names of the entries; `config` is the file that the command line names, if it does.
   */
  entriesOf(config: string | undefined): Promise<readonly string[]>;
}

/**
 * Returns the completions of the last of `words`, each as `word<tab>description`, or {@link FILES}
 * alone. The shell picks those that begin as typed.
 *
 * @param program the program with all its commands
 * @param words those after the program's name, up to the cursor
 */
export async function completionsOf(
  program: Command,
  words: readonly string[],
  { entriesOf }: CompletionOptions,
): Promise<string[]> {
  // `--format=json` counts as two words, and as three where bash has split it.
  const parts = (word: string) => /^(--[\w-]+)=(.*)$/s.exec(word)?.slice(1) ?? [word];
  const before = words.slice(0, -1).flatMap(parts).filter((word) => word !== "=");
  const [last = "", value] = parts(words.at(-1) ?? "");
  if (value !== undefined) before.push(last);
  const prefix = value === undefined ? "" : `${last}=`;

  let command = program;
  let option: Option | undefined;
  let config: string | undefined;
  let operands = 0;
  for (const word of before) {
    if (option !== undefined) {
      if (option.long === "--config") config = word;
      option = undefined;
    } else if (word.startsWith("-")) {
      option = optionsOf(command).find((each) => each.long === word && each.required);
    } else {
      const child = command.commands.find((each) => each.name() === word);
      if (child !== undefined) command = child;
      else operands++;
    }
  }

  const line = (word: string, description = "") => `${prefix}${word}\t${description}`;
  if (option === undefined && last.startsWith("-")) {
    return optionsOf(command).map(({ long, description }) => line(long!, description));
  }
  const commands = command.createHelp().visibleCommands(command);
  if (option === undefined && commands.length > 0 && command.registeredArguments.length === 0) {
    return commands.map((each) => line(each.name(), each.description()));
  }
  const expected = option ?? argumentAt(command, operands);
  if (expected === undefined) return [];
  if (expected.argChoices !== undefined) return expected.argChoices.map((choice) => line(choice));
  if (isEntry(expected)) return (await entriesOf(config)).map((name) => line(name));
  return isFile(expected) ? [FILES] : [];
}

function optionsOf(command: Command): Option[] {
  const run = command.commands.find((each) => each.name() === DEFAULT_COMMAND);
  return [command, ...run === undefined ? [] : [run]]
    .flatMap((each) => each.createHelp().visibleOptions(each))
    .filter(({ long }, index, all) => all.findIndex((each) => each.long === long) === index);
}

function argumentAt({ registeredArguments: all }: Command, place: number): Argument | undefined {
  return all[place] ?? all.find(({ variadic }) => variadic);
}

const isEntry = (expected: Option | Argument) =>
  "long" in expected ? expected.long === "--entry" : expected.name() === "name";

function isFile(expected: Option | Argument): boolean {
  const name = "long" in expected ? /<([\w-]+)>/.exec(expected.flags)?.[1] : expected.name();
  return /^(path|paths|file|files|directory)$/.test(name ?? "");
}
