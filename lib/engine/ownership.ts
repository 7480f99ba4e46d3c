/**
 * Which entries this process fires: all, or those whose leases it holds. Lets jobs begin once their
 * checkpoints have been read, and parks them when their lease goes.
 *
 * @module
 */
import { errorText } from "../internal/error_text.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { Checkpoint } from "../durable/checkpoint.ts";
import type { CheckpointStore, Remembering } from "../durable/checkpoint_store.ts";
import type { Lease } from "../durable/lease.ts";
import { Holding, NOBODY, type Owner, type OwnerState, SOLE } from "../durable/owner.ts";
import type { Announcement } from "../durable/presence.ts";
import type { LeaseHolder } from "../durable/replica_group.ts";
import { partitionsOf, shardOf } from "../durable/shards.ts";
import type { Logger } from "../log/logger.ts";
import { isOnWallClock } from "../schedule/entry_cadence.ts";
import type { Known } from "../schedule/occurrences.ts";
import { timingText } from "../schedule/timing_text.ts";
import type { Clock } from "../time/clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Job } from "./job.ts";
import type { JobTable, Placement } from "./job_table.ts";
import type { Pauses } from "./pauses.ts";

export interface OwnershipOptions {
  table: JobTable;
  dispatcher: Dispatcher;
  clock: Clock;
  logger: Logger;
  /** Read before anything is fired. */
  pauses: Pick<Pauses, "refresh">;
  /** Of how many leases; null without leases: then everything is ours. */
  shards: number | null;
  /** How long running firings may take to finish before a lease is handed over, in milliseconds. */
  drainTimeout: number;
  /** Another replica has other schedules: re-reads ours. */
  reload(reason: string): Promise<unknown>;
  /** The table has changed. */
  onChange(): void;
}

/** Before the checkpoints are asked for again, in milliseconds. */
const RETRY_MS = 500;
/** A single scheduler asks for its checkpoints this often before it starts without. */
const MAX_ATTEMPTS = 5;
/** At the end, checkpoints have so long to be written, in milliseconds. */
const FLUSH_TIMEOUT_MS = 3000;
/** Schedules that differ are reported once a reload had time to reach all, then now and then. */
const FIRST_REPORT = 3;
const REPORT_EVERY = 240;
/** The loop may lag behind by this, in milliseconds, when a lease is handed over. */
const LOOP_LAG_MS = 1000;

export class Ownership implements LeaseHolder, Placement {
  readonly #options: OwnershipOptions;
  #store: CheckpointStore | null = null;
  /** Whether the jobs of a single scheduler have begun. */
  #isAlone = false;
  /** Their owner. */
  readonly #sole = { ...SOLE, state: "held" as OwnerState };
  readonly #holdings = new Map<number, Holding>();
  /** Those whose jobs have begun. */
  readonly #ready = new Set<Holding>();
  /** Other schedules that were seen: how often, by their hash. */
  readonly #otherSchedules = new Map<string, number>();
  /** Whether all replicas report the same schedules. */
  #agrees: boolean;
  #hasEnded = false;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#agrees = options.shards === null;
  }

  /** Where the checkpoints are; null where nothing is remembered. */
  get store(): CheckpointStore | null {
    return this.#store;
  }

  /** {@link NOBODY} until the job's checkpoint has been read. */
  ownerOf(entryName: string): Owner {
    if (this.#options.shards === null) return this.#isAlone ? this.#sole : NOBODY;
    const holding = this.#holdings.get(this.#shardOf(entryName));
    return holding !== undefined && this.#ready.has(holding) ? holding : NOBODY;
  }

  recall(entryName: string, owner: Owner): { checkpoint: Checkpoint; known: Known } | null {
    const checkpoint = this.#store?.of(entryName) ?? null;
    if (checkpoint === null) return null;
    const { since, last, isNew } = checkpoint;
    const firedUntil = owner instanceof Holding ? owner.firedUntil : null;
    // Each start of a single scheduler is a start; of replicas, only the first of all.
    const isStart = this.#options.shards === null && !this.#isAlone;
    const startsAt = isStart ? this.#options.clock.now() : isNew ? since : null;
    return { checkpoint, known: { since, last, isNew, startsAt, firedUntil } };
  }

  /** With leases: from here checkpoints are read when a lease is acquired. */
  useStore(store: CheckpointStore): void {
    this.#store = store;
  }

  /**
   * Without leases: all jobs begin, from their checkpoints where there is a store.
   *
   * @param options.isSearched whether there may be a store that is found later: until
   * {@link Ownership.searched} is called, what comes due waits, or what was missed would be older
   */
  async begin(
    store: CheckpointStore | null,
    { isSearched = false }: { isSearched?: boolean } = {},
  ): Promise<void> {
    await this.#openAll(store);
    this.#sole.state = isSearched ? "lapsed" : "held";
    await this.#options.table.adopt(this.#sole, {
      recall: (name, owner) => this.recall(name, owner),
      isMeant: ({ owner }) => owner === NOBODY,
      mayBegin: () => this.#isAlone = true,
    });
    this.#options.onChange();
  }

  /** Without leases: it is known whether there is a store. */
  searched(): void {
    this.#sole.state = "held";
    this.#options.dispatcher.opened();
  }

  /** Without leases: a store was found after the jobs had begun. */
  async remember(store: CheckpointStore): Promise<void> {
    await this.#openAll(store);
    const { table } = this.#options;
    const isKnown = ({ name, checkpoint }: Job) =>
      checkpoint === null && this.#store?.of(name)?.isNew === false;
    await table.adopt(this.#sole, {
      recall: (name, owner) => this.recall(name, owner),
      isMeant: isKnown,
      mayBegin: () => {
        for (const job of table.jobs) {
          if (isKnown(job)) this.#goBack(job, this.#store!.of(job.name)!);
          else this.#attach(job);
        }
        return true;
      },
    });
    this.#options.onChange();
  }

  /** Notes what is new in a configuration, before it is put in use. */
  async prepare(entries: readonly ScheduleEntry[]): Promise<void> {
    // What is gone is marked once all replicas have the same configuration.
    await this.#learn(entries, this.#options.shards === null);
  }

  async #learn(entries: readonly ScheduleEntry[], mayMark = this.#agrees): Promise<void> {
    try {
      await this.#store?.learn(remembering(entries), { mayMark });
    } catch (error) {
      // What is new starts now; it is written with the next change.
      this.#options.logger.warning("memory.write_failed", { error: errorText(error) });
    }
  }

  /**
   * The configuration has been put in use: gives checkpoints to jobs that came with it while their
   * shard's were read.
   */
  async complete(): Promise<void> {
    const { table, shards } = this.#options;
    if (shards !== null) this.#agrees = false; // until the others are heard
    const isIncomplete = (job: Job) =>
      this.#store !== null && job.owner !== NOBODY && job.entry.enabled && job.checkpoint === null;
    if (!table.jobs.some(isIncomplete)) return;
    await this.#learn(this.#entries);
    for (const job of table.jobs) if (isIncomplete(job)) this.#attach(job);
  }

  /** Writes the checkpoints, of all that is ours by default, before the end. */
  async flush(partitions?: readonly number[]): Promise<void> {
    const { clock, logger } = this.#options;
    const done = new AbortController();
    const flushed = (this.#store?.flush(partitions) ?? Promise.resolve())
      .catch((error) => logger.warning("memory.write_failed", { error: errorText(error) }));
    await Promise.race([flushed, clock.sleep(FLUSH_TIMEOUT_MS, done.signal)]);
    done.abort();
  }

  /** Nothing is remembered any more. {@link Ownership.flush} is to be called before. */
  end(): void {
    this.#hasEnded = true;
    this.#store?.stop();
  }

  onAcquired(shard: number, lease: Lease, firedUntil: number | null): void {
    const holding = new Holding(shard, lease, firedUntil);
    this.#holdings.set(shard, holding);
    void this.#open(holding);
  }

  onContinued(_shard: number): void {
    this.#options.dispatcher.opened();
  }

  onLost(shard: number): void {
    const holding = this.#letGo(shard);
    if (holding === undefined) return;
    this.#options.dispatcher.lost(holding);
    this.#options.table.park(holding);
    this.#store?.close(this.#partitionsOf(shard));
    this.#options.onChange();
  }

  async onReleasing(shard: number): Promise<number> {
    const { clock, table, dispatcher, drainTimeout, onChange } = this.#options;
    const partitions = this.#partitionsOf(shard);
    const firedUntil = clock.now() - LOOP_LAG_MS;
    const holding = this.#letGo(shard);
    if (holding === undefined) return firedUntil;
    const forgotten = dispatcher.releasing(holding);
    const untaken = table.park(holding);
    onChange();
    const givenUp = await dispatcher.drain(drainTimeout, ({ owner }) => owner === holding);
    await this.flush(partitions);
    this.#store?.close(partitions);
    return Math.min(firedUntil, Math.min(forgotten, untaken, givenUp) - 1);
  }

  /** The first time it may be that a reload reached the other and not us. */
  onOtherSchedules({ replica, schedules }: Announcement): void {
    this.#agrees = false;
    const times = (this.#otherSchedules.get(schedules) ?? 0) + 1;
    this.#otherSchedules.set(schedules, times);
    if (times === 1) void this.#options.reload("another replica has other schedules");
    if (times % REPORT_EVERY !== FIRST_REPORT) return;
    this.#options.logger.error("scheduler.schedules_differ", {
      other: replica,
      other_schedules: schedules,
      error: `Replica ${replica} has other schedules: what only one of the files has fires only ` +
        "while its replica holds the lease. Give every replica the same file and reload",
    });
  }

  onSameSchedules(): void {
    if (this.#agrees) return;
    this.#agrees = true;
    void this.#learn(this.#entries);
  }

  get #entries(): ScheduleEntry[] {
    return this.#options.table.jobs.map(({ entry }) => entry);
  }

  /** Looks at the table when it is walked, and tells what that held. */
  *#remembering(onWalk: (jobs: readonly Job[]) => void = () => {}): Generator<Remembering> {
    onWalk(this.#options.table.jobs);
    yield* remembering(this.#entries);
  }

  #letGo(shard: number): Holding | undefined {
    const holding = this.#holdings.get(shard);
    this.#holdings.delete(shard);
    if (holding !== undefined) this.#ready.delete(holding);
    return holding;
  }

  /** All documents; where they cannot be read, the scheduler goes on without. */
  async #openAll(store: CheckpointStore | null): Promise<void> {
    const { logger, clock, pauses } = this.#options;
    if (store === null) return;
    for (let attempts = 1;; attempts++) {
      try {
        await pauses.refresh();
        await store.open(partitionsOf(0, 1), this.#remembering(), null);
        this.#store = store;
        if (this.#hasEnded) store.stop(); // meanwhile
        return;
      } catch (error) {
        if (this.#hasEnded) return store.stop();
        const isLast = attempts === MAX_ATTEMPTS;
        const text = isLast ? "; the scheduler starts without it: nothing is caught up with" : "";
        logger[isLast ? "error" : "warning"]("memory.read_failed", {
          error: `${errorText(error)}${text}`,
        });
        if (isLast) return store.stop();
        await clock.sleep(RETRY_MS);
      }
    }
  }

  /** A lease is nothing without its checkpoints: tries for as long as it is ours. */
  async #open(holding: Holding): Promise<void> {
    const { logger, clock, pauses, table, onChange } = this.#options;
    const { shard } = holding;
    const isOurs = () => this.#holdings.get(shard) === holding;
    const isMeant = ({ name, owner }: Job) => owner === NOBODY && this.#shardOf(name) === shard;
    let compared: readonly Job[] = [];
    while (isOurs()) {
      try {
        await pauses.refresh();
        const options = { mayMark: this.#agrees, isWanted: isOurs };
        const partitions = this.#partitionsOf(shard);
        const entries = this.#remembering((jobs) => compared = jobs);
        await this.#store!.open(partitions, entries, holding.term, options);
      } catch (error) {
        logger.warning("memory.read_failed", { shard, error: errorText(error) });
        await clock.sleep(RETRY_MS);
        continue;
      }
      const hasBegun = await table.adopt(holding, {
        recall: (name, owner) => this.recall(name, owner),
        isMeant,
        mayBegin: () => {
          // A reload may have brought entries, or timings, that the store has not been told of.
          const mayBegin = isOurs() && table.jobs === compared;
          if (mayBegin) this.#ready.add(holding);
          return mayBegin;
        },
      });
      if (hasBegun) return onChange();
    }
  }

  /**
   * A job that began before its checkpoint was found goes back to it. What waits is among what is
   * caught up with then, where each occurrence fires.
   */
  #goBack(job: Job, { last }: Checkpoint): void {
    if (job.entry.catchUp !== "all") return;
    const dispatched = job.history?.lastDispatched?.scheduledFor ?? -Infinity;
    const running = job.running?.due.scheduledFor ?? -Infinity;
    this.#options.dispatcher.giveUpWaiting(job);
    job.last = Math.max(last ?? -Infinity, dispatched, running);
  }

  /** Gives a job that runs already its new checkpoint, which takes over where the job stands. */
  #attach(job: Job): void {
    const checkpoint = this.#store?.of(job.name) ?? null;
    if (checkpoint === null || job.checkpoint !== null || !job.entry.enabled) return;
    const { entry, last, next, activity } = job;
    const oldest = Math.min(
      activity?.running?.due.scheduledFor ?? Infinity,
      activity?.waiting?.oldest ?? Infinity,
    );
    const dealtWith = oldest === Infinity ? last : oldest - 1;
    // Before what runs or waits, on the interval's grid.
    const phase = isOnWallClock(entry)
      ? Math.min(checkpoint.since, oldest - 1)
      : last !== -Infinity && oldest === Infinity
      ? last
      : Math.round(Math.min(oldest, next) - (entry.timing.periodMs ?? 0));
    if (Number.isFinite(phase)) {
      checkpoint.anchor(phase, dealtWith === -Infinity ? null : dealtWith);
    }
    checkpoint.begun();
    job.checkpoint = checkpoint;
  }

  #shardOf(name: string): number {
    return shardOf(name, this.#options.shards ?? 1);
  }

  #partitionsOf(shard: number): number[] {
    return partitionsOf(shard, this.#options.shards ?? 1);
  }
}

/** What the checkpoints have to know of the entries that may fire. */
function* remembering(entries: Iterable<ScheduleEntry>): Generator<Remembering> {
  for (const entry of entries) {
    if (entry.enabled) yield { name: entry.name, timing: timingText(entry) };
  }
}
