/**
 * Formats a line of the log, for machines and for people.
 *
 * @module
 */
import type { LogRecord } from "@logtape/logtape";
import { printable } from "../internal/printable.ts";

/** The LogTape category of all lines of this program. */
export const LOG_CATEGORY = "heddle";

/** Returns JSON: `timestamp`, `level`, `event`, then the event's own fields. */
export function jsonLine(record: LogRecord): string {
  const head = {
    timestamp: new Date(record.timestamp).toISOString(),
    level: record.level,
    event: String(record.rawMessage),
  };
  // The head is also put last, so that no field of the event replaces it.
  const fields = { ...head, ...record.properties, ...head };
  // With a replacer JSON.stringify takes five times as long.
  const replacer = Object.values(fields).every(isScalar) ? undefined : plain;
  return `${hideSecrets(JSON.stringify(fields, replacer))}\n`;
}

/** Reports whether `value` is written to JSON as it is, and holds nothing else. */
function isScalar(value: unknown): boolean {
  return value === null || typeof value !== "object" && typeof value !== "bigint";
}

const COLORS: Record<string, string> = {
  debug: "\x1b[2m",
  info: "\x1b[32m",
  warning: "\x1b[33m",
  error: "\x1b[31m",
};

/** Returns `08:00:00.000 info    scheduler.firing  schedule=nightly lateness_ms=1`. */
export function prettyLine(record: LogRecord, color: boolean): string {
  const time = new Date(record.timestamp).toISOString().slice(11, -1);
  const level = record.level.padEnd(7);
  const fields = prettyFields(record.properties);
  const paint = (code: string, text: string) => color ? `${code}${text}\x1b[0m` : text;
  const shownLevel = paint(COLORS[record.level] ?? "", level);
  const shownFields = paint("\x1b[2m", fields);
  const event = String(record.rawMessage);
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

function prettyFields(fields: Record<string, unknown>): string {
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
