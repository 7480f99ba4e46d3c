import { Argument, Command } from "commander";
import { loadSchedulerConfig } from "../../config/load_config.ts";
import { completionScript, type Shell, SHELLS } from "../completion_scripts.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { addConfigOption, type ConfigOptions } from "../options.ts";
import { StdoutLines } from "../stdout_lines.ts";

/** `completion SHELL`: a script that makes the shell complete this program's command line. */
export function completionCommand(setExitCode: SetExitCode): Command {
  const command = new Command("completion")
    .description("print what makes bash, zsh or fish complete the command line")
    .addArgument(
      new Argument("<shell>", "or `entries`: the names of the configuration's")
        .choices([...SHELLS, "entries"]),
    )
    .addHelpText("after", "\nbash: source <(heddle-scheduler completion bash)");
  addConfigOption(command);
  return command.action(async (shell: Shell | "entries", options: ConfigOptions) => {
    const out = new StdoutLines();
    if (shell === "entries") {
      const { config } = await loadSchedulerConfig(options.config);
      for (const { name } of config?.entries ?? []) out.write(name);
    } else {
      out.write(completionScript(shell, command.parent!).trimEnd());
    }
    out.flush();
    setExitCode(EXIT.ok);
  });
}
