import { Command } from "commander";
import type { PauseReply } from "../../control/control_api.ts";
import { addAskOptions, type AskOptions, askScheduler } from "../ask.ts";
import { EXIT, type SetExitCode, UsageError } from "../exit_codes.ts";
import { print, printError } from "../print.ts";

interface PauseOptions extends AskOptions {
  all: boolean;
}

const DEFAULT_TIMEOUT_SECONDS = 10;

/** `pause NAME`: pauses an entry of a running scheduler. */
export function pauseCommand(setExitCode: SetExitCode): Command {
  return changeCommand("pause", "pause an entry, or all", setExitCode);
}

/** `resume NAME`: ends a pause. Occurrences that came due meanwhile do not fire. */
export function resumeCommand(setExitCode: SetExitCode): Command {
  return changeCommand("resume", "end the pause of an entry, or of all", setExitCode);
}

function changeCommand(
  action: "pause" | "resume",
  description: string,
  setExitCode: SetExitCode,
): Command {
  const command = new Command(action)
    .description(description)
    .argument("[name]", "the entry's name")
    .option("--all", "all entries, also those of a later configuration", false);
  return addAskOptions(command, DEFAULT_TIMEOUT_SECONDS)
    .action(async (entry: string | undefined, options: PauseOptions) => {
      setExitCode(await change(action, entry, options));
    });
}

async function change(
  action: "pause" | "resume",
  entry: string | undefined,
  options: PauseOptions,
): Promise<number> {
  if ((entry === undefined) !== options.all) {
    throw new UsageError(`Cannot ${action}: give the name of an entry, or --all`);
  }
  return await askScheduler(options, async (scheduler) => {
    const request = entry === undefined ? { action, all: true as const } : { action, entry };
    const { kept, warning } = await scheduler.ask<PauseReply>(request);
    const what = entry === undefined ? "all entries" : `"${entry}"`;
    const isPause = action === "pause";
    const lasting = warning !== undefined
      ? ", but not persisted yet"
      : !isPause
      ? ""
      : kept
      ? ", also after a restart"
      : ", until the scheduler ends";
    print(`${isPause ? "Paused" : "Resumed"} ${what}${lasting}`);
    if (warning !== undefined) printError(`warning: ${warning}`);
    return EXIT.ok;
  });
}
