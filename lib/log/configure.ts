/**
 * Writes the program's log lines to stderr, as JSON or for people.
 *
 * @module
 */
import { configure, dispose, type LogRecord, type Sink } from "@logtape/logtape";
import { type LineOutput, LineWriter } from "./line_writer.ts";
import { jsonLine, LOG_CATEGORY, prettyLine } from "./log_line.ts";

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
  /** Default: stderr. */
  output?: LineOutput;
}

/**
 * Starts writing logs. Lines that cannot be written are dropped, and counted by a line
 * `log.lines_dropped`.
 *
 * @returns a function that ends it, and resolves when every line has been written, or dropped
 */
export async function configureLogging(options: LogOptions): Promise<() => Promise<void>> {
  const formatter = options.format === "json"
    ? jsonLine
    : (record: LogRecord) => prettyLine(record, options.color ?? false);
  let last: LogRecord;
  const reportDropped = (count: number) =>
    formatter({
      ...last,
      level: "warning",
      rawMessage: "log.lines_dropped",
      properties: { count },
    });
  const lines = new LineWriter(options.output ?? Deno.stderr, reportDropped);
  const sink: Sink & AsyncDisposable = Object.assign(
    (record: LogRecord) => lines.write(formatter(last = record)),
    { [Symbol.asyncDispose]: () => lines.end() },
  );
  await configure({
    reset: true,
    sinks: { stderr: sink },
    loggers: [
      { category: LOG_CATEGORY, lowestLevel: options.level, sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stderr"] },
    ],
  });
  return dispose;
}
