/**
 * One lease: the right to fire a shard's entries, held in a key of a JetStream bucket.
 *
 * Nobody's clock is compared with anybody else's. A holder counts from the moment *before* it sent
 * its last renewal and stops a margin before the TTL; everybody else counts a full TTL from the
 * moment *after* it saw that renewal. So whoever takes over does so after the holder has stopped,
 * however long the renewal was on its way (`docs/high-availability.md` has the arithmetic).
 *
 * @module
 */
import type { JsonObject } from "../bus/message_bus.ts";
import { ConflictError, type KeyValue, type Revised } from "../bus/stream_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { instantText } from "./instant.ts";
import { type LeaseReading, type LeaseRecord, readLeaseRecord } from "./lease_record.ts";

export interface LeaseOptions {
  store: KeyValue;
  key: string;
  /** Who we are. */
  replica: string;
  /** In milliseconds. */
  ttl: number;
  shards: number;
  clock: Clock;
  logger: Logger;
  /** The hash of our schedules, as they are now. */
  schedules(): string;
}

/** How much of the TTL the holder gives up, so that a difference of the clocks' rates is nothing. */
const MARGIN = 1 / 5;

export type LeaseState =
  /** Another replica holds it, or none does. */
  | "not_held"
  /** Ours, and dispatches may leave. */
  | "held"
  /** Ours as far as we know, and nothing may leave until it is renewed. */
  | "lapsed";

interface Tenure {
  readonly term: number;
  /** When the last renewal that succeeded was sent, by both clocks. */
  sentAt: { monotonic: number; wall: number };
}

export class Lease {
  readonly #options: LeaseOptions;
  #tenure: Tenure | null = null;
  /** What we saw last, and when. */
  #record: LeaseRecord | null = null;
  #revision = 0;
  #seenAt: number | null = null;
  /** What was reported last of a record that was out of range. */
  #reported = "";

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  get state(): LeaseState {
    if (this.#tenure === null) return "not_held";
    return this.isValid ? "held" : "lapsed";
  }

  /** Whether a dispatch may leave at this moment. Cheap: asked for every one. */
  get isValid(): boolean {
    const { ttl } = this.#options;
    return this.#tenure !== null && !this.#isTaken &&
      this.#age(this.#tenure) < ttl * (1 - MARGIN);
  }

  /** Ours, while we hold it. */
  get term(): number | null {
    return this.#tenure?.term ?? null;
  }

  /** Who holds it as far as we know; null when nobody does, or its holder is silent for a TTL. */
  get holder(): string | null {
    if (this.#tenure !== null) return this.#options.replica;
    return this.isTakeable ? null : this.#record?.holder ?? null;
  }

  /** Who held it and has not renewed it for a TTL; null where that is not so. */
  get silentHolder(): string | null {
    return this.isTakeable ? this.#record?.holder ?? null : null;
  }

  get record(): LeaseRecord | null {
    return this.#record;
  }

  /** Whether what the bucket says has been read since the connection was made. */
  get isKnown(): boolean {
    return this.#seenAt !== null;
  }

  /** When it may be taken from a holder that stays silent, by monotonic time. */
  get expiresAt(): number {
    if (this.#seenAt === null || this.#tenure !== null) return Infinity;
    const { holder = null } = this.#record ?? {};
    // Ours, but for the answer that was lost: nobody else acts on it.
    if (holder === null || holder === this.#options.replica) return this.#seenAt;
    return this.#seenAt + Math.max(this.#record!.ttl, this.#options.ttl);
  }

  get isTakeable(): boolean {
    return this.#tenure === null && this.#options.clock.monotonic() >= this.expiresAt;
  }

  /**
   * The connection was made anew: what was seen before says nothing of what the server has now, and
   * the time of a holder counts from when it is seen again.
   */
  forget(): void {
    this.#seenAt = null;
  }

  /** Reads the bucket. */
  async read(): Promise<void> {
    const { store, key } = this.#options;
    const found = await store.get(key);
    if (found === null) this.#see(null, 0);
    else this.#see(this.#read(found), found.revision);
  }

  /** What somebody wrote, as a watch of the bucket tells it. */
  see(revised: Revised): void {
    if (revised.revision > this.#revision) this.#see(this.#read(revised), revised.revision);
  }

  /** Whether somebody else has taken what we hold. */
  get #isTaken(): boolean {
    return this.#record?.holder !== this.#options.replica;
  }

  /**
   * Takes a lease that nobody holds; ours again if it lapsed and nobody took it: in a new term.
   *
   * @returns whether it is ours
   * @throws when the bucket cannot be written
   */
  async acquire(): Promise<boolean> {
    return await this.#write((this.#record?.term ?? this.#revision) + 1);
  }

  /**
   * Holds on to a lease that is ours.
   *
   * @returns whether it is still ours
   * @throws when the bucket cannot be written
   */
  async renew(): Promise<boolean> {
    if (this.#tenure === null || this.#isTaken) {
      this.#tenure = null;
      return false;
    }
    // A term ends when it lapses: what was decided in it must not leave any more.
    return this.isValid ? await this.#write(this.#tenure.term) : await this.acquire();
  }

  /**
   * Lets the next one have it at once. Where that fails, the TTL does it.
   *
   * @param firedUntil see {@link LeaseRecord}
   */
  async release(firedUntil: number): Promise<void> {
    const { store, key } = this.#options;
    const tenure = this.#tenure;
    this.#tenure = null;
    if (tenure === null) return;
    const record = this.#recordOf(null, tenure.term, firedUntil);
    try {
      this.#see(record, await store.put(key, record, this.#revision));
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      await this.read();
    }
  }

  async #write(term: number): Promise<boolean> {
    const { store, key, clock, replica } = this.#options;
    const sentAt = { monotonic: clock.monotonic(), wall: clock.now() };
    const record = this.#recordOf(replica, term, null);
    try {
      this.#see(record, await store.put(key, record, this.#revision));
      if (this.#tenure?.term === term) this.#tenure.sentAt = sentAt;
      else this.#tenure = { term, sentAt };
      return true;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
    await this.read();
    // A write of ours whose answer was lost, or what a server that died had kept of ours.
    return await this.renew();
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

  /** Once for each that is another: a record is read again and again. */
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
          "there, and the next holder writes it anew",
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
    const isNews = revision !== this.#revision || this.#seenAt === null;
    this.#record = record;
    this.#revision = revision;
    if (isNews) this.#seenAt = this.#options.clock.monotonic();
  }

  /**
   * By whichever clock says more: the monotonic one does not count while the machine sleeps, and
   * the wall clock may be set.
   */
  #age({ sentAt }: Tenure): number {
    const { clock } = this.#options;
    return Math.max(clock.monotonic() - sentAt.monotonic, clock.now() - sentAt.wall);
  }
}
