import { Argument, Command } from "commander";
import { loadSchedulerConfig } from "../../config/load_config.ts";
import { completionsOf } from "../completion.ts";
import { completionScript, type Shell, SHELLS } from "../completion_scripts.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { addConfigOption, type ConfigOptions } from "../options.ts";
import { StdoutLines } from "../stdout_lines.ts";

/**
 * `completion SHELL`: prints a script with which the shell completes this program's command line.
 */
export function completionCommand(setExitCode: SetExitCode): Command {
  const command = new Command("completion")
    .description("print a script with which bash, zsh or fish completes the command line")
    .addArgument(new Argument("<shell>", "the shell that is to read it").choices(SHELLS))
    .addHelpText("after", "\nbash: source <(heddle-scheduler completion bash)")
    .action((shell: Shell) => print([completionScript(shell, command.parent!.name()).trimEnd()]));

  /** The command that the scripts call. */
  const words = new Command("words").argument("[words...]");
  addConfigOption(words).action(async (typed: string[], options: ConfigOptions) => {
    const entriesOf = async (path = options.config) => {
      const { config } = await loadSchedulerConfig(path);
      return config?.entries.map(({ name }) => name) ?? [];
    };
    print(await completionsOf(command.parent!, typed, { entriesOf }));
  });
  return command.addCommand(words, { hidden: true });

  function print(lines: readonly string[]): void {
    const out = new StdoutLines();
    for (const line of lines) out.write(line);
    out.flush();
    setExitCode(EXIT.ok);
  }
}
