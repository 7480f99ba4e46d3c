/**
 * The replicas of one scheduler, seen from one of them: it takes and gives up leases so that they
 * are spread evenly.
 *
 * @module
 */
import { backoff } from "../bus/backoff.ts";
import type { MessageBus } from "../bus/message_bus.ts";
import type { KeyValue } from "../bus/stream_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { eachOf } from "../internal/each_of.ts";
import { leaseKey } from "./keys.ts";
import { Lease } from "./lease.ts";
import { type Witness, witness } from "./lease_witness.ts";
import { type Announcement, Presence } from "./presence.ts";
import { assign } from "./shards.ts";

/** Is notified of the leases that this replica holds. No method may throw. */
export interface LeaseHolder {
  /**
   * This replica holds the shard's lease now.
   *
   * @param firedUntil where its last holder handed it over: the instant up to which that one fired
   * everything, in milliseconds since the epoch
   */
  onAcquired(shard: number, lease: Lease, firedUntil: number | null): void;
  /** The lease lapsed, and was taken again before any other replica took it. */
  onContinued(shard: number): void;
  /** Another replica holds the lease: nothing of the shard may fire any more. */
  onLost(shard: number): void;
  /**
   * The lease is to be given to another replica.
   *
   * @returns the instant up to which everything was fired, once nothing of the shard is in flight
   */
  onReleasing(shard: number): Promise<number>;
  /** Another replica has other schedules. Called again and again while that is so. */
  onOtherSchedules(other: Announcement): void;
  /**
   * All replicas that are present have the same schedules. Called again and again while that is so.
   */
  onSameSchedules(): void;
}

export interface ReplicaGroupOptions {
  bus: MessageBus;
  store: KeyValue;
  /** The scheduler's name. */
  scheduler: string;
  /** The name of this replica, which no other process has had or will have. */
  replica: string;
  shards: number;
  /** The time that a lease holds without a renewal, in milliseconds. */
  ttl: number;
  clock: Clock;
  logger: Logger;
  /** Returns the hash of this replica's schedules, as they are now. */
  schedules(): string;
  /** Returns the version of this replica's time zone data, as it is now; null where it is not known. */
  zones(): string | null;
  holder: LeaseHolder;
}

/** Two renewals may fail before the third would come too late. */
const RENEWALS_PER_TTL = 4;
/** A replica that starts listens to the others before it takes leases. */
const LISTEN_MS = 250;
/** A lease that nobody holds is left, at first, to the replica that is to have it. */
const COURTESY_MS = 500;
/** The wait before an action that failed is tried again; it doubles up to a renewal's. */
const RETRY_MS = 250;
/** The records are read this often, in case no watch tells of their changes. */
const READS_PER_TTL = 10;

export class ReplicaGroup {
  readonly #options: ReplicaGroupOptions;
  readonly #leases: readonly Lease[];
  readonly #presence: Presence;
  /** The monotonic time since which each lease can be taken; null while it cannot. */
  readonly #takeableSince: (number | null)[];
  /** The action that runs for each lease, if one does. */
  readonly #busy: (Promise<void> | null)[];
  /** The actions for each lease that failed since the last that did not. */
  readonly #failures: number[];
  /** The monotonic time at which an action for each lease may be tried again. */
  readonly #retryAt: number[];
  readonly #releasing = new Set<number>();
  /** Leases with higher numbers than ours, of replicas that run with more of them. */
  readonly #beyond = new Map<number, Lease>();
  /** It takes no leases while it listens for other replicas, nor while it leaves. */
  #phase: "listening" | "taking" | "leaving" = "listening";
  #shardsReported = 0;
  /** The shards whose lapse was logged. */
  readonly #lapsesReported = new Set<number>();
  readonly #zonesReported = new Set<string>();
  #wake = () => {};
  #lastFailure = "";
  /** That on which the records were seen. */
  #connection: unknown = null;
  /** True while a watch tells of their changes, as far as is known. */
  #isTold = false;

  constructor(options: ReplicaGroupOptions) {
    this.#options = options;
    const { scheduler, replica, shards, ttl, clock, schedules } = options;
    this.#leases = Array.from({ length: shards }, (_, shard) => this.#newLease(shard));
    this.#takeableSince = this.#leases.map(() => null);
    this.#busy = this.#leases.map(() => null);
    this.#failures = this.#leases.map(() => 0);
    this.#retryAt = this.#leases.map(() => -Infinity);
    this.#presence = new Presence({
      bus: options.bus,
      scheduler,
      clock,
      logger: options.logger,
      ttl,
      self: () => {
        const zones = options.zones();
        return {
          replica,
          schedules: schedules(),
          ...(zones !== null && { zones }),
          leases: this.held,
          term: Math.max(...this.#leases.map(({ maxTerm }) => maxTerm)),
        };
      },
      onChange: ({ term = 0 }) => {
        for (const lease of this.#leases) lease.noteTerm(term);
        this.#wake();
      },
    });
  }

  /** The shards that this replica holds and fires; those whose lease lapsed are none of them. */
  get held(): number[] {
    return this.#leases.flatMap(({ state }, shard) => state === "held" ? [shard] : []);
  }

  /** True while it is known of every lease who holds it. */
  get knowsAll(): boolean {
    return this.#leases.every(({ isKnown, state }) => isKnown || state === "held");
  }

  /** The other replicas that are present. */
  get others(): readonly Announcement[] {
    return this.#presence.others;
  }

  /** The schedulers of the same name that do not share the leases. */
  get rivals(): readonly string[] {
    return this.#presence.rivals;
  }

  lease(shard: number): Lease {
    return this.#leases[shard]!;
  }

  /** Finds out who holds the lease at this moment. */
  whoHolds(shard: number): Promise<Witness> {
    const { clock } = this.#options;
    return witness(this.#leases[shard]!, { shard, presence: this.#presence, clock });
  }

  /**
   * Takes, renews and hands over leases until `signal` aborts. {@link ReplicaGroup.leave} is to be
   * called before that.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, ttl } = this.#options;
    const following = Promise.all([this.#watch(signal), this.#readAgain(signal)]);
    await this.#presence.listen(signal);
    this.#presence.announce({ isNew: true });
    await clock.sleep(Math.min(LISTEN_MS, ttl / RENEWALS_PER_TTL), signal);
    if (this.#phase === "listening") this.#phase = "taking";
    let announced = -Infinity;
    while (!signal.aborted) {
      const now = clock.monotonic();
      if (now - announced >= ttl / RENEWALS_PER_TTL) {
        announced = now;
        this.#presence.announce();
        this.#compareSchedules();
        this.#compareZones();
        this.#attendAll({ renew: true });
      } else {
        this.#attendAll({ renew: false });
      }
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      signal.addEventListener("abort", this.#wake, { once: true });
      await clock.sleep(this.#untilNext(announced), wake.signal);
      signal.removeEventListener("abort", this.#wake);
    }
    await following;
  }

  /**
   * Hands every lease over, each as soon as nothing of its shard is in flight. A failure is logged;
   * that lease expires after its TTL.
   */
  async leave(): Promise<void> {
    this.#phase = "leaving";
    await Promise.all(this.#leases.map(async (_, shard) => {
      await this.#busy[shard];
      await this.#release(shard).catch((error) => this.#reportFailure(error));
    }));
    this.#presence.announce({ isLeaving: true });
  }

  #untilNext(announced: number): number {
    const { clock, ttl } = this.#options;
    const now = clock.monotonic();
    const times = [announced + ttl / RENEWALS_PER_TTL];
    this.#leases.forEach((lease, shard) => {
      const takeableSince = this.#takeableSince[shard] ?? null;
      if (takeableSince !== null) times.push(Math.max(takeableSince + COURTESY_MS, now + RETRY_MS));
      else if (lease.expiresAt > now) times.push(lease.expiresAt);
    });
    return Math.max(0, Math.min(...times) - now);
  }

  /** Is told of the records of the leases when they change, by a watch that is begun again. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { bus, store, scheduler, clock } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      this.#noticeConnection();
      try {
        await store.watch(leaseKey(scheduler, "*"), (changed, revised) => {
          failures = 0;
          this.#isTold = true;
          this.#leaseOf(changed).see(revised);
          this.#wake();
        }, signal);
      } catch (error) {
        this.#reportFailure(error);
      }
      this.#isTold = false;
      await clock.sleep(backoff(failures++), signal);
    }
  }

  /** Reads the records of the leases again and again: a watch may fail, or leave something out. */
  async #readAgain(signal: AbortSignal): Promise<void> {
    const { bus, clock, ttl } = this.#options;
    while (!signal.aborted) {
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      this.#noticeConnection();
      const isRead = await this.#readAll();
      const times = isRead && !this.#isTold ? READS_PER_TTL : RENEWALS_PER_TTL;
      await clock.sleep(ttl / times, signal);
    }
  }

  /** Reads the records, but for those that the next renewal shows. Returns whether all could be. */
  async #readAll(): Promise<boolean> {
    const unsure = this.#leases.filter(({ state, isKnown }) => state === "not_held" || !isKnown);
    const read = await eachOf(unsure, async (lease) => {
      try {
        await lease.read();
        return true;
      } catch (error) {
        this.#reportFailure(error);
        return false;
      }
    });
    this.#wake();
    return read.every(Boolean);
  }

  /** A server may have lost, in a crash, the last records that were seen. */
  #noticeConnection(): void {
    const { connection } = this.#options.store;
    if (connection === null || connection === this.#connection) return;
    this.#connection = connection;
    for (const lease of this.#leases) lease.forget();
    this.#beyond.clear();
    void this.#readAll().then(() => this.#attendAll({ renew: true }));
  }

  #newLease(shard: number): Lease {
    const { scheduler } = this.#options;
    return new Lease({ ...this.#options, key: leaseKey(scheduler, shard) });
  }

  #leaseOf(key: string): Lease {
    const shard = Number(key.slice(key.lastIndexOf(".") + 1));
    const known = this.#leases[shard] ?? this.#beyond.get(shard);
    if (known !== undefined) return known;
    const lease = this.#newLease(shard);
    this.#beyond.set(shard, lease);
    return lease;
  }

  #attendAll({ renew }: { renew: boolean }): void {
    const { replica, clock, ttl } = this.#options;
    this.#noticeConnection();
    for (const { silentHolder } of this.#leases) {
      if (silentHolder !== null) this.#presence.forget(silentHolder);
    }
    const replicas = [replica, ...this.#presence.others.map((other) => other.replica)];
    const wanted = assign(this.#leases.map(({ holder }) => holder), replicas);
    this.#leases.forEach((_, shard) => {
      if (this.#busy[shard] !== null) return;
      const work = this.#attend(shard, wanted[shard] === replica, renew);
      if (work === null) return;
      this.#busy[shard] = work.then(
        () => this.#failures[shard] = 0,
        (error) => {
          const wait = Math.min(RETRY_MS * 2 ** this.#failures[shard]!++, ttl / RENEWALS_PER_TTL);
          this.#retryAt[shard] = clock.monotonic() + wait;
          this.#reportFailure(error);
        },
      ).then(() => {
        this.#busy[shard] = null;
      });
    });
  }

  /** @returns null where there is nothing to do */
  #attend(shard: number, isMeantForUs: boolean, renew: boolean): Promise<void> | null {
    const lease = this.#leases[shard]!;
    const { clock, bus } = this.#options;
    if (lease.state === "lapsed") this.#reportLapse(shard);
    if (!bus.connected || (!renew && clock.monotonic() < this.#retryAt[shard]!)) return null;
    if (lease.state !== "not_held") {
      if (!isMeantForUs && lease.state === "held" && !this.#releasing.has(shard)) {
        void this.#release(shard).catch((error) => this.#reportFailure(error));
      }
      return renew || lease.state === "lapsed" ? this.#renew(shard) : null;
    }
    const mayTake = lease.isTakeable && this.#phase === "taking" &&
      !this.#releasing.has(shard) && !this.#isClaimed(shard);
    if (!mayTake || this.#othersHaveOtherShards()) {
      this.#takeableSince[shard] = null;
      return null;
    }
    const takeableSince = this.#takeableSince[shard] ??= clock.monotonic();
    const isLeftOver = clock.monotonic() - takeableSince >= COURTESY_MS;
    return isMeantForUs || isLeftOver ? this.#acquire(shard) : null;
  }

  /** Reports whether there is no record of the lease and a replica that is present says it holds it. */
  #isClaimed(shard: number): boolean {
    return this.#leases[shard]!.record === null &&
      this.others.some(({ leases }) => leases.includes(shard));
  }

  async #acquire(shard: number): Promise<void> {
    const { logger, holder, replica } = this.#options;
    const lease = this.#leases[shard]!;
    const { record: before } = lease;
    if (!await lease.acquire()) return;
    this.#takeableSince[shard] = null;
    logger.info("scheduler.lease_acquired", { shard, replica, term: lease.term });
    holder.onAcquired(shard, lease, before?.holder === null ? before.firedUntil : null);
    this.#presence.announce();
  }

  async #renew(shard: number): Promise<void> {
    const { logger, holder, replica } = this.#options;
    const lease = this.#leases[shard]!;
    const { term, state } = lease;
    const isOurs = await lease.renew();
    const fields = { shard, replica, term: lease.term };
    if (!isOurs) {
      if (!this.#lapsesReported.delete(shard)) {
        logger.warning("scheduler.lease_lost", {
          ...fields,
          term,
          reason: "taken",
          holder: lease.record?.holder ?? null,
        });
      }
      holder.onLost(shard);
    } else if (lease.term !== term || state === "lapsed") {
      this.#reportLapse(shard, term);
      this.#lapsesReported.delete(shard);
      logger.info("scheduler.lease_acquired", { ...fields, continued: true });
      holder.onContinued(shard);
    } else {
      logger.debug("scheduler.lease_renewed", fields);
    }
  }

  /** Logs a lapse once. */
  #reportLapse(shard: number, term = this.#leases[shard]!.term): void {
    if (this.#lapsesReported.has(shard)) return;
    this.#lapsesReported.add(shard);
    const { logger, replica } = this.#options;
    logger.warning("scheduler.lease_lost", { shard, replica, term, reason: "not renewed in time" });
  }

  async #release(shard: number): Promise<void> {
    const { logger, holder, replica } = this.#options;
    const lease = this.#leases[shard]!;
    const { term } = lease;
    if (term === null || this.#releasing.has(shard)) return;
    this.#releasing.add(shard);
    try {
      const firedUntil = await holder.onReleasing(shard);
      await this.#busy[shard];
      if (lease.state === "not_held") return; // lost meanwhile
      await lease.release(firedUntil);
      logger.info("scheduler.lease_released", { shard, replica, term });
    } finally {
      this.#releasing.delete(shard);
    }
    this.#presence.announce();
  }

  /**
   * Reports whether a replica runs with another number of leases, so that its shards are others.
   */
  #othersHaveOtherShards(): boolean {
    const { shards, logger, replica } = this.#options;
    for (const { record, holder } of [...this.#leases, ...this.#beyond.values()]) {
      if (holder === null || record === null || record.shards === shards) continue;
      if (this.#shardsReported !== record.shards) {
        this.#shardsReported = record.shards;
        logger.error("scheduler.shards_differ", {
          replica,
          shards,
          other: holder,
          other_shards: record.shards,
          error: `Cannot share the schedules: ${holder} runs with --shards ${record.shards}, ` +
            `this one with --shards ${shards}; it takes no lease until the other has ended`,
        });
      }
      return true;
    }
    this.#shardsReported = 0;
    return false;
  }

  #compareSchedules(): void {
    const { holder, schedules } = this.#options;
    const different = this.others.filter((other) => other.schedules !== schedules());
    for (const other of different) holder.onOtherSchedules(other);
    if (different.length === 0) holder.onSameSchedules();
  }

  /** Warns once of each replica, and each pair of versions. */
  #compareZones(): void {
    const { zones, replica, logger } = this.#options;
    const own = zones();
    for (const other of this.others) {
      if (own === null || other.zones === undefined || other.zones === own) continue;
      const pair = `${other.replica} ${other.zones} ${own}`;
      if (this.#zonesReported.has(pair)) continue;
      this.#zonesReported.add(pair);
      logger.warning("scheduler.zone_data_differs", {
        replica,
        zone_data_version: own,
        other: other.replica,
        other_version: other.zones,
        hint: "entries may fire at other times when their lease goes to the other: renew the older",
      });
    }
  }

  #reportFailure(error: unknown): void {
    const text = errorText(error);
    const level = text === this.#lastFailure || !this.#options.bus.connected ? "debug" : "warning";
    this.#lastFailure = text;
    this.#options.logger[level]("scheduler.lease_failed", { error: text });
  }
}
