import { Command } from "commander";
import type { ReloadReply } from "../../control/control_api.ts";
import { RELOAD_SUBJECT } from "../../wire/subjects.ts";
import { addAskOptions, type AskOptions, askScheduler } from "../ask.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { onceConnected } from "../one_shot.ts";
import { print, printError } from "../print.ts";

interface ReloadOptions extends AskOptions {
  everyActor: boolean;
}

/** Long enough for a large file, after a reload that already runs. */
const DEFAULT_TIMEOUT_SECONDS = 60;

/** `reload`: has each replica of a running scheduler read its configuration again. */
export function reloadCommand(setExitCode: SetExitCode): Command {
  const command = new Command("reload")
    .description(
      "have a running scheduler read its configuration again; exits 2 when it is refused",
    )
    .option(
      "--every-actor",
      "publish the reload message to every actor on the bus, which is not answered",
      false,
    );
  return addAskOptions(command, DEFAULT_TIMEOUT_SECONDS)
    .action(async (options: ReloadOptions) => setExitCode(await reload(options)));
}

async function reload(options: ReloadOptions): Promise<number> {
  if (options.everyActor) {
    return await onceConnected(options, async (bus) => {
      await bus.publish(RELOAD_SUBJECT, { action: "reload" });
      return EXIT.ok;
    });
  }
  return await askScheduler(options, async (scheduler) => {
    await scheduler.askEach(async (replica) => {
      const request = { action: "reload" as const, ...(replica !== undefined && { replica }) };
      const { schedule_count, problems } = await scheduler.ask<ReloadReply>(request);
      const who = replica === undefined ? "" : `${replica}: `;
      print(`${who}Reloaded: ${schedule_count} entries`);
      for (const { line, column, severity, message } of problems) {
        printError(`${who}${line ?? 1}:${column ?? 1}: ${severity}: ${message}`);
      }
    });
    return EXIT.ok;
  });
}
