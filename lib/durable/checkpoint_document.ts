import type { JsonObject } from "../bus/message_bus.ts";
import type { Revised } from "../bus/stream_bus.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import { Checkpoint, type CheckpointOwner, type CheckpointRecord } from "./checkpoint.ts";
import { isFromWrongClock, isInstant, MAX_INSTANT_MS, shown } from "./instant.ts";
import type { WrittenDocument } from "./server_clock.ts";

/** How long an entry that is in no file any more is remembered, in milliseconds: 30 days. */
const FORGET_AFTER_MS = 30 * 24 * 3600 * 1000;

/** What a document says, as far as it can be believed. */
export interface Reading {
  readonly revision: number;
  /** Of the lease under which it was written last. */
  readonly term: number | null;
  readonly records: ReadonlyMap<string, CheckpointRecord>;
  /** What cannot be read, of one entry or (null) of the document; it is taken as not there. */
  readonly faults: readonly { readonly entry: string | null; readonly error: string }[];
  /** Entries whose instants were taken from a wrong clock: each with the latest that was. */
  readonly wrongInstants: readonly { readonly entry: string; readonly instant: number }[];
  /** When the server stored it. */
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

/** @returns what is wrong with it, if anything is */
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

/** A document that is open: its lease is ours. */
export class CheckpointDocument implements CheckpointOwner, WrittenDocument {
  readonly checkpoints = new Map<string, Checkpoint>();
  readonly key: string;
  /** Of the lease under which it is written; null without leases. */
  readonly term: number | null;
  /** As the server has it, as far as we know. */
  revision: number;
  isOpen = true;
  isDirty = false;
  /** How often it was changed, so that a change during a write is not forgotten. */
  changes = 0;
  writtenRevision = 0;
  writtenAt = -Infinity;
  readonly #storedTerm: number | null;
  readonly #onChange: () => void;

  /** @param onChange called when it is to be written behind */
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
    // What was not believed is not to be read again.
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
   * We have written it.
   *
   * @param changes as they were when it was
   * @param monotonic when the server answered
   */
  written(
    revision: number,
    { changes, monotonic }: { changes: number; monotonic: number },
  ): void {
    this.revision = this.writtenRevision = revision;
    this.writtenAt = monotonic;
    this.isDirty = this.changes !== changes;
  }

  /** We have written it as it was there. */
  rewritten({ before, after }: { before: number; after: number }, monotonic: number): void {
    if (this.revision !== before) return;
    this.revision = this.writtenRevision = after;
    this.writtenAt = monotonic;
  }

  /** The configuration has the entry: returns its checkpoint, which is new where it begins. */
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
   * The clock was ahead, and has been set back.
   *
   * @param options.lastOf the last occurrence of an entry's job, by the clock as it is now; undefined
   * where there is no such job
   * @param options.by what it was set back by, in milliseconds
   * @param options.serverTime now, by the server's clock
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

  /** Returns the document to write, without what is to be forgotten by `now`. */
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
