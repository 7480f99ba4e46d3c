/**
 * All that fires, put together: job table, timer loop, dispatcher, and what JetStream adds where it
 * is used.
 *
 * @module
 */
import type { JsonObject, MessageBus } from "../bus/message_bus.ts";
import { isStreamBus, type KeyValue } from "../bus/stream_bus.ts";
import { schedulesHash } from "../config/schedules_hash.ts";
import type { SchedulerConfig } from "../config/load_config.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { openBucket } from "../durable/bucket.ts";
import type { ClockVerdict } from "../durable/clock_check.ts";
import { CheckpointStore } from "../durable/checkpoint_store.ts";
import { Delivery, type DeliveryMode } from "../durable/delivery.ts";
import type { LeaseState } from "../durable/lease.ts";
import type { Witness } from "../durable/lease_witness.ts";
import { LONE_TTL_MS, Presence } from "../durable/presence.ts";
import { ReplicaGroup } from "../durable/replica_group.ts";
import { shardOf } from "../durable/shards.ts";
import type { Expander } from "../expansion/expansion.ts";
import type { Logger } from "../log/logger.ts";
import { sameTimingText } from "../schedule/timing_text.ts";
import type { Clock } from "../time/clock.ts";
import type { Tracing } from "../trace/tracing.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../wire/subjects.ts";
import { type ComingFiring, comingFirings } from "./coming_firings.ts";
import { Dispatcher, type ManualFiringOptions } from "./dispatcher.ts";
import type { OnFire } from "./firing.ts";
import type { History } from "./history.ts";
import { Job } from "./job.ts";
import { JobTable } from "./job_table.ts";
import { NamesAhead } from "./names_ahead.ts";
import { Ownership } from "./ownership.ts";
import type { Pauses } from "./pauses.ts";
import { TimerLoop } from "./timer_loop.ts";

/** How several processes share the schedules. */
export interface ReplicaOptions {
  /** Ours alone, also after a restart. */
  name: string;
  /** How long a lease holds without a renewal, in milliseconds. */
  leaseTtl: number;
  /** Over how many leases the entries are spread, 1 to 128. */
  shards: number;
}

export interface FiringEngineOptions {
  scheduler: string;
  bus: MessageBus;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  logger: Logger;
  delivery: DeliveryMode;
  replicas: ReplicaOptions | null;
  /** At the end, and when a lease goes to another: how long firings may take, in milliseconds. */
  drainTimeout: number;
  /** Re-reads the configuration. */
  reload(reason: string): Promise<unknown>;
  history: History;
  pauses: Pauses;
  tracing: Tracing | null;
  /** Called for each firing in place of publishing. Default: what the firing dispatches is published. */
  onFire?: OnFire;
}

/** For one answer of the bucket, in milliseconds. */
const STORE_TIMEOUT_MS = 3000;
/** Before JetStream is asked again, in milliseconds. */
const RETRY_MS = 1000;
/** Whether the bucket still has what it was given is looked at this often, in milliseconds. */
const CHECK_PERIOD_MS = 5000;

export class FiringEngine {
  readonly #options: FiringEngineOptions;
  readonly #delivery: Delivery;
  readonly #dispatcher: Dispatcher;
  readonly #table: JobTable;
  readonly #loop: TimerLoop;
  readonly #ownership: Ownership;
  #group: ReplicaGroup | null = null;
  /** Without replicas: tells others of the same name. Null where nobody else can be on the bus. */
  readonly #presence: Presence | null;
  /** The entries' hash, where there are replicas to compare it with. */
  #schedules = "";
  #signal = new AbortController().signal;
  /** The start has filled the table: a reload waits for it. */
  #loaded: Promise<void> = Promise.resolve();
  /** What was found out once there was a server; null where it was there from the start. */
  #late: Promise<void> | null = null;
  /** Why the bucket cannot be opened; null where it can, or is not asked for. */
  #bucketFailure: string | null = null;
  /** A search for the checkpoints that is under way. */
  #remembering: Promise<void> | null = null;

  constructor(options: FiringEngineOptions) {
    this.#options = options;
    const { scheduler, bus, expander, clock, logger, replicas, pauses } = options;
    const isPaused = (name: string) => pauses.has(name);
    const names = new NamesAhead();
    const delivery = new Delivery({ bus, mode: options.delivery, clock, logger });
    const dispatcher = new Dispatcher({
      scheduler,
      bus,
      expander,
      clock,
      logger,
      delivery,
      names,
      history: options.history,
      isPaused,
      tracing: options.tracing,
      onFire: options.onFire,
    });
    const table = new JobTable({
      clock,
      logger,
      hasReplicas: replicas !== null,
      isPaused,
      onMissed: (job, missed, catchUp) => dispatcher.missed(job, missed, catchUp),
    });
    const loop = new TimerLoop({
      clock,
      logger,
      table,
      naming: { names, nameAhead: (job, due) => dispatcher.nameAhead(job, due) },
      onDue: (job, due) => dispatcher.due(job, due),
      onClockSet: (jumpMs) => void this.#clockSet(jumpMs),
    });
    this.#ownership = new Ownership({
      table,
      dispatcher,
      clock,
      logger,
      pauses,
      shards: replicas?.shards ?? null,
      drainTimeout: options.drainTimeout,
      reload: options.reload,
      onChange: () => loop.wake(),
    });
    const alone = crypto.randomUUID();
    this.#presence = replicas !== null || !isStreamBus(bus) ? null : new Presence({
      bus,
      scheduler,
      clock,
      logger,
      ttl: LONE_TTL_MS,
      self: () => ({ alone }),
    });
    this.#delivery = delivery;
    this.#dispatcher = dispatcher;
    this.#table = table;
    this.#loop = loop;
  }

  /** The jobs, in file order. */
  get jobs(): readonly Job[] {
    return this.#table.jobs;
  }

  /** The job of an entry; undefined where the configuration in use has none of that name. */
  job(entryName: string): Job | undefined {
    return this.#table.get(entryName);
  }

  /** When something is due next, or null. */
  get nextFire(): Date | null {
    const { nextDue } = this.#table;
    return nextDue === Infinity ? null : new Date(nextDue);
  }

  /** Whether this process fires the entry. */
  leaseOf(entryName: string): LeaseState {
    const { replicas } = this.#options;
    if (replicas === null) return "held";
    return this.#group?.lease(shardOf(entryName, replicas.shards)).state ?? "not_held";
  }

  /** Asks who holds the entry's lease at this moment; without leases it is us. */
  async whoFires(entryName: string): Promise<Witness> {
    const { replicas } = this.#options;
    if (replicas === null) return { holder: "us" };
    if (this.#group === null) return { holder: "another" }; // not known yet
    return await this.#group.whoHolds(shardOf(entryName, replicas.shards));
  }

  /** Whether it is known who holds each lease; so it is without leases. */
  get knowsLeases(): boolean {
    return this.#group?.knowsAll ?? this.#options.replicas === null;
  }

  /** What comes next, of one entry or of all. */
  comingFirings(
    { entry, ...options }: { entry?: string; count: number; until?: number },
  ): ComingFiring[] {
    const jobs = entry === undefined ? this.jobs : [this.job(entry)].flatMap((job) => job ?? []);
    return comingFirings(jobs, options);
  }

  /** {@link Dispatcher.fireManually} */
  fireManually(entry: ScheduleEntry, options: ManualFiringOptions): Promise<number> {
    return this.#dispatcher.fireManually(this.job(entry.name) ?? new Job(entry), options);
  }

  /** To be called when entries were paused or resumed. */
  pausesChanged(): void {
    this.#dispatcher.pauseChanged();
  }

  /** What a health check is told besides; nothing where nothing is shared. */
  get health(): JsonObject {
    const { replicas } = this.#options;
    if (replicas === null || this.#group === null) return {};
    return {
      replica: replicas.name,
      leases: this.#group.held,
      shards: replicas.shards,
      other_replicas: this.#group.others.map(({ replica }) => replica),
    };
  }

  /** The schedulers of the same name that do not share the entries with this one. */
  get rivals(): readonly string[] {
    return (this.#group ?? this.#presence)?.rivals ?? [];
  }

  /** What the start waits for, in a sentence; null where it waits for nothing. */
  get waitingFor(): string | null {
    if (this.#bucketFailure === null) return null;
    return `The bucket of leases and checkpoints cannot be opened: ${this.#bucketFailure}; it is ` +
      "tried again each second";
  }

  /** {@link Dispatcher.heldBack} */
  get heldBack(): number {
    return this.#dispatcher.heldBack;
  }

  /** What was found out when the clock was set back last; null where it was not. */
  get clockVerdict(): ClockVerdict | null {
    return this.#ownership.store?.clockVerdict ?? null;
  }

  /**
   * Finds out what the server offers and has the jobs ready. Without a server, and without replicas,
   * it does not wait for one.
   *
   * @throws {NoStreamError} with the delivery `jetstream`, when a stream is missing
   * @throws {JetStreamUnavailableError} when JetStream is needed and is not there
   */
  async start({ entries }: SchedulerConfig, signal: AbortSignal): Promise<void> {
    const { bus, replicas, clock } = this.#options;
    this.#signal = signal;
    this.#loaded = this.#load(entries);
    await this.#loaded;
    const looked = this.#delivery.look(subjectsOf(entries));
    if (replicas !== null) {
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      await looked;
      this.#schedules = await schedulesHash(this.#entries, clock);
      await unlessAborted(this.#joinReplicas(replicas, signal), signal);
    } else if (bus.connected) {
      await looked;
      const store = await unlessAborted(this.#findStore(signal), signal);
      await this.#ownership.begin(store ?? null);
    } else {
      await this.#ownership.begin(null, { isSearched: true });
      this.#late = looked.then(() => this.#remember()).then(() => this.#ownership.searched());
      this.#late.catch(() => {});
    }
  }

  /**
   * Fires until `signal` aborts; ends when nothing is under way and every lease is let go.
   *
   * @throws {NoStreamError} as {@link FiringEngine.start}, when the server came later
   * @throws {JetStreamUnavailableError} the same
   */
  async run(signal: AbortSignal): Promise<void> {
    const { drainTimeout } = this.#options;
    const failed = new AbortController();
    this.#late?.catch(() => failed.abort());
    const done = new AbortController();
    const group = this.#group?.run(done.signal);
    const pauses = this.#group === null ? null : this.#followPauses(done.signal);
    void this.#presence?.run(done.signal).catch(() => {});
    void this.#keepMemory(done.signal);
    await this.#loop.run(AbortSignal.any([signal, failed.signal]));
    await this.#group?.leave();
    done.abort();
    await Promise.all([group, pauses]);
    await this.#dispatcher.stop(drainTimeout);
    await this.#ownership.flush();
    this.#ownership.store?.stop();
    if (failed.signal.aborted) await this.#late;
  }

  /**
   * Makes a change of the configuration ready: everything that can refuse it is asked here.
   *
   * @returns puts it in use, in one synchronous step
   * @throws {NoStreamError} with the delivery `jetstream`, when a stream is missing
   */
  async prepare({ entries }: SchedulerConfig): Promise<() => void> {
    const { bus, clock } = this.#options;
    await this.#loaded;
    this.#loop.watchClock();
    if (bus.connected) await this.#delivery.look(subjectsOf(entries));
    const schedules = this.#group === null ? "" : await schedulesHash(entries, clock);
    // A stream that was made meanwhile.
    const isMissing = this.#group === null && this.#ownership.store === null &&
      this.waitingFor === null;
    if (isMissing && bus.connected) await this.#remember();
    await this.#ownership.prepare(entries);
    const draft = await this.#table.prepare(entries, this.#ownership);
    return () => {
      this.#loop.watchClock();
      this.#dispatcher.removed(this.#table.swap(draft, this.#ownership));
      this.#schedules = schedules;
      this.#loop.wake();
      void this.#ownership.complete();
    };
  }

  /** Fills the table with jobs that begin later. */
  async #load(entries: readonly ScheduleEntry[]): Promise<void> {
    this.#table.swap(await this.#table.prepare(entries, this.#ownership), this.#ownership);
  }

  get #entries(): ScheduleEntry[] {
    return this.jobs.map(({ entry }) => entry);
  }

  /** Checkpoints, and jobs, follow a clock that was set back where it was ahead before. */
  async #clockSet(jumpMs: number): Promise<void> {
    if (jumpMs >= 0) return;
    const { clock } = this.#options;
    const lastOf = (name: string) => {
      const job = this.job(name);
      if (job === undefined) return undefined;
      return job.last === -Infinity ? null : Math.min(job.last + job.shift, clock.now());
    };
    const verdict = await this.#ownership.store?.clockSetBack({ by: -jumpMs, lastOf });
    if (!verdict?.wasAhead) return;
    this.#table.leaveFuture();
    this.#loop.wake();
  }

  /** Finds the checkpoints after the jobs have begun. */
  #remember(): Promise<void> {
    this.#remembering ??= this.#findStore(this.#signal)
      .then((store) => store === null ? undefined : this.#ownership.remember(store))
      .finally(() => this.#remembering = null);
    return this.#remembering;
  }

  /** @returns null where no stream takes dispatches: then nothing is remembered */
  async #findStore(signal: AbortSignal): Promise<CheckpointStore | null> {
    if (this.#delivery.streams.length === 0) return null;
    return this.#openStore(await this.#bucket(STORE_TIMEOUT_MS, signal));
  }

  async #joinReplicas(
    { name, leaseTtl, shards }: ReplicaOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { bus, scheduler, clock, logger } = this.#options;
    const bucket = await this.#bucket(Math.min(STORE_TIMEOUT_MS, leaseTtl / 4), signal);
    this.#ownership.useStore(this.#openStore(bucket));
    this.#group = new ReplicaGroup({
      bus,
      store: bucket,
      scheduler,
      replica: name,
      shards,
      ttl: leaseTtl,
      clock,
      logger,
      schedules: () => this.#schedules,
      holder: this.#ownership,
    });
  }

  /** Another replica may be told what we are not: it is kept, and comes here that way. */
  async #followPauses(signal: AbortSignal): Promise<void> {
    const { bus, clock, pauses } = this.#options;
    while (!signal.aborted) {
      await bus.whenConnected(signal);
      await pauses.follow(signal, () => this.pausesChanged()).catch(() => {});
      await clock.sleep(RETRY_MS, signal);
    }
  }

  /** Writes back what the bucket has lost, and learns of pauses though nobody tells of them. */
  async #keepMemory(signal: AbortSignal): Promise<void> {
    const { bus, clock, pauses } = this.#options;
    for (;;) {
      await clock.sleep(CHECK_PERIOD_MS, signal);
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      await Promise.allSettled([this.#ownership.store?.check(), pauses.refresh()]);
      this.pausesChanged();
    }
  }

  #bucket(timeout: number, signal: AbortSignal): Promise<KeyValue> {
    const { bus, clock, logger } = this.#options;
    const { streams } = this.#delivery;
    const onWaiting = (reason: string | null) => this.#bucketFailure = reason;
    return openBucket(bus, { streams, timeout, signal, clock, logger, onWaiting });
  }

  #openStore(store: KeyValue): CheckpointStore {
    const { scheduler, clock, logger, pauses } = this.#options;
    pauses.keepIn(store, scheduler, { clock, signal: this.#signal });
    return new CheckpointStore({
      sameTiming: sameTimingText,
      store,
      scheduler,
      clock,
      logger,
    });
  }
}

/** Rejects as `work` does, but not once `signal` has aborted: then its failure is nobody's. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function subjectsOf(entries: readonly ScheduleEntry[]): string[] {
  const subjects = entries.map(({ dispatchType }) =>
    dispatchType === "goal" ? GOALS_SUBJECT : TASKS_SUBJECT
  );
  return [...new Set(subjects)];
}
