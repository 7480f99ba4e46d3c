/**
 * All that fires, put together: timer loop, dispatcher, and what JetStream adds where it is used.
 *
 * @module
 */
import type { JsonObject, MessageBus } from "../bus/message_bus.ts";
import {
  isStreamBus,
  type JetStream,
  JetStreamUnavailableError,
  type KeyValue,
} from "../bus/stream_bus.ts";
import { Delivery, type DeliveryMode } from "../durable/delivery.ts";
import { CheckpointStore } from "../durable/checkpoint_store.ts";
import { BUCKET } from "../durable/keys.ts";
import type { Witness } from "../durable/lease_witness.ts";
import { ReplicaGroup } from "../durable/replica_group.ts";
import { shardOf } from "../durable/shards.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { Tracing } from "../trace/tracing.ts";
import type { LeaseState } from "../durable/lease.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../wire/subjects.ts";
import { Dispatcher, type FireByHandOptions } from "./dispatcher.ts";
import type { Expander } from "../expansion/expansion.ts";
import type { SchedulerConfig } from "../config/load_config.ts";
import { Roster } from "./roster.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { sameTimingText } from "../schedule/timing_text.ts";
import { schedulesHash } from "../config/schedules_hash.ts";
import type { ComingFiring } from "./coming_firings.ts";
import type { Ledger } from "./ledger.ts";
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
  ledger: Ledger;
  pauses: Pauses;
  tracing: Tracing | null;
}

/** For one answer of the bucket, in milliseconds. */
const STORE_TIMEOUT = 3000;
/** Before JetStream is asked again, in milliseconds. */
const RETRY = 1000;

export class FiringEngine {
  readonly #options: FiringEngineOptions;
  readonly #loop: TimerLoop;
  readonly #delivery: Delivery;
  readonly #roster: Roster;
  readonly #dispatcher: Dispatcher;
  #memory: CheckpointStore | null = null;
  #group: ReplicaGroup | null = null;
  #entries: readonly ScheduleEntry[] = [];
  /** Their hash, where there are replicas to compare it with. */
  #schedules = "";
  #signal = new AbortController().signal;
  /** What was found out once there was a server; null where it was there from the start. */
  #late: Promise<void> | null = null;

  constructor(options: FiringEngineOptions) {
    this.#options = options;
    const { scheduler, bus, expander, clock, logger, replicas, drainTimeout } = options;
    this.#loop = new TimerLoop({
      clock,
      logger,
      hasReplicas: replicas !== null,
      identify: (entry, scheduledFor) => this.#dispatcher.identify(entry, scheduledFor),
      onDue: (due) => this.#dispatcher.fire(due),
    });
    this.#delivery = new Delivery({ bus, mode: options.delivery, clock, logger });
    this.#roster = new Roster({
      loop: this.#loop,
      clock,
      logger,
      shards: replicas?.shards ?? null,
      drainTimeout,
      reload: options.reload,
      pauses: options.pauses,
    });
    this.#dispatcher = new Dispatcher({
      scheduler,
      bus,
      expander,
      clock,
      logger,
      delivery: this.#delivery,
      tenure: this.#roster.tenure,
      memory: () => this.#memory,
      ledger: options.ledger,
      isPaused: (name) => options.pauses.has(name),
      tracing: options.tracing,
    });
    this.#roster.join({ dispatcher: this.#dispatcher });
  }

  /** The entries that this process fires, each with when it is due next. */
  get entries(): ScheduleEntry[] {
    return this.#loop.entries;
  }

  get nextFire(): Date | null {
    return this.#loop.nextFire;
  }

  /** When the entry is due next, by what this process knows; null for never. */
  nextFireOf(entryName: string): Date | null {
    return this.#loop.nextFireOf(entryName);
  }

  /** Whether this process fires the entry. */
  leaseOf(entryName: string): LeaseState {
    return this.#roster.tenure.state(entryName);
  }

  /** Who holds the entry's lease, asked for at this moment; without leases it is us. */
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

  /** {@link TimerLoop.comingFirings} */
  comingFirings(options: { entry?: string; count: number; until?: number }): ComingFiring[] {
    return this.#loop.comingFirings(options);
  }

  /** {@link Dispatcher.fireByHand} */
  fireByHand(entry: ScheduleEntry, options: FireByHandOptions): Promise<number> {
    return this.#dispatcher.fireByHand(entry, options);
  }

  /** To be called when entries were paused or resumed. */
  pausesChanged(): void {
    this.#dispatcher.pause();
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

  /**
   * Finds out what the server offers and has the entries ready. Without a server, and without
   * replicas, it does not wait for one.
   *
   * @throws {NoStreamError} with the delivery `jetstream`, when a stream is missing
   * @throws {JetStreamUnavailableError} when JetStream is needed and is not there
   */
  async start({ entries }: SchedulerConfig, signal: AbortSignal): Promise<void> {
    const { bus, replicas, clock } = this.#options;
    this.#entries = entries;
    this.#signal = signal;
    const looked = this.#delivery.look(subjectsOf(entries));
    if (replicas !== null) {
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      await looked;
      this.#schedules = await schedulesHash(this.#entries, clock);
      await this.#joinReplicas(replicas, signal);
      this.#roster.prepare(this.#entries);
    } else if (bus.connected) {
      await looked;
      await this.#remember(signal);
      await this.#roster.start(this.#entries);
    } else {
      await this.#roster.start(this.#entries);
      this.#late = looked.then(async () => {
        if (await this.#remember(signal)) await this.#roster.start(this.#entries);
      });
      this.#late.catch(() => {});
    }
  }

  /** Fires until `signal` aborts; returns when nothing is under way and every lease is let go. */
  async run(signal: AbortSignal): Promise<void> {
    const { drainTimeout } = this.#options;
    const done = new AbortController();
    const group = this.#group?.run(done.signal);
    const pauses = this.#group === null ? null : this.#followPauses(done.signal);
    const late = this.#late?.then(() => new Promise<never>(() => {})) ?? [];
    await Promise.race([this.#loop.run(signal), late].flat());
    await this.#group?.leave();
    done.abort();
    await Promise.all([group, pauses]);
    await this.#dispatcher.drain(drainTimeout);
    await this.#roster.flush();
    this.#memory?.stop();
  }

  async reload({ entries }: SchedulerConfig): Promise<void> {
    this.#entries = entries;
    const { bus } = this.#options;
    if (this.#group !== null) this.#schedules = await schedulesHash(entries, this.#options.clock);
    if (bus.connected) await this.#delivery.look(subjectsOf(entries));
    // A stream that was made meanwhile.
    const isNew = this.#memory === null && bus.connected && await this.#remember(this.#signal);
    if (isNew) await this.#roster.start(entries);
    else await this.#roster.reload(entries);
  }

  /** @returns whether what fires is remembered */
  async #remember(signal: AbortSignal): Promise<boolean> {
    if (this.#delivery.streams.length === 0) return false;
    this.#openMemory(await this.#store(STORE_TIMEOUT, signal));
    return true;
  }

  async #joinReplicas(
    { name, leaseTtl, shards }: ReplicaOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { bus, scheduler, clock, logger } = this.#options;
    const store = await this.#store(Math.min(STORE_TIMEOUT, leaseTtl / 4), signal);
    this.#openMemory(store);
    this.#group = new ReplicaGroup({
      bus,
      store,
      scheduler,
      replica: name,
      shards,
      ttl: leaseTtl,
      clock,
      logger,
      schedules: () => this.#schedules,
      holder: this.#roster,
    });
    this.#roster.join({ group: this.#group });
  }

  /** Another replica may be told what we are not: it is kept, and comes here that way. */
  async #followPauses(signal: AbortSignal): Promise<void> {
    const { bus, clock, pauses } = this.#options;
    while (!signal.aborted) {
      await bus.whenConnected(signal);
      await pauses.follow(signal, () => this.pausesChanged()).catch(() => {});
      await clock.sleep(RETRY, signal);
    }
  }

  #openMemory(store: KeyValue): void {
    const { scheduler, clock, logger, pauses } = this.#options;
    pauses.keepIn(store, scheduler, { clock, signal: this.#signal });
    this.#memory = new FiringMemory({ store, scheduler, clock, logger });
    this.#roster.join({ memory: this.#memory });
  }

  /** The bucket, kept on as many servers as the streams are. */
  async #store(timeout: number, signal: AbortSignal): Promise<KeyValue> {
    const { bus, clock, logger } = this.#options;
    if (!isStreamBus(bus)) {
      throw new JetStreamUnavailableError("Replicas need NATS JetStream: this bus has none");
    }
    const jetStream = await bus.jetStream();
    for (;;) {
      try {
        return jetStream.keyValue(BUCKET, { replicas: await this.#copies(jetStream), timeout });
      } catch (error) {
        // A cluster may be without a leader for a moment.
        if (error instanceof JetStreamUnavailableError || signal.aborted) throw error;
        const text = error instanceof Error ? error.message : String(error);
        logger.warning("delivery.lookup_failed", { error: text });
        await clock.sleep(RETRY, signal);
      }
    }
  }

  async #copies(jetStream: JetStream): Promise<number> {
    // The bucket's own stream too: where there is no JetStream at all, that is said here.
    const names = [...this.#delivery.streams, `KV_${BUCKET}`];
    const streams = await Promise.all(names.map((name) => jetStream.stream(name)));
    return Math.max(1, ...streams.map((stream) => stream?.replicas ?? 1));
  }
}

function subjectsOf(entries: readonly ScheduleEntry[]): string[] {
  const subjects = entries.map(({ dispatchType }) =>
    dispatchType === "goal" ? GOALS_SUBJECT : TASKS_SUBJECT
  );
  return [...new Set(subjects)];
}
