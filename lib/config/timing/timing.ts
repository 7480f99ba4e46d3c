/**
 * When an entry is due, whatever way its file says it. Each kind of timing is a file of this folder
 * and a line of `TIMINGS` in the schema.
 *
 * @module
 */
import type { Cadence } from "../../time/cadence.ts";
import type { CronFields } from "../../time/cron/cron_sets.ts";
import type { Schema } from "../schema_interpreter.ts";

/** What a timing is made from, besides the entry's time zone; it can be sent to another thread. */
export interface TimingData {
  /** The entry's key that says it, such as `cron`. */
  readonly kind: string;
  /** What the file says there. */
  readonly value: string | number;
}

/** When an entry is due, without its `start_at` and `end_at`. Entries that say the same share one. */
export interface Timing extends TimingData {
  /** What checkpoints keep and compare: its form stays as it is. */
  readonly text: string;
  /** The same in words for people. */
  readonly label: string;
  /** Whether its instants follow from the timing alone; else they count from an anchor. */
  readonly isOnWallClock: boolean;
  /** Stands for the zone data that it goes by: another object once that has changed. Null for none. */
  readonly zone: object | null;
  /** How far apart its occurrences are, in milliseconds; null where that varies. */
  readonly periodMs: number | null;
  /**
   * Returns when it is due.
   *
   * @param anchor what it counts from, unless it is on the wall clock
   * @param options.atAnchor whether the anchor is the first occurrence
   */
  cadence(anchor: Date, options?: { atAnchor?: boolean }): Cadence;
}

/** What became of one value in one time zone. */
export interface TimingReading {
  readonly timing: Timing | null;
  /** What is wrong with the value. */
  readonly problem: string | null;
}

/** What readings of one table share. */
export interface TimingCaches {
  readonly cronFields: CronFields;
}

export const NOT_READ: TimingReading = { timing: null, problem: null };

/** One way to say when an entry is due. */
export interface TimingKind {
  readonly schema: Schema & {
    readonly type: readonly ["string" | "number", "null"];
    readonly title: string;
    readonly description: string;
    readonly examples: readonly unknown[];
  };
  /** Reads a value. One of another type is not read, and no problem: the schema's check reports it. */
  read(value: unknown, timezone: string, caches: TimingCaches): TimingReading;
  /** Reports whether two texts are of this kind, can be read, and mean the same instants. */
  isSameText(a: string, b: string): boolean;
}

/** Returns a timing as log lines hold it: a field for each kind that there always was. */
export function timingFields(
  { kind, value }: TimingData,
): Record<string, string | number | null> {
  return { cron: null, interval_seconds: null, [kind]: value };
}
