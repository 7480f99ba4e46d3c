import type { Logger } from "../../lib/log/logger.ts";

export interface LogLine {
  level: "debug" | "info" | "warning" | "error";
  event: string;
  fields: Record<string, unknown>;
}

/** A logger that keeps what it is told. */
export class LogRecorder implements Logger {
  readonly lines: LogLine[] = [];

  debug = this.#record("debug");
  info = this.#record("info");
  warning = this.#record("warning");
  error = this.#record("error");

  /** The lines of one event, oldest first. */
  of(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  #record(level: LogLine["level"]) {
    return (event: string, fields: Record<string, unknown> = {}) => {
      this.lines.push({ level, event, fields });
    };
  }
}
