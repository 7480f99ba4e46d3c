/**
 * The replicas of one scheduler, seen from one of them: which leases it holds, and which it should.
 *
 * @module
 */
import type { MessageBus } from "../bus/message_bus.ts";
import type { KeyValue } from "../bus/stream_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { leaseKey } from "./keys.ts";
import { Lease } from "./lease.ts";
import { type Witness, witness } from "./lease_witness.ts";
import { type Announcement, Presence } from "./presence.ts";
import { assign } from "./shards.ts";

/** What follows from holding a lease. Nothing here may throw. */
export interface LeaseHolder {
  /**
   * The shard is ours to fire.
   *
   * @param lease its own
   * @param firedUntil where its last holder handed it over: up to when that one fired everything,
   * in milliseconds since the epoch
   */
  onAcquired(shard: number, lease: Lease, firedUntil: number | null): void;
  /** It lapsed, and is ours again without that anybody else held it. */
  onContinued(shard: number): void;
  /** It is somebody else's: nothing of it may fire any more. */
  onLost(shard: number): void;
  /**
   * It goes to somebody else.
   *
   * @returns when nothing of it is under way: up to when everything was fired
   */
  onReleasing(shard: number): Promise<number>;
  /** Another replica has other schedules. Called again and again while that is so. */
  onOtherSchedules(other: Announcement): void;
  /** All replicas that are there have the same schedules. Called again and again while that is so. */
  onSameSchedules(): void;
}

export interface ReplicaGroupOptions {
  bus: MessageBus;
  store: KeyValue;
  /** The scheduler's name. */
  scheduler: string;
  /** Ours alone, also after a restart. */
  replica: string;
  shards: number;
  /** How long a lease holds without a renewal, in milliseconds. */
  ttl: number;
  clock: Clock;
  logger: Logger;
  /** A hash of our schedules, as they are now. */
  schedules(): string;
  holder: LeaseHolder;
}

/** Renewals per TTL: two may fail before the third would come too late. */
const RENEWALS = 4;
/** How long a replica that starts listens before it takes leases, in milliseconds. */
const LISTEN = 250;
/** How long a free lease is left to the one that it is meant for, in milliseconds. */
const COURTESY = 500;
/** Before a watch that ended, or an action that failed, is tried again, in milliseconds. */
const RETRY = 250;

export class ReplicaGroup {
  readonly #options: ReplicaGroupOptions;
  readonly #leases: readonly Lease[];
  readonly #presence: Presence;
  /** Since when each lease is free, by monotonic time; null while it is not. */
  readonly #freeSince: (number | null)[];
  /** What is being done about each. */
  readonly #busy: (Promise<void> | null)[];
  readonly #releasing = new Set<number>();
  /** Leases that we do not know of: of replicas that run with more of them. */
  readonly #beyond = new Map<number, Lease>();
  /** It takes leases neither while it listens who else is there nor while it goes. */
  #phase: "listening" | "taking" | "leaving" = "listening";
  #shardsReported = 0;
  readonly #reported = new Set<number>();
  #wake = () => {};
  #complaint = "";

  constructor(options: ReplicaGroupOptions) {
    this.#options = options;
    const { scheduler, replica, shards, ttl, clock, schedules } = options;
    this.#leases = Array.from({ length: shards }, (_, shard) => this.#newLease(shard));
    this.#freeSince = this.#leases.map(() => null);
    this.#busy = this.#leases.map(() => null);
    this.#presence = new Presence({
      bus: options.bus,
      scheduler,
      clock,
      ttl,
      self: () => ({ replica, schedules: schedules(), leases: this.held }),
      onChange: () => this.#wake(),
    });
  }

  /** The shards that we hold, also those whose lease lapsed. */
  get held(): number[] {
    return this.#leases.flatMap(({ state }, shard) => state === "not_held" ? [] : [shard]);
  }

  /** Whether what the bucket says of every lease has been read since the connection was made. */
  get knowsAll(): boolean {
    return this.#leases.every(({ isKnown, state }) => isKnown || state === "held");
  }

  /** The other replicas that are there. */
  get others(): readonly Announcement[] {
    return this.#presence.others;
  }

  lease(shard: number): Lease {
    return this.#leases[shard]!;
  }

  /** Who holds the lease, asked for at this moment. */
  whoHolds(shard: number): Promise<Witness> {
    const { clock } = this.#options;
    return witness(this.#leases[shard]!, { shard, presence: this.#presence, clock });
  }

  /** Holds what is to be held until `signal` aborts; {@link ReplicaGroup.leave} before that. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, ttl } = this.#options;
    const watching = this.#watch(signal);
    await this.#presence.listen(signal);
    this.#presence.announce({ isNew: true });
    await clock.sleep(Math.min(LISTEN, ttl / RENEWALS), signal);
    if (this.#phase === "listening") this.#phase = "taking";
    let announced = -Infinity;
    while (!signal.aborted) {
      const now = clock.monotonic();
      if (now - announced >= ttl / RENEWALS) {
        announced = now;
        this.#presence.announce();
        this.#compareSchedules();
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
    await watching;
  }

  /**
   * Hands every lease over, each as soon as nothing of it is under way. What the bucket does not
   * take is logged: then the TTL hands it over.
   */
  async leave(): Promise<void> {
    this.#phase = "leaving";
    await Promise.all(this.#leases.map(async (_, shard) => {
      await this.#busy[shard];
      await this.#release(shard).catch((error) => this.#complain(error));
    }));
    this.#presence.announce({ isLeaving: true });
  }

  #untilNext(announced: number): number {
    const { clock, ttl } = this.#options;
    const now = clock.monotonic();
    const times = [announced + ttl / RENEWALS];
    this.#leases.forEach((lease, shard) => {
      const freeSince = this.#freeSince[shard] ?? null;
      if (freeSince !== null) times.push(Math.max(freeSince + COURTESY, now + RETRY));
      else if (lease.expiresAt > now) times.push(lease.expiresAt);
    });
    return Math.max(0, Math.min(...times) - now);
  }

  /** Keeps what we know of the leases up to date, on each connection anew. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { bus, store, scheduler, clock } = this.#options;
    while (!signal.aborted) {
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      for (const lease of this.#leases) lease.forget();
      this.#beyond.clear();
      const stop = new AbortController();
      try {
        const key = leaseKey(scheduler, "*");
        const end = store.watch(key, (changed, revised) => {
          this.#leaseOf(changed).see(revised);
          this.#wake();
        }, AbortSignal.any([signal, stop.signal]));
        end.catch(() => {});
        await Promise.all(this.#leases.map((lease) => lease.read()));
        this.#attendAll({ renew: true });
        this.#wake();
        await end;
      } catch (error) {
        this.#complain(error);
      }
      stop.abort();
      await clock.sleep(RETRY, signal);
    }
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
    const { replica } = this.#options;
    for (const { silentHolder } of this.#leases) {
      if (silentHolder !== null) this.#presence.forget(silentHolder);
    }
    const replicas = [replica, ...this.#presence.others.map((other) => other.replica)];
    const wanted = assign(this.#leases.map(({ holder }) => holder), replicas);
    this.#leases.forEach((_, shard) => {
      if (this.#busy[shard] !== null) return;
      const work = this.#attend(shard, wanted[shard] === replica, renew);
      if (work === null) return;
      this.#busy[shard] = work.catch((error) => this.#complain(error)).then(() => {
        this.#busy[shard] = null;
      });
    });
  }

  /** @returns null when there is nothing to do */
  #attend(shard: number, isMeantForUs: boolean, renew: boolean): Promise<void> | null {
    const lease = this.#leases[shard]!;
    const { clock, bus } = this.#options;
    if (lease.state === "lapsed") this.#reportLapse(shard);
    if (!bus.connected) return null;
    if (lease.state !== "not_held") {
      if (!isMeantForUs && lease.state === "held" && !this.#releasing.has(shard)) {
        void this.#release(shard).catch((error) => this.#complain(error));
      }
      return renew || lease.state === "lapsed" ? this.#renew(shard) : null;
    }
    const isFree = lease.isTakeable && this.#phase === "taking" && !this.#releasing.has(shard);
    if (!isFree || this.#areOthersOfOtherCount()) {
      this.#freeSince[shard] = null;
      return null;
    }
    const freeSince = this.#freeSince[shard] ??= clock.monotonic();
    const isLeftOver = clock.monotonic() - freeSince >= COURTESY;
    return isMeantForUs || isLeftOver ? this.#acquire(shard) : null;
  }

  async #acquire(shard: number): Promise<void> {
    const { logger, holder, replica } = this.#options;
    const lease = this.#leases[shard]!;
    const { record: before } = lease;
    if (!await lease.acquire()) return;
    this.#freeSince[shard] = null;
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
      if (!this.#reported.delete(shard)) {
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
      this.#reported.delete(shard);
      logger.info("scheduler.lease_acquired", { ...fields, continued: true });
      holder.onContinued(shard);
    } else {
      logger.debug("scheduler.lease_renewed", fields);
    }
  }

  /** Once for each time that it lapses. */
  #reportLapse(shard: number, term = this.#leases[shard]!.term): void {
    if (this.#reported.has(shard)) return;
    this.#reported.add(shard);
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

  /** Whether a live lease is one of another number of leases: then shards mean something else. */
  #areOthersOfOtherCount(): boolean {
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

  #complain(error: unknown): void {
    const text = errorText(error);
    const level = text === this.#complaint || !this.#options.bus.connected ? "debug" : "warning";
    this.#complaint = text;
    this.#options.logger[level]("scheduler.lease_failed", { error: text });
  }
}
