/**
 * Log lines about checkpoints that were read.
 *
 * @module
 */
import type { Logger } from "../log/logger.ts";
import type { Reading } from "./checkpoint_document.ts";
import { instantText } from "./instant.ts";

/** A clock that is behind by less than this is not reported. */
const MIN_REPORTED_LAG_MS = 1000;

/** A document that was read. */
export interface KeyedReading {
  readonly key: string;
  readonly reading: Reading;
}

/** Lines of one kind that name an entry each; the last of them says how many more there are. */
const MAX_LINES = 10;

/** Logs, for each entry, what cannot be read and which instants a wrong clock wrote. */
export function reportFaults(logger: Logger, readings: readonly KeyedReading[]): void {
  const unread = readings.flatMap(({ key, reading: { faults } }) =>
    faults.map(({ entry, error }) => {
      const [what, follows] = entry === null
        ? ["the checkpoints", "what is missing begins as new"]
        : [`the checkpoint of ${JSON.stringify(entry)}`, "it is taken as not there"];
      return {
        key,
        ...(entry !== null && { schedule: entry }),
        error: `Cannot use ${what} in "${key}": ${error}; ${follows}`,
      };
    })
  );
  warn(logger, "memory.read_failed", unread);
  const wrong = readings.flatMap(({ key, reading: { created, wrongInstants } }) =>
    wrongInstants.map(({ entry, instant }) => ({
      key,
      schedule: entry,
      instant: instantText(instant),
      stored_at: instantText(created),
      error: `The clock that wrote "${key}" was ahead of the server's: the checkpoint of ` +
        `${JSON.stringify(entry)} says ${instantText(instant)}, and the server stored it at ` +
        `${instantText(created)}; the entry begins as new`,
    }))
  );
  warn(logger, "memory.clock_wrong", wrong);
}

function warn(logger: Logger, event: string, lines: readonly Record<string, unknown>[]): void {
  const others = lines.length - MAX_LINES;
  lines.slice(0, MAX_LINES).forEach((fields, index) => {
    const isLast = index === MAX_LINES - 1;
    logger.warning(event, { ...fields, ...(isLast && others > 0 && { others }) });
  });
}

/** Logs, once, by how much our clock is behind the latest instant of the checkpoints. */
export function reportLag(logger: Logger, readings: readonly KeyedReading[], now: number): void {
  let latest = -Infinity;
  let found = {};
  for (const { key, reading: { records } } of readings) {
    for (const [entry, { since, last }] of records) {
      const instant = Math.max(since, last ?? 0);
      if (instant <= latest) continue;
      latest = instant;
      found = { key, schedule: entry };
    }
  }
  const behind = latest - now;
  if (behind < MIN_REPORTED_LAG_MS) return;
  logger.warning("memory.clock_behind", {
    ...found,
    instant: instantText(latest),
    behind_ms: behind,
    error: `This machine's clock is behind by ${behind} ms: checkpoints were written at ` +
      `${instantText(latest)} by a clock that agreed with the server's; what has fired does not ` +
      "fire again before that. Correct the clock",
  });
}
