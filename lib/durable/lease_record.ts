import type { Revised } from "../bus/stream_bus.ts";
import { isFromWrongClock, isInstant, MAX_INSTANT_MS, shown } from "./instant.ts";
import { PARTITIONS } from "./shards.ts";

/** The record of one lease in the bucket. */
export interface LeaseRecord {
  /** Null once it was released. */
  readonly holder: string | null;
  /** Grows with each holder. */
  readonly term: number;
  /** The time that it holds without a renewal, in milliseconds. */
  readonly ttl: number;
  /** The number of leases of the scheduler. */
  readonly shards: number;
  /** A hash of the holder's schedules. */
  readonly schedules: string;
  /**
   * In a released lease: the instant up to which its holder fired everything that was due, in
   * milliseconds since the epoch.
   */
  readonly firedUntil: number | null;
}

/** A term grows by one with each holder; no scheduler reaches a larger one. */
export const MAX_TERM = 2 ** 48;
export const MAX_LEASE_TTL_MS = 3_600_000;

/** A record as far as it can be believed. */
export interface LeaseReading {
  /** Null where there is none. */
  readonly record: LeaseRecord | null;
  /** The values that are out of range and were replaced, in words. */
  readonly faults: readonly string[];
  /** A `firedUntil` that was taken from a wrong clock and is left out; else null. */
  readonly wrongInstant: number | null;
}

/**
 * Reads a record. In place of a value that is out of range, that of this replica's own leases
 * counts. In place of such a term it is the key's revision: that is never lower than a term that
 * grew by one with each write, so that the terms still grow.
 *
 * @param ours the values of this replica's own leases
 */
export function readLeaseRecord(
  { value, revision, created, isMalformed = false }: Revised,
  ours: { ttl: number; shards: number },
): LeaseReading {
  if (isMalformed) return { record: null, faults: ["it is no JSON object"], wrongInstant: null };
  if (Object.keys(value).length === 0) return { record: null, faults: [], wrongInstant: null };
  const faults: string[] = [];
  const within = <T>(name: string, isRight: boolean, instead: T, allowed: string): T => {
    if (isRight) return value[name] as T;
    faults.push(`"${name}" is ${shown(value[name])}, expected ${allowed}`);
    return instead;
  };
  const { holder, term, ttl, shards, schedules, firedUntil = null } = value;
  const isTtl = typeof ttl === "number" && ttl > 0 && ttl <= MAX_LEASE_TTL_MS;
  const isFired = firedUntil === null || isInstant(firedUntil);
  const isWrong = isInstant(firedUntil) && isFromWrongClock(firedUntil, created);
  const record: LeaseRecord = {
    holder: typeof holder === "string" ? holder : null,
    term: within("term", isWhole(term, 0, MAX_TERM), revision, `from 0 to ${MAX_TERM}`),
    ttl: within("ttl", isTtl, ours.ttl, `more than 0 and up to ${MAX_LEASE_TTL_MS} ms`),
    shards: within("shards", isWhole(shards, 1, PARTITIONS), ours.shards, `1 to ${PARTITIONS}`),
    schedules: typeof schedules === "string" ? schedules : "",
    firedUntil: isWrong
      ? null
      : within("firedUntil", isFired, null, `milliseconds from 0 to ${MAX_INSTANT_MS}`) ?? null,
  };
  return { record, faults, wrongInstant: isWrong ? firedUntil : null };
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value as number >= least && value as number <= most;
}
