/**
 * Log events: one name (`component.action`) and fields in snake_case. LogTape does the work; the
 * library's parts are given a {@link Logger}, the command line decides where the lines go.
 *
 * @module
 */
import { getConfig, getLogger } from "@logtape/logtape";
import { consoleLine, LOG_CATEGORY } from "./log_line.ts";

/** What the parts log with. LogTape's own logger is one. */
export interface Logger {
  /** Logs what matters to whoever looks for a fault. */
  debug(event: string, fields?: Record<string, unknown>): void;
  /** Logs what happens in normal operation. */
  info(event: string, fields?: Record<string, unknown>): void;
  /** Logs what may need somebody to look at it. */
  warning(event: string, fields?: Record<string, unknown>): void;
  /** Logs what went wrong. */
  error(event: string, fields?: Record<string, unknown>): void;
}

/**
 * A logger that writes to whatever the embedding program configured LogTape with. Where it has not
 * configured it, warnings and errors go to `console.error`, a line each.
 */
export function defaultLogger(): Logger {
  const logger = getLogger(LOG_CATEGORY);
  const orConsole = (level: "warning" | "error"): Logger["error"] => (event, fields) => {
    if (getConfig() === null) console.error(consoleLine(level, event, fields));
    else logger[level](event, fields);
  };
  return {
    debug: logger.debug.bind(logger),
    info: logger.info.bind(logger),
    warning: orConsole("warning"),
    error: orConsole("error"),
  };
}
