/**
 * Log events: one name (`component.action`) and fields in snake_case. LogTape does the work; the
 * library's parts are given a {@link Logger}, the command line decides where the lines go.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";

/** What the parts log with. LogTape's own logger is one. */
export interface Logger {
  debug(event: string, fields?: Record<string, unknown>): void;
  info(event: string, fields?: Record<string, unknown>): void;
  warning(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

/** The category of everything this program logs. */
export const LOG_CATEGORY = "heddle";

/** A logger that writes to whatever the embedding program configured LogTape with, else nowhere. */
export function defaultLogger(): Logger {
  return getLogger(LOG_CATEGORY);
}
