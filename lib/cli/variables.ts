import { type Command, InvalidArgumentError, type Option } from "commander";
import type { EventEmitter } from "node:events";

/** A variable of the environment whose value is not used. */
export interface IgnoredVariable {
  variable: string;
  value: string;
  reason: string;
}

/** What the variables begin with that no other program reads. */
const OWN_PREFIX = "HEDDLE_SCHEDULER_";

/**
 * Has the variables of a command's options end the program only where they were meant for it. An
 * empty variable counts as one that is not set. The value of one that other programs read too, such
 * as `LOG_LEVEL`, is passed over where it cannot be used; the option `ignored` has those.
 */
export function readVariables(command: Command): void {
  for (const option of command.options) {
    if (option.envVar === undefined) continue;
    // Commander is an emitter of this event; its types do not say so.
    const events = command as unknown as EventEmitter;
    const event = `optionEnv:${option.name()}`;
    const listeners = events.listeners(event);
    events.removeAllListeners(event);
    events.on(event, (value: string) => {
      if (value.trim() === "") return;
      const reason = option.envVar!.startsWith(OWN_PREFIX) ? null : refusal(option, value);
      if (reason === null) {
        for (const listener of listeners) listener(value);
      } else {
        const before = command.getOptionValue("ignored") ?? [];
        const ignored: IgnoredVariable = { variable: option.envVar!, value, reason };
        command.setOptionValue("ignored", [...before, ignored]);
      }
    });
  }
}

function refusal({ parseArg }: Option, value: string): string | null {
  try {
    parseArg?.(value, undefined);
    return null;
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
}
