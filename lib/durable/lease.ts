/**
 * A lease is the right to fire a shard's entries, held in a key of a JetStream bucket.
 *
 * The clocks of two machines are never compared. A holder counts from the moment *before* it sent
 * its last renewal, and stops a margin before the TTL ends. Every other replica counts a full TTL
 * from the moment *after* it saw that renewal. So a replica that takes over does so after the
 * holder has stopped, however long the renewal was on its way (`docs/high-availability.md` has the
 * arithmetic).
 *
 * @module
 */
import type { JsonObject } from "../bus/message_bus.ts";
import {
  ConflictError,
  type KeyValue,
  type Revised,
  WriteInProcessError,
} from "../bus/stream_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { instantText } from "./instant.ts";
import { type LeaseReading, type LeaseRecord, readLeaseRecord } from "./lease_record.ts";

export interface LeaseOptions {
  store: KeyValue;
  key: string;
  /** The name of this replica. */
  replica: string;
  /** The time that it holds without a renewal, in milliseconds. */
  ttl: number;
  shards: number;
  clock: Clock;
  logger: Logger;
  /** Returns the hash of this replica's schedules, as they are now. */
  schedules(): string;
}

/** The share of the TTL that a holder leaves unused, so that clocks may run at different rates. */
const MARGIN_RATIO = 1 / 5;

export type LeaseState =
  /** Another replica holds it, or none does. */
  | "not_held"
  /** This replica holds it, and dispatches may leave. */
  | "held"
  /** This replica holds it as far as is known, and nothing may leave until it is renewed. */
  | "lapsed";

/** A term of this replica. */
interface HeldTerm {
  readonly term: number;
  /** The time at which the last renewal that succeeded was sent, by both clocks. */
  sentAt: { monotonic: number; wall: number };
}

export class Lease {
  readonly #options: LeaseOptions;
  #held: HeldTerm | null = null;
  /** The last record that was seen. One that vanished counts until another takes its place. */
  #record: LeaseRecord | null = null;
  /** What the key has in the bucket now; 0 for nothing. */
  #revision = 0;
  /** The monotonic time at which it was seen to change; null where it was not read yet. */
  #changedAt: number | null = null;
  /** The monotonic time at which the bucket said something of it last. */
  #seenAt = -Infinity;
  /** The highest term in a record that was seen. */
  #maxTerm = 0;
  /** The highest term that another replica knows of. */
  #otherTerm = 0;
  /** The last report of a record that was out of range. */
  #reported = "";

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  get state(): LeaseState {
    if (this.#held === null) return "not_held";
    return this.isValid ? "held" : "lapsed";
  }

  /** True while a dispatch may leave. Cheap, since it is asked for each dispatch. */
  get isValid(): boolean {
    return this.#held !== null && this.#isFresh(this.#held) && !this.#isTaken;
  }

  /** The term, while this replica holds the lease; else null. */
  get term(): number | null {
    return this.#held?.term ?? null;
  }

  /** The highest term that is known of. */
  get maxTerm(): number {
    return Math.max(this.#maxTerm, this.#otherTerm);
  }

  /**
   * The replica that holds it as far as is known; null for none, or one that is silent for a TTL.
   */
  get holder(): string | null {
    if (this.#held !== null) return this.#options.replica;
    return this.isTakeable ? null : this.#record?.holder ?? null;
  }

  /** The replica that held it and has not renewed it for a TTL; null where there is none. */
  get silentHolder(): string | null {
    return this.isTakeable ? this.#record?.holder ?? null : null;
  }

  get record(): LeaseRecord | null {
    return this.#record;
  }

  /** True while it is known who holds it: the bucket said so on this connection, within a TTL. */
  get isKnown(): boolean {
    const { clock, ttl } = this.#options;
    return this.#changedAt !== null && clock.monotonic() - this.#seenAt < ttl;
  }

  /** The monotonic time at which it may be taken from a holder that stays silent. */
  get expiresAt(): number {
    if (this.#changedAt === null || this.#held !== null) return Infinity;
    const { holder = null } = this.#record ?? {};
    // A write of this replica whose answer was lost: no other one acts on it.
    if (holder === null || holder === this.#options.replica) return this.#changedAt;
    return this.#changedAt + Math.max(this.#record!.ttl, this.#options.ttl);
  }

  get isTakeable(): boolean {
    return this.#held === null && this.#options.clock.monotonic() >= this.expiresAt;
  }

  /** Notes that another replica knows of this term, which a bucket may have lost. */
  noteTerm(term: number): void {
    this.#otherTerm = Math.max(this.#otherTerm, term);
  }

  /**
   * Forgets when the record changed. To be called for a new connection: the server may have
   * another record by now, and the TTL of its holder counts from when it is seen again.
   */
  forget(): void {
    this.#changedAt = null;
  }

  /** Reads the record from the bucket. */
  async read(): Promise<void> {
    const { store, key } = this.#options;
    const found = await store.get(key);
    if (found === null) this.#see(null, 0);
    else this.#see(this.#read(found), found.revision);
  }

  /** Takes in a record that a watch of the bucket reports. */
  see(revised: Revised): void {
    if (revised.revision > this.#revision) this.#see(this.#read(revised), revised.revision);
  }

  /**
   * Takes a lease that no replica holds, or that lapsed here and was taken by none, in a new term.
   *
   * @returns whether this replica holds it now
   * @throws {Error} when the bucket cannot be written
   */
  async acquire(): Promise<boolean> {
    if (this.#record !== null || this.#revision > 0) return await this.#hold(this.#nextTerm);
    const term = this.#otherTerm + 1;
    if (!await this.#put(this.#recordOf(this.#options.replica, term, null))) return false;
    // The bucket may have lost a record. The revision of any write is at least as high as all terms
    // before, since a write came with each of them.
    return await this.#hold(Math.max(term, this.#revision));
  }

  /**
   * Renews a lease that this replica holds. Where the bucket has lost its record, this writes it
   * back.
   *
   * @returns whether this replica still holds it
   * @throws {Error} when the bucket cannot be written
   */
  renew(): Promise<boolean> {
    return this.#renew({ isAgain: false });
  }

  /**
   * Hands the lease over at once. Where that fails, it expires after its TTL.
   *
   * @param firedUntil see {@link LeaseRecord}
   */
  async release(firedUntil: number): Promise<void> {
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    const record = this.#recordOf(null, held.term, firedUntil);
    if (await this.#put(record) || this.#record?.holder !== this.#options.replica) return;
    await this.#put(record);
  }

  /**
   * True where another replica has taken the lease that this one held. The term of each holder is
   * higher than the one before: a record of a lower term is what a bucket had that was restored, or
   * made again. While the lease is valid, this replica writes its own in place of it.
   */
  get #isTaken(): boolean {
    if (this.#held === null || this.#record === null) return false;
    const { holder, term } = this.#record;
    if (holder === this.#options.replica) return false;
    return term >= this.#held.term || !this.#isFresh(this.#held);
  }

  get #nextTerm(): number {
    if (this.#record !== null) return this.#maxTerm + 1;
    return Math.max(this.#revision, this.#otherTerm + 1);
  }

  async #renew({ isAgain }: { isAgain: boolean }): Promise<boolean> {
    if (this.#held === null || this.#isTaken) {
      this.#held = null;
      return false;
    }
    // A term ends when it lapses: what was decided in it must not leave after that.
    const goesOn = this.isValid && this.#record!.term <= this.#held.term;
    return await this.#hold(goesOn ? this.#held.term : this.#nextTerm, { isAgain });
  }

  /** Writes that this replica holds the lease, and once again where the bucket had another record. */
  async #hold(term: number, { isAgain = false } = {}): Promise<boolean> {
    const { clock, replica } = this.#options;
    const sentAt = { monotonic: clock.monotonic(), wall: clock.now() };
    if (await this.#put(this.#recordOf(replica, term, null))) {
      if (this.#held?.term === term) this.#held.sentAt = sentAt;
      else this.#held = { term, sentAt };
      return true;
    }
    if (isAgain) throw new ConflictError(`"${this.#options.key}" is written by somebody else`);
    // It may be our own: a write whose answer was lost, or one that a server had kept when it died.
    return await this.#renew({ isAgain: true });
  }

  /**
   * Writes under the revision that is known.
   *
   * @returns whether it was written: not where the bucket had another revision, which has been read
   * @throws {WriteInProcessError} where the server refuses it although nothing has changed
   */
  async #put(record: LeaseRecord & JsonObject): Promise<boolean> {
    const { store, key } = this.#options;
    const revision = this.#revision;
    try {
      this.#see(record, await store.put(key, record, revision));
      return true;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      await this.read();
      if (this.#revision === revision) throw new WriteInProcessError(key, { cause: error });
      return false;
    }
  }

  #recordOf(
    holder: string | null,
    term: number,
    firedUntil: number | null,
  ): LeaseRecord & JsonObject {
    const { ttl, shards, schedules } = this.#options;
    return { holder, term, ttl, shards, schedules: schedules(), firedUntil };
  }

  #read(found: Revised): LeaseRecord | null {
    const reading = readLeaseRecord(found, this.#options);
    this.#report(reading, found);
    return reading.record;
  }

  /** Logs the faults of a record once, although it is read again and again. */
  #report({ faults, wrongInstant }: LeaseReading, { created }: Revised): void {
    const { key, logger } = this.#options;
    const text = [...faults, wrongInstant ?? ""].join("; ");
    if (text === this.#reported) return;
    this.#reported = text;
    if (faults.length > 0) {
      logger.warning("scheduler.lease_invalid", {
        key,
        error:
          `Cannot use all of the lease in "${key}": ${faults.join("; ")}; it is taken as not ` +
          "there, and the next holder replaces it",
      });
    }
    if (wrongInstant === null) return;
    logger.warning("memory.clock_wrong", {
      key,
      instant: instantText(wrongInstant),
      stored_at: instantText(created),
      error: `The clock that wrote "${key}" was ahead of the server's: the lease was handed over ` +
        `at ${instantText(wrongInstant)}, and the server stored that at ${instantText(created)}; ` +
        "it is taken as not handed over",
    });
  }

  #see(record: LeaseRecord | null, revision: number): void {
    const { clock } = this.#options;
    const before = this.#record;
    this.#record = record ?? before;
    this.#maxTerm = Math.max(this.#maxTerm, record?.term ?? 0);
    const isSame = revision === this.#revision && before?.holder === this.#record?.holder &&
      before?.term === this.#record?.term;
    this.#revision = revision;
    this.#seenAt = clock.monotonic();
    if (!isSame || this.#changedAt === null) this.#changedAt = this.#seenAt;
  }

  /** True while the last renewal was sent so recently that no other replica can hold the lease. */
  #isFresh(held: HeldTerm): boolean {
    return this.#age(held) < this.#options.ttl * (1 - MARGIN_RATIO);
  }

  /**
   * Returns how long ago the last renewal was sent, by the clock that says more: the monotonic one
   * stands still while the machine sleeps, and the wall clock may be set.
   */
  #age({ sentAt }: HeldTerm): number {
    const { clock } = this.#options;
    return Math.max(clock.monotonic() - sentAt.monotonic, clock.now() - sentAt.wall);
  }
}
