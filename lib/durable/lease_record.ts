import type { Revised } from "../bus/stream_bus.ts";
import { isFromWrongClock, isInstant, MAX_INSTANT_MS, shown } from "./instant.ts";
import { PARTITIONS } from "./shards.ts";

/** What stands in the bucket of one lease. */
export interface LeaseRecord {
  /** Null once it was released. */
  readonly holder: string | null;
  /** Grows with each holder. */
  readonly term: number;
  /** In milliseconds. */
  readonly ttl: number;
  /** Of how many leases this is one. */
  readonly shards: number;
  /** A hash of the holder's schedules. */
  readonly schedules: string;
  /**
   * Once it was released: its holder fired everything that was due until then, in milliseconds
   * since the epoch.
   */
  readonly firedUntil: number | null;
}

/** A term grows by one with each holder, so that a larger one was not reached by growing. */
export const MAX_TERM = 2 ** 48;
export const MAX_LEASE_TTL_MS = 3_600_000;

/** A record as far as it can be believed. */
export interface LeaseReading {
  /** Null where there is none. */
  readonly record: LeaseRecord | null;
  /** What is out of range, and was replaced: in words. */
  readonly faults: readonly string[];
  /** A `firedUntil` that was taken from a wrong clock, and is left out; else null. */
  readonly wrongInstant: number | null;
}

/**
 * Reads a record. What is out of range is taken as if it were ours. In place of a term that is, the
 * key's revision counts: it is never lower than a term that grew by one with a write, so that the
 * terms still grow.
 *
 * @param ours what our own leases are like
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
