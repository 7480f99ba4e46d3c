import { Command } from "commander";
import { RELOAD_SUBJECT } from "../wire/subjects.ts";
import { EXIT, type SetExitCode } from "./exit_codes.ts";
import { onceConnected } from "./one_shot.ts";
import {
  addBusOptions,
  addLoggingOptions,
  type BusOptions,
  type LoggingOptions,
} from "./options.ts";

/** `reload`: tells every actor on the bus to re-read its configuration. */
export function reloadCommand(setExitCode: SetExitCode): Command {
  const command = new Command("reload")
    .description("publish the reload message: every actor re-reads its configuration");
  addBusOptions(command);
  addLoggingOptions(command).setOptionValue("logLevel", "warning");
  return command.action(async (options: BusOptions & LoggingOptions) => {
    setExitCode(
      await onceConnected(options, async (bus) => {
        await bus.publish(RELOAD_SUBJECT, { action: "reload" });
        return EXIT.ok;
      }),
    );
  });
}
