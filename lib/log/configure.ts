/**
 * Writes the program's log lines to stderr, as JSON or for people.
 *
 * @module
 */
import { type LineOutput, LineWriter } from "./line_writer.ts";
import { JsonLines, type LogEvent, logEvent, prettyLine } from "./log_line.ts";
import type { Logger } from "./logger.ts";

export const LOG_FORMATS = ["json", "pretty"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

export interface LogOptions {
  format: LogFormat;
  /** The lowest level that is written. */
  level: LogLevel;
  /** Allows colours in `pretty`. Default: false. */
  color?: boolean;
  /** Returns the time, in milliseconds since the epoch. */
  now(): number;
  /** Default: stderr. */
  output?: LineOutput;
}

export interface ProgramLog {
  readonly logger: Logger;
  /** Ends it: resolves when every line has been written, or dropped. */
  end(): Promise<void>;
}

/**
 * Starts writing logs. Lines that cannot be written are dropped, and counted by a line
 * `log.lines_dropped`.
 *
 * The lines do not go through LogTape, as those of an embedded scheduler do: it would take more time
 * for a line than all else together.
 */
export function openLog({ format, level, color = false, now, output }: LogOptions): ProgramLog {
  const json = new JsonLines();
  const lines = new LineWriter<LogEvent>({
    output: output ?? Deno.stderr,
    make: (event) => format === "json" ? json.of(event) : prettyLine(event, color),
    report: (count) => logEvent(now(), "warning", "log.lines_dropped", { count }),
  });
  const log = (level: LogLevel): Logger[LogLevel] => (event, fields = {}) =>
    lines.write(logEvent(now(), level, event, fields));
  const isWritten = (each: LogLevel) => LOG_LEVELS.indexOf(each) >= LOG_LEVELS.indexOf(level);
  const logOf = (each: LogLevel) => isWritten(each) ? log(each) : () => {};
  return {
    logger: {
      debug: logOf("debug"),
      info: logOf("info"),
      warning: logOf("warning"),
      error: logOf("error"),
    },
    end: () => lines.end(),
  };
}
