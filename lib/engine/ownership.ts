/**
 * Decides which entries this process fires: all, or those whose leases it holds. Lets jobs begin
 * when their checkpoints have been read, and parks them when their lease is lost.
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
  /** Read before anything fires. */
  pauses: Pick<Pauses, "refresh">;
  /** The number of leases; null without leases, where this process fires every entry. */
  shards: number | null;
  /** The time that running firings have to end before a lease is handed over, in milliseconds. */
  drainTimeout: number;
  /** Reads the configuration again. Called when another replica has other schedules. */
  reload(reason: string): Promise<unknown>;
  /** Called when the table has changed. */
  onChange(): void;
}

/** The delay before the checkpoints are read again. */
const RETRY_MS = 500;
/** After so many failed reads, a scheduler without replicas starts without its checkpoints. */
const MAX_START_ATTEMPTS = 5;
/** The time that the writing of checkpoints may take at the end. */
const FLUSH_TIMEOUT_MS = 3000;
/** Other schedules are reported at this announcement, when a reload had time to reach all. */
const MIN_ANNOUNCEMENTS = 3;
/** The number of announcements between two reports. */
const REPORT_INTERVAL_ANNOUNCEMENTS = 240;
/** The timer loop may lag behind by this when a lease is handed over. */
const MAX_LOOP_LAG_MS = 1000;

export class Ownership implements LeaseHolder, Placement {
  readonly #options: OwnershipOptions;
  #store: CheckpointStore | null = null;
  /** Whether the jobs of a scheduler without leases have begun. */
  #isAlone = false;
  /** The owner of these jobs. */
  readonly #sole = { ...SOLE, state: "held" as OwnerState };
  readonly #holdings = new Map<number, Holding>();
  /** The holdings whose jobs have begun. */
  readonly #ready = new Set<Holding>();
  /** The number of announcements of other schedules, by their hash. */
  readonly #otherSchedules = new Map<string, number>();
  /** Whether all replicas report the same schedules. */
  #agrees: boolean;
  #hasEnded = false;
  /** Whether the log says that the scheduler runs without its checkpoints. */
  #isUnread = false;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#agrees = options.shards === null;
  }

  /** The store of the checkpoints; null where none are kept. */
  get store(): CheckpointStore | null {
    return this.#store;
  }

  /** Returns {@link NOBODY} until the job's checkpoint has been read. */
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
    // Without replicas every start counts; with replicas, only the first start of all.
    const isStart = this.#options.shards === null && !this.#isAlone;
    const startsAt = isStart ? this.#options.clock.now() : isNew ? since : null;
    return { checkpoint, known: { since, last, isNew, startsAt, firedUntil } };
  }

  /** With leases: sets the store that checkpoints are read from when a lease is acquired. */
  useStore(store: CheckpointStore): void {
    this.#store = store;
  }

  /**
   * Without leases: lets all jobs begin, from their checkpoints where there is a store.
   *
   * @param options.isSearched whether a store may be found later: due occurrences wait until
   * {@link Ownership.searched} is called, so that missed ones can fire before them
   */
  async begin(
    store: CheckpointStore | null,
    { isSearched = false }: { isSearched?: boolean } = {},
  ): Promise<void> {
    await this.#openAll(store, MAX_START_ATTEMPTS);
    this.#sole.state = isSearched ? "lapsed" : "held";
    await this.#options.table.adopt(this.#sole, {
      recall: (name, owner) => this.recall(name, owner),
      isMeant: ({ owner }) => owner === NOBODY,
      mayBegin: () => this.#isAlone = true,
    });
    this.#options.onChange();
  }

  /** Without leases: ends the search for a store; waiting occurrences fire. */
  searched(): void {
    this.#sole.state = "held";
    this.#options.dispatcher.opened();
  }

  /** Without leases: uses a store that was found, or could be read, after the jobs had begun. */
  async remember(store: CheckpointStore): Promise<void> {
    await this.#openAll(store, 1);
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

  /** Records the new entries of a configuration, before it is put in use. */
  async prepare(entries: readonly ScheduleEntry[]): Promise<void> {
    // Removed entries are marked only when all replicas have the same configuration.
    await this.#learn(entries, this.#options.shards === null);
  }

  async #learn(entries: readonly ScheduleEntry[], mayMark = this.#agrees): Promise<void> {
    try {
      await this.#store?.learn(remembering(entries), { mayMark });
    } catch (error) {
      // A new entry starts now, and is written with the next change.
      this.#options.logger.warning("memory.write_failed", { error: errorText(error) });
    }
  }

  /**
   * Called when a configuration is in use: gives checkpoints to jobs that it added while those of
   * their shard were read.
   */
  async complete(): Promise<void> {
    const { table, shards } = this.#options;
    if (shards !== null) this.#agrees = false; // until the other replicas announce theirs
    const isIncomplete = (job: Job) =>
      this.#store !== null && job.owner !== NOBODY && job.entry.enabled && job.checkpoint === null;
    if (!table.jobs.some(isIncomplete)) return;
    await this.#learn(this.#entries);
    for (const job of table.jobs) if (isIncomplete(job)) this.#attach(job);
  }

  /** Writes the checkpoints of `partitions`. Default: of all that this process holds. */
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
    const firedUntil = clock.now() - MAX_LOOP_LAG_MS;
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

  /** Reloads the first time, since a reload may have reached the other replica only. */
  onOtherSchedules({ replica, schedules }: Announcement): void {
    this.#agrees = false;
    const times = (this.#otherSchedules.get(schedules) ?? 0) + 1;
    this.#otherSchedules.set(schedules, times);
    if (times === 1) void this.#options.reload("another replica has other schedules");
    if (times % REPORT_INTERVAL_ANNOUNCEMENTS !== MIN_ANNOUNCEMENTS) return;
    this.#options.logger.error("scheduler.schedules_differ", {
      other: replica,
      other_schedules: schedules,
      error: `Replica ${replica} has other schedules: an entry that only one file has fires only ` +
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

  /** Yields the entries of the table, and first calls `onWalk` with the jobs that it holds. */
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

  /** Opens all checkpoints, or none where they cannot be read. */
  async #openAll(store: CheckpointStore | null, maxAttempts: number): Promise<void> {
    const { logger, clock, pauses } = this.#options;
    if (store === null) return;
    for (let attempts = 1;; attempts++) {
      try {
        await pauses.refresh();
        await store.open(partitionsOf(0, 1), this.#remembering(), null);
        this.#store = store;
        if (this.#hasEnded) store.stop(); // meanwhile
        if (this.#isUnread) logger.info("memory.read");
        this.#isUnread = false;
        return;
      } catch (error) {
        if (this.#hasEnded) return store.stop();
        const isLast = attempts === maxAttempts;
        const text = isLast
          ? "; the scheduler goes on without checkpoints, reads them again every few seconds, and " +
            "then catches up"
          : "";
        logger[this.#isUnread ? "debug" : isLast ? "error" : "warning"]("memory.read_failed", {
          error: `${errorText(error)}${text}`,
        });
        this.#isUnread ||= isLast;
        if (isLast) return store.stop();
        await clock.sleep(RETRY_MS);
      }
    }
  }

  /** Opens the checkpoints of a lease and lets its jobs begin; retries while the lease is held. */
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
          // A reload may have added entries or timings that the store does not know.
          const mayBegin = isOurs() && table.jobs === compared;
          if (mayBegin) this.#ready.add(holding);
          return mayBegin;
        },
      });
      if (hasBegun) return onChange();
    }
  }

  /**
   * Moves a job that began before its checkpoint was found back to it, where every occurrence
   * fires. The waiting ones are dropped, since the catch-up includes them.
   */
  #goBack(job: Job, { last }: Checkpoint): void {
    if (job.entry.catchUp !== "all") return;
    const dispatched = job.history?.lastDispatched?.scheduledFor ?? -Infinity;
    const running = job.running?.due.scheduledFor ?? -Infinity;
    this.#options.dispatcher.giveUpWaiting(job);
    job.last = Math.max(last ?? -Infinity, dispatched, running);
  }

  /** Gives a job that has begun its new checkpoint, which begins at the job's position. */
  #attach(job: Job): void {
    const checkpoint = this.#store?.of(job.name) ?? null;
    if (checkpoint === null || job.checkpoint !== null || !job.entry.enabled) return;
    const { entry, last, next, activity } = job;
    const oldest = Math.min(
      activity?.running?.due.scheduledFor ?? Infinity,
      activity?.waiting?.oldest ?? Infinity,
    );
    const dealtWith = oldest === Infinity ? last : oldest - 1;
    // The phase lies before what runs or waits, on the interval's grid.
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

/** Yields the names and timings of the entries that may fire, for the store. */
function* remembering(entries: Iterable<ScheduleEntry>): Generator<Remembering> {
  for (const entry of entries) {
    if (entry.enabled) yield { name: entry.name, timing: timingText(entry) };
  }
}
