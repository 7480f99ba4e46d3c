import type { JsonObject } from "../bus/message_bus.ts";
import type { Revised } from "../bus/stream_bus.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import { Checkpoint, type CheckpointOwner, type CheckpointRecord } from "./checkpoint.ts";
import { isFromWrongClock, isInstant, MAX_INSTANT_MS, shown } from "./instant.ts";
import type { WrittenDocument } from "./server_clock.ts";

/** The checkpoint of an entry that is absent is removed after 30 days. */
const FORGET_AFTER_MS = 30 * 24 * 3600 * 1000;

/** A document as far as it can be believed. */
export interface Reading {
  readonly revision: number;
  /** The term of the lease under which it was written last. */
  readonly term: number | null;
  readonly records: ReadonlyMap<string, CheckpointRecord>;
  /**
   * The parts that cannot be read, of one entry or (null) of the document; they count as not there.
   */
  readonly faults: readonly { readonly entry: string | null; readonly error: string }[];
  /** The entries whose instants were taken from a wrong clock, each with the latest of them. */
  readonly wrongInstants: readonly { readonly entry: string; readonly instant: number }[];
  /** The server's time stamp. */
  readonly created: number;
}

/**
 * Reads `{ "term": 7, "entries": { "nightly": [timing, since, last, absentSince] } }`; the last one
 * may be left out. No instant is believed that is out of range, or later than the server's time
 * stamp by more than `MAX_CLOCK_SKEW_MS`.
 */
export function readDocument(found: Revised | null): Reading {
  const records = new Map<string, CheckpointRecord>();
  const faults: { entry: string | null; error: string }[] = [];
  const wrongInstants: { entry: string; instant: number }[] = [];
  const { value = {}, revision = 0, created = 0, isMalformed = false } = found ?? {};
  const { term = null, entries = {} } = value;
  const reading = { revision, created, records, faults, wrongInstants };
  if (isMalformed) {
    faults.push({ entry: null, error: "it is no JSON object" });
    return { ...reading, term: null };
  }
  const isTerm = term === null || (Number.isSafeInteger(term) && (term as number) >= 0);
  if (!isTerm) {
    faults.push({ entry: null, error: `"term" is ${shown(term)}, expected a whole number` });
  }
  if (!isPlainObject(entries)) {
    faults.push({ entry: null, error: `"entries" is ${shown(entries)}, expected an object` });
  } else {
    for (const [entry, list] of Object.entries(entries)) {
      const record = readRecord(list);
      if (typeof record === "string") {
        faults.push({ entry, error: record });
        continue;
      }
      const latest = Math.max(record.since, record.last ?? 0);
      if (!isFromWrongClock(latest, created)) records.set(entry, record);
      else wrongInstants.push({ entry, instant: latest });
    }
  }
  return { ...reading, term: isTerm ? term as number | null : null };
}

/** @returns the error as text where it cannot be read */
function readRecord(list: unknown): CheckpointRecord | string {
  const [timing, since, last = null, absentSince = null] = Array.isArray(list) ? list : [];
  if (typeof timing !== "string") {
    return `it is ${shown(list)}, expected [timing, since, last]`;
  }
  const instants = { since, last: last ?? 0, absentSince: absentSince ?? 0 };
  for (const [name, instant] of Object.entries(instants)) {
    if (isInstant(instant)) continue;
    return `"${name}" is ${shown(instant)}, expected milliseconds from 0 to ${MAX_INSTANT_MS}`;
  }
  return { timing, since, last, absentSince };
}

/** A document that is open, since this replica holds its lease. */
export class CheckpointDocument implements CheckpointOwner, WrittenDocument {
  readonly checkpoints = new Map<string, Checkpoint>();
  readonly key: string;
  /** The term of the lease under which it is written; null without leases. */
  readonly term: number | null;
  /** The server's revision, as far as it is known. */
  revision: number;
  isOpen = true;
  isDirty = false;
  /** The number of changes, so that a change during a write is not forgotten. */
  changes = 0;
  writtenRevision = 0;
  writtenAt = -Infinity;
  readonly #storedTerm: number | null;
  readonly #onChange: () => void;

  /** @param onChange called when it is to be written soon */
  constructor(
    { key, term, reading, onChange }: {
      key: string;
      term: number | null;
      reading: Reading;
      onChange(): void;
    },
  ) {
    this.key = key;
    this.term = term;
    this.revision = reading.revision;
    this.#storedTerm = reading.term;
    this.#onChange = onChange;
    for (const [name, record] of reading.records) this.#add(name, record, { isNew: false });
    // Written again without them, so that the next reader does not report them too.
    if (reading.faults.length + reading.wrongInstants.length > 0) this.touch();
  }

  touch(): void {
    this.isDirty = true;
    this.changes++;
  }

  changed(): void {
    this.touch();
    this.#onChange();
  }

  /**
   * Notes that it has been written.
   *
   * @param changes their number when it was
   * @param monotonic the time of the server's answer
   */
  written(
    revision: number,
    { changes, monotonic }: { changes: number; monotonic: number },
  ): void {
    this.revision = this.writtenRevision = revision;
    this.writtenAt = monotonic;
    this.isDirty = this.changes !== changes;
  }

  /** Notes that it has been written as the server had it. */
  rewritten({ before, after }: { before: number; after: number }, monotonic: number): void {
    if (this.revision !== before) return;
    this.revision = this.writtenRevision = after;
    this.writtenAt = monotonic;
  }

  /**
   * Returns the checkpoint of an entry of the configuration, which is new where the entry begins.
   */
  note(
    name: string,
    timing: string,
    { now, sameTiming }: { now: number; sameTiming(stored: string, timing: string): boolean },
  ): Checkpoint {
    const known = this.checkpoints.get(name);
    if (known === undefined) {
      this.touch();
      const record = { timing, since: now, last: null, absentSince: null };
      return this.#add(name, record, { isNew: true });
    }
    const isSame = known.timing === timing || sameTiming(known.timing, timing);
    if (isSame && known.absentSince === null) known.goOn(timing);
    else known.begin(timing, now);
    return known;
  }

  /** Takes over what another has written meanwhile. */
  merge(reading: Reading): void {
    for (const [name, record] of reading.records) {
      const known = this.checkpoints.get(name);
      if (known !== undefined) known.merge(record);
      else this.#add(name, record, { isNew: false });
    }
  }

  /**
   * Sets a checkpoint back with a clock that was ahead.
   *
   * @param options.lastOf the last occurrence of an entry's job, by the clock as it is now;
   * undefined where there is no such job
   * @param options.by how far it was set back, in milliseconds
   * @param options.serverTime the server's time of now
   */
  follow(
    name: string,
    { lastOf, by, serverTime }: {
      lastOf(entryName: string): number | null | undefined;
      by: number;
      serverTime: number;
    },
  ): void {
    const checkpoint = this.checkpoints.get(name);
    if (checkpoint === undefined) return;
    const { since, last: before } = checkpoint;
    const isSinceWrong = isFromWrongClock(since, serverTime);
    const last = lastOf(name);
    if (last !== undefined) {
      checkpoint.reset(last, isSinceWrong ? Math.max(0, since - by) : since);
    } else if (isSinceWrong || isFromWrongClock(before ?? 0, serverTime)) {
      this.checkpoints.delete(name);
      this.changed();
    }
  }

  /** Returns the document to write, without the checkpoints that are to be removed by `now`. */
  toJson(now: number): JsonObject {
    const lists: [string, unknown[]][] = [];
    for (const [name, checkpoint] of this.checkpoints) {
      if (checkpoint.isForgotten(now - FORGET_AFTER_MS)) this.checkpoints.delete(name);
      else lists.push([name, checkpoint.toList()]);
    }
    return { term: this.term ?? this.#storedTerm, entries: Object.fromEntries(lists) };
  }

  #add(name: string, record: CheckpointRecord, { isNew }: { isNew: boolean }): Checkpoint {
    const checkpoint = new Checkpoint(this, record, { isNew });
    this.checkpoints.set(name, checkpoint);
    return checkpoint;
  }
}
