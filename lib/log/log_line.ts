/**
 * Formats a line of the log, for machines and for people.
 *
 * @module
 */
import { InstantText } from "../internal/instant_text.ts";
import { printable } from "../internal/printable.ts";
import type { Logger } from "./logger.ts";

/** The LogTape category of all lines of this program. */
export const LOG_CATEGORY = "heddle";

/** One event, from which a line is made. */
export interface LogEvent {
  /** In milliseconds since the epoch. */
  readonly timestamp: number;
  readonly level: keyof Logger;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The length of the line, about, in UTF-16 code units. */
  readonly size: number;
}

/** What a line takes beside its fields, and a field beside its name and its text. */
const UNITS_PER_LINE = 120;
const UNITS_PER_FIELD = 6;

/** Returns the event, for a line that may be made later: what its fields hold now is kept. */
export function logEvent(
  timestamp: number,
  level: keyof Logger,
  event: string,
  fields: LogEvent["fields"],
): LogEvent {
  let size = UNITS_PER_LINE;
  for (const key in fields) {
    const value = fields[key];
    if (typeof value === "string") size += value.length;
    else if (typeof value === "bigint" || (typeof value === "object" && value !== null)) {
      const text = JSON.stringify(fields, plain);
      return { timestamp, level, event, fields: JSON.parse(text), size: size + text.length };
    }
    size += key.length + UNITS_PER_FIELD;
  }
  return { timestamp, level, event, fields, size };
}

/** Makes lines of JSON: `timestamp`, `level`, `event`, then the event's own fields. */
export class JsonLines {
  readonly #text = new InstantText();

  of({ timestamp, level, event, fields }: LogEvent): string {
    let line = `{"timestamp":"${this.#text.of(timestamp)}","level":"${level}","event":` +
      quoted(event);
    // One text at a time: to have JSON.stringify write all of them takes half as long again.
    for (const key in fields) {
      if (key === "timestamp" || key === "level" || key === "event") continue;
      const value = fields[key];
      if (value !== undefined) line += `,${quoted(key)}:${quoted(value)}`;
    }
    return `${line}}\n`;
  }
}

/** Texts that are written to JSON as they are, and are no URLs. */
const PLAIN_TEXT = /^[ !#-.0-[\]-~]*$/;

function quoted(value: unknown): string {
  if (typeof value === "string" && PLAIN_TEXT.test(value)) return `"${value}"`;
  return hideSecrets(JSON.stringify(value) ?? "null");
}

const COLORS: Record<keyof Logger, string> = {
  debug: "\x1b[2m",
  info: "\x1b[32m",
  warning: "\x1b[33m",
  error: "\x1b[31m",
};

/** Returns `08:00:00.000 info    scheduler.firing  schedule=nightly lateness_ms=1`. */
export function prettyLine(line: LogEvent, color: boolean): string {
  const { level, event } = line;
  const time = new Date(line.timestamp).toISOString().slice(11, -1);
  const fields = prettyFields(line.fields);
  const paint = (code: string, text: string) => color ? `${code}${text}\x1b[0m` : text;
  const shownLevel = paint(COLORS[level], level.padEnd(7));
  const shownFields = paint("\x1b[2m", fields);
  return hideSecrets(`${time} ${shownLevel} ${event}${fields === "" ? "" : "  "}${shownFields}\n`);
}

/** Returns `heddle warning bus.unconfirmed  count=3`, without the end of the line. */
export function consoleLine(
  level: string,
  event: string,
  fields: Record<string, unknown> = {},
): string {
  const shown = prettyFields(fields);
  return hideSecrets(`${LOG_CATEGORY} ${level} ${event}${shown === "" ? "" : "  "}${shown}`);
}

function prettyFields(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${printable(key)}=${printable(prettyValue(value))}`)
    .join(" ");
}

function prettyValue(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value, plain);
}

/** Replaces what JSON cannot carry by its text. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Error) return value.message;
  return value;
}

/** Hides credentials in URLs, wherever in a line they are. */
function hideSecrets(line: string): string {
  return line.includes("@") ? line.replaceAll(/:\/\/[^\s/@"]+@/g, "://***@") : line;
}
