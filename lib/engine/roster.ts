/**
 * Which entries this process fires: all, or those whose leases it holds. Joins the leases, the
 * memory, the timer loop and the dispatcher.
 *
 * @module
 */
import type { CheckpointStore } from "../durable/checkpoint_store.ts";
import type { Announcement } from "../durable/presence.ts";
import type { LeaseHolder, ReplicaGroup } from "../durable/replica_group.ts";
import { partitionsOf, shardOf } from "../durable/shards.ts";
import { SOLE_TENURE, type Tenure } from "../durable/tenure.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { timingText } from "../schedule/timing_text.ts";
import type { Pauses } from "./pauses.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { Remembered } from "../schedule/timeline.ts";
import type { TimerLoop } from "./timer_loop.ts";

export interface RosterOptions {
  loop: TimerLoop;
  clock: Clock;
  logger: Logger;
  /** Of how many leases; null without leases: then everything is ours. */
  shards: number | null;
  /** How long firings under way may take to finish before a lease is handed over, in ms. */
  drainTimeout: number;
  /** Another replica has other schedules: re-reads ours. */
  reload(reason: string): Promise<unknown>;
  /** Read before anything is fired. Default: nothing is paused. */
  pauses?: Pick<Pauses, "refresh">;
}

/** What is held, and under which conditions it came to us. */
interface Holding {
  firedUntil: number | null;
}

/** Before the memory is asked again, in milliseconds. */
const RETRY = 500;
/** The memory of a single scheduler is asked this often before it starts without. */
const ATTEMPTS = 5;
/** At the end, what is remembered has so long to be written, in milliseconds. */
const FLUSH_TIMEOUT = 3000;
/** Schedules that differ are reported once a reload had time to reach all, then now and then. */
const SETTLED = 3;
const REPORT_EVERY = 240;
/** The loop may lag behind by this, in milliseconds, when it says what it fired. */
const LOOP_LAG = 1000;

export class Roster implements LeaseHolder {
  readonly #options: RosterOptions;
  readonly #held = new Map<number, Holding>();
  readonly #permits = new Map<number, { term: number | null; permit: () => boolean }>();
  #entries: readonly ScheduleEntry[] = [];
  #dispatcher!: Dispatcher;
  #memory: CheckpointStore | null = null;
  #group: ReplicaGroup | null = null;
  /** One change after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  /** Other schedules that were seen: how often, by their hash. */
  readonly #otherSchedules = new Map<string, number>();

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** Joins what is made after the roster. */
  join(
    { dispatcher, memory, group }: {
      dispatcher?: Dispatcher;
      memory?: CheckpointStore;
      group?: ReplicaGroup;
    },
  ): void {
    this.#dispatcher = dispatcher ?? this.#dispatcher;
    this.#memory = memory ?? this.#memory;
    this.#group = group ?? this.#group;
  }

  /** What the dispatcher asks before anything leaves. */
  get tenure(): Tenure {
    const { shards } = this.#options;
    if (shards === null) return SOLE_TENURE;
    const leaseOf = (name: string) => this.#group?.lease(shardOf(name, shards));
    return {
      state: (name) => leaseOf(name)?.state ?? "free",
      term: (name) => leaseOf(name)?.term ?? null,
      permit: (name) => this.#permitOf(shardOf(name, shards)),
    };
  }

  /** Without leases: starts with all entries, from what is remembered of them. */
  start(entries: readonly ScheduleEntry[]): Promise<void> {
    this.#entries = entries;
    return this.#change(async () => {
      const isKnown = await this.#openSole();
      const recall = this.#recall({ isKnown, isStart: true });
      await this.#options.loop.load(entries, recall, { anew: true });
    });
  }

  /** With leases: has the entries ready. */
  prepare(entries: readonly ScheduleEntry[]): void {
    this.#entries = entries;
  }

  /** Replaces the entries. */
  reload(entries: readonly ScheduleEntry[]): Promise<void> {
    return this.#change(async () => {
      this.#entries = entries;
      const isKnown = await this.#learn();
      await this.#options.loop.load(this.#mine(), this.#recall({ isKnown }));
    });
  }

  /** Writes what is remembered, of all that is ours by default, before the end. */
  async flush(partitions?: readonly number[]): Promise<void> {
    const { clock, logger } = this.#options;
    const done = new AbortController();
    const flushed = (this.#memory?.flush(partitions) ?? Promise.resolve())
      .catch((error) => logger.warning("memory.write_failed", { error: messageOf(error) }));
    await Promise.race([flushed, clock.sleep(FLUSH_TIMEOUT, done.signal)]);
    done.abort();
  }

  onAcquired(shard: number, firedUntil: number | null): void {
    const holding = { firedUntil };
    this.#held.set(shard, holding);
    void this.#change(async () => {
      const isOurs = () => this.#held.get(shard) === holding;
      const isKnown = await this.#openShard(shard, isOurs);
      if (!isOurs()) return;
      await this.#options.loop.load(this.#mine(), this.#recall({ isKnown }));
    });
  }

  onContinued(_shard: number): void {
    this.#dispatcher.resume();
  }

  onLost(shard: number): void {
    this.#held.delete(shard);
    this.#dispatcher.abandon((name) => this.#shardOf(name) === shard);
    this.#memory?.close(this.#partitionsOf(shard));
    void this.#change(() => this.#options.loop.load(this.#mine(), this.#recall()));
  }

  async onReleasing(shard: number): Promise<number> {
    const { clock, loop, drainTimeout } = this.#options;
    this.#held.delete(shard);
    const firedUntil = clock.now() - LOOP_LAG;
    await this.#change(() => loop.load(this.#mine(), this.#recall()));
    await this.#dispatcher.drain(drainTimeout, (name) => this.#shardOf(name) === shard);
    const partitions = this.#partitionsOf(shard);
    await this.flush(partitions);
    this.#memory?.close(partitions);
    return firedUntil;
  }

  /** The first time it may be that a reload reached the other and not us. */
  onOtherSchedules({ replica, schedules }: Announcement): void {
    const times = (this.#otherSchedules.get(schedules) ?? 0) + 1;
    this.#otherSchedules.set(schedules, times);
    if (times === 1) void this.#options.reload("another replica has other schedules");
    if (times % REPORT_EVERY !== SETTLED) return;
    this.#options.logger.error("scheduler.schedules_differ", {
      other: replica,
      other_schedules: schedules,
      error: `Replica ${replica} has other schedules: what only one of the files has fires only ` +
        "while its replica holds the lease. Give every replica the same file and reload",
    });
  }

  #mine(): readonly ScheduleEntry[] {
    if (this.#options.shards === null) return this.#entries;
    return this.#entries.filter(({ name }) => this.#held.has(this.#shardOf(name)));
  }

  /** All documents. @returns whether they are open: not where the memory does not answer */
  async #openSole(): Promise<boolean> {
    const { logger, clock } = this.#options;
    if (this.#memory === null) return false;
    for (let attempts = 1;; attempts++) {
      try {
        await this.#options.pauses?.refresh();
        await this.#memory.open(partitionsOf(0, 1), this.#remembering(), null);
        return true;
      } catch (error) {
        const isLast = attempts === ATTEMPTS;
        const text = isLast ? "; the scheduler starts without it: nothing is caught up with" : "";
        logger[isLast ? "error" : "warning"]("memory.read_failed", {
          error: `${messageOf(error)}${text}`,
        });
        if (isLast) return false;
        await clock.sleep(RETRY);
      }
    }
  }

  /** A lease is nothing without its memory: tries for as long as it is ours. */
  async #openShard(shard: number, isOurs: () => boolean): Promise<boolean> {
    const { logger, clock } = this.#options;
    while (isOurs() && this.#memory !== null) {
      try {
        await this.#options.pauses?.refresh();
        const term = this.#group?.lease(shard).term ?? null;
        const partitions = this.#partitionsOf(shard);
        await this.#memory.open(partitions, this.#remembering(), term, this.#marking);
        return true;
      } catch (error) {
        logger.warning("memory.read_failed", { shard, error: messageOf(error) });
        await clock.sleep(RETRY);
      }
    }
    return false;
  }

  async #learn(): Promise<boolean> {
    try {
      await this.#memory?.learn(this.#remembering(), this.#marking);
      return true;
    } catch (error) {
      // What is new starts now; it is written behind.
      this.#options.logger.warning("memory.write_failed", { error: messageOf(error) });
      return false;
    }
  }

  /** Replicas may have different schedules. */
  get #marking() {
    return { mayMark: this.#options.shards === null };
  }

  #remembering() {
    return this.#entries.filter(({ enabled }) => enabled)
      .map((entry) => ({ name: entry.name, timing: timingText(entry) }));
  }

  #recall({ isKnown = false, isStart = false } = {}) {
    const memory = this.#memory;
    if (memory === null) return undefined;
    return ({ name }: ScheduleEntry): Remembered | null => {
      const checkpoint = isKnown ? memory.of(name) : null;
      if (checkpoint === null) return null;
      const { since, last, isNew } = checkpoint;
      checkpoint.begun();
      const { firedUntil = null } = this.#held.get(this.#shardOf(name)) ?? {};
      // Each start of a single scheduler is a start; of replicas, only the first of all.
      const startsAt = isStart ? this.#options.clock.now() : isNew ? since : null;
      return { since, last, startsAt, firedUntil };
    };
  }

  #shardOf(name: string): number {
    return shardOf(name, this.#options.shards ?? 1);
  }

  #partitionsOf(shard: number): number[] {
    return partitionsOf(shard, this.#options.shards ?? 1);
  }

  #permitOf(shard: number): () => boolean {
    const lease = this.#group?.lease(shard);
    const term = lease?.term ?? null;
    const known = this.#permits.get(shard);
    if (known?.term === term) return known.permit;
    const permit = () => lease !== undefined && lease.term === term && lease.isValid;
    this.#permits.set(shard, { term, permit });
    return permit;
  }

  #change(work: () => Promise<void>): Promise<void> {
    const change = this.#changes.then(work);
    this.#changes = change.catch(() => {});
    return change;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
