/**
 * What the log says of checkpoints that were read.
 *
 * @module
 */
import type { Logger } from "../log/logger.ts";
import type { Reading } from "./checkpoint_document.ts";
import { instantText } from "./instant.ts";

/** Clocks that differ by less are not worth a line: milliseconds. */
const MIN_REPORTED_LAG_MS = 1000;

/** A document that was read. */
export interface KeyedReading {
  readonly key: string;
  readonly reading: Reading;
}

/** Reports what cannot be read, once for each document, and instants of a wrong clock, once for all. */
export function reportFaults(logger: Logger, readings: readonly KeyedReading[]): void {
  for (const { key, reading: { faults } } of readings) {
    const [first, ...others] = faults;
    if (first === undefined) continue;
    const { entry, error } = first;
    const [what, follows] = entry === null
      ? ["the checkpoints", "what is missing begins as new"]
      : [`the checkpoint of ${JSON.stringify(entry)}`, "it is taken as not there"];
    logger.warning("memory.read_failed", {
      key,
      ...(entry !== null && { entry }),
      ...(others.length > 0 && { others: others.length }),
      error: `Cannot use ${what} in "${key}": ${error}; ${follows}`,
    });
  }
  const wrong = readings.flatMap(({ key, reading: { created, wrongInstants } }) =>
    wrongInstants.map((each) => ({ key, created, ...each }))
  );
  if (wrong.length === 0) return;
  const { key, entry, instant, created } = wrong.reduce((most, each) =>
    each.instant - each.created > most.instant - most.created ? each : most
  );
  const others = wrong.length - 1;
  logger.warning("memory.clock_wrong", {
    key,
    entry,
    instant: instantText(instant),
    stored_at: instantText(created),
    ...(others > 0 && { others }),
    error: `The clock that wrote "${key}" was ahead of the server's: the checkpoint of ` +
      `${JSON.stringify(entry)} says ${instantText(instant)}, and the server stored it at ` +
      `${instantText(created)}; the entry begins as new`,
  });
}

/** Reports, once, by how much our clock is behind what is remembered. */
export function reportLag(logger: Logger, readings: readonly KeyedReading[], now: number): void {
  let latest = -Infinity;
  let found = {};
  for (const { key, reading: { records } } of readings) {
    for (const [entry, { since, last }] of records) {
      const instant = Math.max(since, last ?? 0);
      if (instant <= latest) continue;
      latest = instant;
      found = { key, entry };
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
