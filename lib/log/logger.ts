/**
 * Log events have a name (`component.action`) and fields in snake_case. The library's parts are
 * given a {@link Logger}; LogTape writes the lines, to where the command line or the embedder says.
 *
 * @module
 */
import { getConfig, getLogger } from "@logtape/logtape";
import { consoleLine, LOG_CATEGORY } from "./log_line.ts";

/** Takes log events. LogTape's own logger is one. */
export interface Logger {
  /** Logs an event that helps to find a fault. */
  debug(event: string, fields?: Record<string, unknown>): void;
  /** Logs an event of normal operation. */
  info(event: string, fields?: Record<string, unknown>): void;
  /** Logs an event that a person may have to look at. */
  warning(event: string, fields?: Record<string, unknown>): void;
  /** Logs a failure. */
  error(event: string, fields?: Record<string, unknown>): void;
}

/**
 * Returns a logger that writes as the embedding program configured LogTape. Where it has not
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
