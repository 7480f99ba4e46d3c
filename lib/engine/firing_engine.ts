/**
 * Combines the parts that fire: job table, timer loop and dispatcher, and leases and checkpoints
 * where JetStream is used.
 *
 * @module
 */
import type { JsonObject, MessageBus } from "../bus/message_bus.ts";
import { isStreamBus, type KeyValue } from "../bus/stream_bus.ts";
import { schedulesHash } from "../config/schedules_hash.ts";
import type { SchedulerConfig } from "../config/load_config.ts";
import { type ScheduleEntry, subjectOf } from "../config/schedule_entry.ts";
import { openBucket } from "../durable/bucket.ts";
import type { ClockVerdict } from "../durable/clock_check.ts";
import { CheckpointStore } from "../durable/checkpoint_store.ts";
import { Delivery } from "../durable/delivery.ts";
import type { LeaseState } from "../durable/lease.ts";
import type { Witness } from "../durable/lease_witness.ts";
import { LONE_TTL_MS, Presence } from "../durable/presence.ts";
import { ReplicaGroup } from "../durable/replica_group.ts";
import { shardOf } from "../durable/shards.ts";
import type { Expander } from "../expansion/expansion.ts";
import { errorText } from "../internal/error_text.ts";
import { ABORTED, unlessAborted } from "../internal/unless_aborted.ts";
import type { Logger } from "../log/logger.ts";
import { sameTimingText } from "../schedule/timing_text.ts";
import type { Clock } from "../time/clock.ts";
import { zoneSource } from "../time/zone.ts";
import type { Tracing } from "../trace/tracing.ts";
import type { DeliveryMode, Wire } from "../wire/vocabulary.ts";
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

/** Options of a replica: one of several processes that share the schedules. */
export interface ReplicaOptions {
  /** The unique name of the replica, which it keeps after a restart. */
  name: string;
  /** The time for which a lease is valid without a renewal, in milliseconds. */
  leaseTtl: number;
  /** The number of leases that the entries are spread over, 1 to 128. */
  shards: number;
}

export interface FiringEngineOptions {
  scheduler: string;
  /** Returns the wire in use, which a reload may change. */
  wire(): Wire;
  bus: MessageBus;
  expander: Pick<Expander, "expand">;
  clock: Clock;
  logger: Logger;
  delivery: DeliveryMode;
  replicas: ReplicaOptions | null;
  /** The time that firings have to end, at a stop or a handover of a lease, in milliseconds. */
  drainTimeout: number;
  /** Reads the configuration again. */
  reload(reason: string): Promise<unknown>;
  history: History;
  pauses: Pauses;
  tracing: Tracing | null;
  /** Called for each firing in place of publishing. Default: its dispatches are published. */
  onFire?: OnFire;
}

/** The timeout of one request to the bucket. */
const STORE_TIMEOUT_MS = 3000;
/** The delay before the pauses are followed again. */
const RETRY_MS = 1000;
/** A start, or a reload, waits so long for the server before it goes on without, in milliseconds. */
const MAX_WAIT_MS = 5000;
/** The interval at which the bucket is checked for what it was given. */
const CHECK_PERIOD_MS = 5000;

export class FiringEngine {
  readonly #options: FiringEngineOptions;
  readonly #delivery: Delivery;
  readonly #dispatcher: Dispatcher;
  readonly #table: JobTable;
  readonly #loop: TimerLoop;
  readonly #ownership: Ownership;
  #group: ReplicaGroup | null = null;
  /** Tells others of the same name, without replicas; null where nobody else can be on the bus. */
  readonly #presence: Presence | null;
  /** The hash of the entries, where there are replicas to compare it with. */
  #schedules = "";
  #signal = new AbortController().signal;
  /** Resolves when the start has filled the table, which a reload waits for. */
  #loaded: Promise<void> = Promise.resolve();
  /** Settles when the streams of a server that was away at the start are known; else null. */
  #late: Promise<void> | null = null;
  /** The reason why the bucket cannot be opened; null where it can, or is not needed. */
  #bucketFailure: string | null = null;
  /** The search for the checkpoints that is in progress. */
  #remembering: Promise<void> | null = null;

  constructor(options: FiringEngineOptions) {
    this.#options = options;
    const { scheduler, bus, expander, clock, logger, replicas, pauses } = options;
    const isPaused = (name: string) => pauses.has(name);
    const names = new NamesAhead();
    const delivery = new Delivery({
      bus,
      mode: options.delivery,
      clock,
      logger,
      leaseTtl: replicas?.leaseTtl,
    });
    const dispatcher = new Dispatcher({
      scheduler,
      wire: options.wire,
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

  /** Returns the job of an entry; undefined where the configuration has none of that name. */
  job(entryName: string): Job | undefined {
    return this.#table.get(entryName);
  }

  /** The instant of the next firing, or null. */
  get nextFire(): Date | null {
    const { nextDue } = this.#table;
    return nextDue === Infinity ? null : new Date(nextDue);
  }

  /** Returns the state of the entry's lease; `held` without leases. */
  leaseOf(entryName: string): LeaseState {
    const { replicas } = this.#options;
    if (replicas === null) return "held";
    return this.#group?.lease(shardOf(entryName, replicas.shards)).state ?? "not_held";
  }

  /** Asks which replica holds the entry's lease now; without leases it is this process. */
  async whoFires(entryName: string): Promise<Witness> {
    const { replicas } = this.#options;
    if (replicas === null) return { holder: "us" };
    if (this.#group === null) return { holder: "another" }; // not known yet
    return await this.#group.whoHolds(shardOf(entryName, replicas.shards));
  }

  /** Whether the holder of each lease is known; true without leases. */
  get knowsLeases(): boolean {
    return this.#group?.knowsAll ?? this.#options.replicas === null;
  }

  /** Returns the next firings of one entry, or of all. */
  comingFirings(
    { entry, ...options }: { entry?: string; count: number; until?: number },
  ): ComingFiring[] {
    const jobs = entry === undefined ? this.jobs : [this.job(entry)].flatMap((job) => job ?? []);
    return comingFirings(jobs, options);
  }

  /** See {@link Dispatcher.fireManually}. */
  fireManually(entry: ScheduleEntry, options: ManualFiringOptions): Promise<number> {
    return this.#dispatcher.fireManually(this.job(entry.name) ?? new Job(entry), options);
  }

  /** Applies a change of the pauses. */
  pausesChanged(): void {
    this.#dispatcher.pauseChanged();
  }

  /** The fields that replicas add to a health check; none without replicas. */
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

  /** The delivery mode, and the route of the dispatches to each subject. */
  get delivery(): Pick<Delivery, "mode" | "routes"> {
    return this.#delivery;
  }

  /** The verdict on the last time that the clock was set back; null where it never was. */
  get clockVerdict(): ClockVerdict | null {
    return this.#ownership.store?.clockVerdict ?? null;
  }

  /** Resolves when no firing is under way. */
  idle(): Promise<void> {
    return this.#dispatcher.idle();
  }

  /**
   * Finds out what the server offers and has the jobs ready. Without a server that answers, and
   * without replicas, it does not wait for one.
   *
   * @throws {NoStreamError} with the delivery `jetstream`, when a stream is missing
   * @throws {JetStreamUnavailableError} when JetStream is needed and not available
   */
  async start({ entries }: SchedulerConfig, signal: AbortSignal): Promise<void> {
    const { bus, replicas, clock } = this.#options;
    this.#signal = signal;
    this.#loaded = this.#load(entries);
    await this.#loaded;
    const looked = this.#delivery.look(subjectsOf(entries), signal);
    if (replicas !== null) {
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      using limit = this.#waitLimit();
      if (await unlessAborted(looked, limit.signal) === ABORTED) this.#late = looked;
      this.#schedules = await schedulesHash(
        { entries: this.#entries, wire: this.#options.wire() },
        clock,
      );
      await unlessAborted(this.#joinReplicas(replicas, signal), signal);
      this.#late?.catch(() => {});
      return;
    }
    const found = looked.then(() => this.#findStore());
    using limit = this.#waitLimit();
    const store = bus.connected ? await unlessAborted(found, limit.signal) : ABORTED;
    if (store !== ABORTED) return await this.#ownership.begin(store);
    await this.#ownership.begin(null, { isSearched: true });
    this.#late = this.#remember(found).then(() => this.#ownership.searched());
    this.#late.catch(() => {});
  }

  /**
   * Fires until `signal` aborts; ends when nothing is under way and every lease is let go, or when
   * `over` aborts.
   *
   * @throws {NoStreamError} as {@link FiringEngine.start} does, where the server was away then
   * @throws {JetStreamUnavailableError} under the same condition
   */
  async run(signal: AbortSignal, over: AbortSignal = new AbortController().signal): Promise<void> {
    const failed = new AbortController();
    this.#late?.catch(() => signal.aborted || failed.abort());
    const done = new AbortController();
    const group = this.#group?.run(done.signal);
    const pauses = this.#group === null ? null : this.#followPauses(done.signal);
    void this.#presence?.run(done.signal).catch(() => {});
    void this.#keepMemory(done.signal);
    const running = AbortSignal.any([signal, failed.signal]);
    void this.#delivery.follow(running, () => this.#streamFound());
    await this.#loop.run(running);
    const ended = this.#end(done, [group, pauses]);
    if (await unlessAborted(ended, over) === ABORTED) {
      done.abort();
      await this.#dispatcher.stop(0);
    }
    this.#ownership.end();
    if (failed.signal.aborted) await this.#late;
  }

  /** Hands over and stores what is to be kept. */
  async #end(done: AbortController, followers: unknown[]): Promise<void> {
    const { drainTimeout, clock } = this.#options;
    const until = clock.monotonic() + drainTimeout;
    await this.#group?.leave();
    done.abort();
    await Promise.all(followers);
    await this.#dispatcher.stop(Math.max(0, until - clock.monotonic()));
    await this.#ownership.flush();
  }

  /**
   * Makes a change of the configuration ready: everything that can refuse it is asked here. Where
   * the server does not answer, what was known of it stands.
   *
   * @returns a function that puts it in use, in one synchronous step
   * @throws {NoStreamError} with the delivery `jetstream`, when a stream is missing
   * @throws {Error} when the engine is told to end meanwhile
   */
  async prepare({ entries, wire }: SchedulerConfig): Promise<() => void> {
    const { bus, clock } = this.#options;
    await this.#loaded;
    this.#loop.watchClock();
    using limit = this.#waitLimit();
    const subjects = subjectsOf(entries);
    const looked = this.#delivery.look(subjects, this.#signal);
    if (bus.connected) await this.#unlessRefused(unlessAborted(looked, limit.signal));
    else looked.catch(() => {}); // each dispatch reports it
    const schedules = this.#group === null ? "" : await schedulesHash({ entries, wire }, clock);
    // The stream may have been created since the start.
    if (bus.connected && this.waitingFor === null) {
      await unlessAborted(this.#remember(), limit.signal);
    }
    await unlessAborted(this.#ownership.prepare(entries), limit.signal);
    const draft = await this.#table.prepare(entries, this.#ownership);
    if (this.#signal.aborted) throw new Error("The scheduler is stopping: it does not reload");
    return () => {
      this.#loop.watchClock();
      this.#dispatcher.removed(this.#table.swap(draft, this.#ownership));
      this.#delivery.keep(subjects);
      this.#schedules = schedules;
      this.#loop.wake();
      void this.#ownership.complete();
    };
  }

  /** Forgets the subjects of a configuration that is refused. */
  async #unlessRefused(looked: Promise<unknown>): Promise<void> {
    try {
      await looked;
    } catch (error) {
      this.#delivery.keep(subjectsOf(this.#entries));
      throw error;
    }
  }

  /** Aborts when the server has had its time, or when the engine is told to end. */
  #waitLimit(): Disposable & { readonly signal: AbortSignal } {
    const limit = new AbortController();
    const done = new AbortController();
    const end = AbortSignal.any([done.signal, this.#signal]);
    void this.#options.clock.sleep(MAX_WAIT_MS, end).then(() => limit.abort());
    return { signal: limit.signal, [Symbol.dispose]: () => done.abort() };
  }

  /** Fills the table with jobs that begin later. */
  async #load(entries: readonly ScheduleEntry[]): Promise<void> {
    this.#table.swap(await this.#table.prepare(entries, this.#ownership), this.#ownership);
  }

  get #entries(): ScheduleEntry[] {
    return this.jobs.map(({ entry }) => entry);
  }

  /** Moves checkpoints and jobs back with a clock that had been ahead. */
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

  /** Without replicas: finds the checkpoints after the jobs have begun, where there are none yet. */
  #remember(found?: Promise<CheckpointStore | null>): Promise<void> {
    if (this.#group !== null || this.#ownership.store !== null) return Promise.resolve();
    this.#remembering ??= (found ?? this.#findStore())
      .then((store) => store === null ? undefined : this.#ownership.remember(store))
      .finally(() => this.#remembering = null);
    return this.#remembering;
  }

  /** @returns null where no stream takes dispatches: then nothing is remembered */
  async #findStore(): Promise<CheckpointStore | null> {
    if (!this.#delivery.usesStreams || this.#signal.aborted) return null;
    return this.#openStore(await this.#bucket(STORE_TIMEOUT_MS, this.#signal));
  }

  /** A stream captures now what none did: from here it is remembered what fired. */
  #streamFound(): void {
    this.#remember().catch((error) => {
      this.#options.logger.warning("memory.read_failed", { error: errorText(error) });
    });
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
      zones: () => zoneSource().version,
      holder: this.#ownership,
    });
  }

  /** Takes over, from the bucket, the pauses that were requested from other replicas. */
  async #followPauses(signal: AbortSignal): Promise<void> {
    const { bus, clock, pauses } = this.#options;
    while (!signal.aborted) {
      await bus.whenConnected(signal);
      await pauses.follow(signal, () => this.pausesChanged()).catch(() => {});
      await clock.sleep(RETRY_MS, signal);
    }
  }

  /**
   * Writes back what the bucket has lost, reads what could not be read at the start, and learns of
   * pauses though nobody tells of them.
   */
  async #keepMemory(signal: AbortSignal): Promise<void> {
    const { bus, clock, pauses } = this.#options;
    for (;;) {
      await clock.sleep(CHECK_PERIOD_MS, signal);
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      const { store } = this.#ownership;
      await Promise.allSettled([this.#remember(), store?.check(), pauses.refresh()]);
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

function subjectsOf(entries: readonly ScheduleEntry[]): string[] {
  return [...new Set(entries.map(subjectOf))];
}
