import { type ActorOptions, BaseActor, type RunOptions } from "../actor/actor.ts";
import { MicroService } from "../actor/micro_service.ts";
import type { JsonObject, Message } from "../bus/message_bus.ts";
import { errorText } from "../internal/error_text.ts";
import { ABORTED, unlessAborted } from "../internal/unless_aborted.ts";
import { BurstLimit } from "../log/burst_limit.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { whenClockIsSet } from "../time/set_clock.ts";
import { Slice } from "../time/slice.ts";
import { renewZones, zoneSource } from "../time/zone.ts";
import type { Tracing } from "../trace/tracing.ts";
import { schedulerSubject } from "../wire/subjects.ts";
import { VERSION } from "../wire/version.ts";
import { ConfigError } from "../config/config_error.ts";
import type { ConfigProblem } from "../config/config_problem.ts";
import type { DeliveryMode, Wire } from "../wire/vocabulary.ts";
import { Control } from "../control/control.ts";
import {
  CONTROL_ACTIONS,
  type ControlReply,
  type ControlRequest,
  MAX_REQUEST_BYTES,
  MAX_WAITING_BYTES,
  MAX_WAITING_REQUESTS,
} from "../control/control_api.ts";
import { DEFAULT_EXPAND_ALLOW } from "../expansion/expand_allow.ts";
import { Expander } from "../expansion/expansion.ts";
import type { OnFire } from "../engine/firing.ts";
import { FiringEngine, type ReplicaOptions } from "../engine/firing_engine.ts";
import { History } from "../engine/history.ts";
import type { LoadedConfig, SchedulerConfig } from "../config/load_config.ts";
import type { Job } from "../engine/job.ts";
import { Pauses } from "../engine/pauses.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import {
  type ConfigDocument,
  ConfigFile,
  ConfigObject,
  type ConfigSource,
} from "./config_source.ts";
import { ProblemLog } from "./problem_log.ts";
import { timingFields } from "../config/timing/timing.ts";
import { MAX_UNSETTLED_MS } from "../config/watch_file.ts";

/** How a scheduler is run. */
export interface SchedulerActorOptions extends Omit<ActorOptions, "shutdownGraceSeconds"> {
  /**
   * Where `expand_from` is resolved, and what it never leaves. Default: the file's directory; the
   * working directory where the configuration is an object.
   */
  expandRoot?: string;
  /**
   * What this process and those of expansion functions may take together, in bytes. Default: what the
   * system allows, where Deno knows it and this program may ask (`--allow-sys=systemMemoryInfo`).
   */
  memoryLimit?: number;
  /** Whether a change of the file reloads it; it has no effect on an object. Default: false. */
  watchConfig?: boolean;
  /**
   * How dispatches are delivered. Default: `auto`, into a JetStream stream where one captures the
   * subject.
   */
  delivery?: DeliveryMode;
  /** The format of goals and tasks. Default: what the configuration says, else `v1`. */
  wire?: Wire;
  /** Where several processes share the schedules, each firing what it holds a lease of. */
  replicas?: ReplicaOptions;
  /**
   * The first instant that a clock which is set can show: nothing begins before. Default: whatever
   * the clock shows is believed.
   */
  clockSetAfter?: Date;
  /**
   * Called for each firing in place of publishing; it may be async. What it throws is the failure
   * of the firing. Overlap, pauses and `status` are as with messages; it needs no connection. Nothing
   * tells a second call for the same occurrence apart, as a stream does for a message: where
   * JetStream remembers what fired, or replicas share the schedules, a crash or a lost lease may
   * bring one. Default: messages are published.
   */
  onFire?: OnFire;
  /** Default: null, no traces. */
  tracing?: Tracing | null;
}

/** The time in which firings under way may finish at a shutdown, in milliseconds. */
const DRAIN_TIMEOUT_MS = 7000;
/** Leaves the program time for its last lines: it ends within ten seconds. */
const SHUTDOWN_GRACE_SECONDS = 8;

/**
 * Dispatches messages when they are due, as a configuration says that it re-reads on a
 * reload: a YAML file, or an object of the same form.
 *
 * @example On a server, from a file
 * ```ts ignore
 * const scheduler = new SchedulerActor("scheduler-1", "schedules.yaml", {
 *   natsUrl: "nats://127.0.0.1:4222",
 * });
 * await scheduler.run();
 * ```
 *
 * @example From an object, with a function of one's own and no server
 * ```ts
 * import { MemoryBus, SchedulerActor } from "@heddle/scheduler";
 *
 * await using bus = new MemoryBus();
 * const task = { dispatch_type: "task", task: { worker_type: "local" } };
 * const config = { name: "app", schedules: [{ name: "often", interval_seconds: 0.01, ...task }] };
 * const stop = new AbortController();
 * const onFire = () => stop.abort();
 * await new SchedulerActor("app", config, { bus, onFire }).run({ signal: stop.signal });
 * ```
 */
export class SchedulerActor extends BaseActor {
  readonly #source: ConfigSource;
  readonly #watchConfig: boolean;
  readonly #clock: Clock;
  readonly #expander: Expander;
  readonly #delivery: DeliveryMode;
  readonly #wire: Wire | undefined;
  readonly #replicas: ReplicaOptions | null;
  readonly #clockSetAfter: Date | null;
  /** Whether the start waits for the clock to be set. */
  #isWaiting = false;
  #config: SchedulerConfig | null = null;
  #engine: FiringEngine | null = null;
  readonly #tracing: Tracing | null;
  readonly #onFire: OnFire | undefined;
  readonly #history = new History();
  readonly #pauses = new Pauses();
  readonly #control: Control;
  /** How long answering others has gone on. */
  readonly #slice: Slice;
  readonly #failures: BurstLimit;
  readonly #problems: ProblemLog;

  /**
   * Makes a scheduler, which does nothing before {@link SchedulerActor.run}.
   *
   * @param config the path of a configuration file, or what such a file holds. It is checked by
   * {@link SchedulerActor.load}, and read again at each reload
   */
  constructor(
    actorId: string,
    config: string | ConfigDocument,
    options: SchedulerActorOptions = {},
  ) {
    super(actorId, { ...options, shutdownGraceSeconds: SHUTDOWN_GRACE_SECONDS });
    this.#source = typeof config === "string"
      ? new ConfigFile(config, options.expandRoot)
      : new ConfigObject(config, options.expandRoot);
    this.#watchConfig = options.watchConfig ?? false;
    this.#clock = options.clock ?? systemClock;
    this.#expander = new Expander({
      allow: () => this.#config?.expandAllow ?? DEFAULT_EXPAND_ALLOW,
      root: this.#source.expandRoot,
      memoryLimit: options.memoryLimit,
      clock: this.#clock,
      logger: this.logger,
    });
    this.#delivery = options.delivery ?? "auto";
    this.#wire = options.wire;
    this.#replicas = options.replicas ?? null;
    this.#clockSetAfter = options.clockSetAfter ?? null;
    this.#tracing = options.tracing ?? null;
    this.#onFire = options.onFire;
    this.#slice = new Slice(this.#clock);
    this.#failures = new BurstLimit(this.logger, () => this.#clock.monotonic());
    this.#problems = new ProblemLog({
      path: this.#source.path,
      clock: this.#clock,
      logger: this.logger,
    });
    this.#control = new Control({
      version: VERSION,
      replica: this.#replicas?.name ?? null,
      clock: this.#clock,
      logger: this.logger,
      pauses: this.#pauses,
      config: () => this.#config,
      engine: () => this.#engine,
      isConnected: () => this.isConnected,
      waitingFor: () => this.waitingFor,
      reload: (reason) => this.reload(reason),
    });
  }

  /**
   * Answers a request as one over the bus: status, what comes next, fire, pause, resume, reload.
   * Never rejects: what cannot be served gets an error.
   *
   * @returns null where another replica is to answer
   */
  ask(request: ControlRequest): Promise<ControlReply | null> {
    return this.#control.answer({ ...request });
  }

  /** @internal */
  get control(): Control {
    return this.#control;
  }

  /**
   * What became of the firings, for those who listen.
   *
   * @internal
   */
  get history(): History {
    return this.#history;
  }

  /**
   * What fires; null before the start.
   *
   * @internal
   */
  get engine(): FiringEngine | null {
    return this.#engine;
  }

  /** What the start waits for, in a sentence; null where it waits for nothing. */
  get waitingFor(): string | null {
    if (!this.#isWaiting) return this.#engine?.waitingFor ?? null;
    const now = new Date(this.#clock.now()).toISOString();
    return `The clock of this machine is not set: it shows ${now}, and the earliest that it can ` +
      `be is ${this.#clockSetAfter!.toISOString()}; nothing fires until it is set`;
  }

  /**
   * Which entries are paused.
   *
   * @internal
   */
  get pauses(): Pauses {
    return this.#pauses;
  }

  /** The configuration in use; null before it is read. */
  get config(): SchedulerConfig | null {
    return this.#config;
  }

  /**
   * The entries in file order, each with when this process fires it next, without jitter; null for
   * never. Empty before the start.
   */
  get schedules(): (ScheduleEntry & { nextFire: Date | null })[] {
    return (this.#engine?.jobs ?? []).map(({ entry, nextDue }) => ({
      ...entry,
      nextFire: nextDue === Infinity ? null : new Date(nextDue),
    }));
  }

  /**
   * Reads the configuration; {@link SchedulerActor.run} does it where nobody did before. Warnings
   * are logged.
   *
   * @throws {ConfigError} when it has errors, with all of them
   */
  async load(): Promise<SchedulerConfig> {
    return this.#config = await this.#checked(await this.#source.load());
  }

  /** @throws {ConfigError} when it has errors, with all of them */
  async #checked({ config, problems }: LoadedConfig): Promise<SchedulerConfig> {
    await this.#problems.log(problems);
    if (config === null) throw new ConfigError(this.#source.path, problems);
    return { ...config, wire: this.#wire ?? config.wire };
  }

  /**
   * Runs the schedules until a signal, or `options.signal`, ends it.
   *
   * @param options.subject where health checks are answered. Default: `heddle.scheduler.{name}`
   * @throws {ConfigError} when the configuration has errors
   * @throws {BusConnectError} when no server can be reached
   * @throws {NoStreamError} with the delivery `jetstream`, when a stream is missing
   * @throws {JetStreamUnavailableError} when JetStream is needed and is not there
   */
  override async run(options: Partial<RunOptions> = {}): Promise<void> {
    try {
      await super.run({ ...options, subject: options.subject ?? "" });
    } finally {
      await this.#expander.close();
    }
  }

  /** Reads the configuration, so that a signal is heard meanwhile. */
  protected override async prepare(options: RunOptions): Promise<RunOptions> {
    const config = this.#config ?? await this.load();
    this.logger.info("scheduler.starting", {
      actor_id: this.actorId,
      scheduler: config.name,
      config_path: this.#source.path,
      schedule_count: config.entries.length,
      ...this.#zoneDataFields(),
    });
    return {
      maxBytes: MAX_REQUEST_BYTES,
      maxWaiting: MAX_WAITING_REQUESTS,
      maxWaitingBytes: MAX_WAITING_BYTES,
      ...options,
      subject: options.subject || schedulerSubject(config.name),
    };
  }

  /** Fires what is due until `signal` aborts. */
  protected override async background(signal: AbortSignal, over: AbortSignal): Promise<void> {
    await this.#waitForClock(signal);
    if (signal.aborted) return await this.#control.idle();
    const config = this.#config!;
    const clock = this.#clock;
    const engine = new FiringEngine({
      scheduler: config.name,
      wire: () => this.#config!.wire,
      bus: this.bus,
      expander: this.#expander,
      clock,
      logger: this.logger,
      delivery: this.#delivery,
      replicas: this.#replicas,
      drainTimeout: DRAIN_TIMEOUT_MS,
      reload: (reason) => this.reload(reason),
      history: this.#history,
      pauses: this.#pauses,
      tracing: this.#tracing,
      onFire: this.#onFire,
    });
    this.#engine = engine;
    await using service = this.#service(config.name);
    // What is due is handed over right after the jobs have begun: nothing waits in between. A reload
    // may have come meanwhile.
    const started = service.open()
      .then(() => signal.aborted ? undefined : engine.start(this.#config!, signal));
    if (await unlessAborted(started, signal) !== ABORTED) this.#started(engine);
    const work = [engine.run(signal, over)];
    if (this.#watchConfig) {
      work.push(this.#source.watch({
        clock,
        signal,
        others: () => this.#modules(),
        onChange: ({ path, how }) => {
          if (how === "unsettled") this.#warnUnsettled(path);
          void this.reload(how === "gone" ? "file gone" : "file changed");
        },
      }));
    }
    await Promise.all(work);
    await this.#control.idle();
  }

  /** Where the modules of the configuration in use are, or would be. */
  #modules(): Iterable<string> {
    const named = this.#config?.entries.flatMap(({ expandFrom }) => expandFrom ?? []) ?? [];
    return this.#expander.pathsOf(new Set(named));
  }

  #warnUnsettled(path: string): void {
    this.logger.warning("scheduler.config_unsettled", {
      config_path: path,
      waited_ms: MAX_UNSETTLED_MS,
      hint: "the file keeps changing and is read as it is, which may be half written: have what " +
        "writes it write another file and rename it, and only when something differs",
    });
  }

  #started(engine: FiringEngine): void {
    this.#control.started();
    for (const job of engine.jobs) this.#logInitialized(job);
    this.logger.info("scheduler.running", {
      actor_id: this.actorId,
      scheduler: this.#config!.name,
      schedule_count: this.#scheduleCount,
      next_fire: engine.nextFire?.toISOString() ?? null,
    });
  }

  /** Resolves when no firing is under way, nor a change that somebody asked for. */
  protected override async idle(): Promise<void> {
    await Promise.all([this.#engine?.idle(), this.#control.idle()]);
  }

  /** What a checkpoint or a lease says cannot be judged, nor what is due, by a clock that is not set. */
  async #waitForClock(signal: AbortSignal): Promise<void> {
    const earliest = this.#clockSetAfter;
    const clock = this.#clock;
    if (earliest === null || clock.now() >= earliest.getTime()) return;
    const began = clock.monotonic();
    this.#isWaiting = true;
    this.logger.warning("scheduler.clock_not_set", {
      now: new Date(clock.now()).toISOString(),
      earliest: earliest.toISOString(),
      hint: "nothing fires until the clock is set",
    });
    await whenClockIsSet(clock, earliest, signal);
    this.#isWaiting = false;
    if (signal.aborted) return;
    this.logger.info("scheduler.clock_set", {
      now: new Date(clock.now()).toISOString(),
      waited_ms: Math.round(clock.monotonic() - began),
    });
  }

  /** What `nats micro` finds. */
  #service(name: string): MicroService {
    const replica = this.#replicas?.name;
    const path = this.#source.absolutePath;
    return new MicroService({
      bus: this.bus,
      name: "heddle-scheduler",
      version: VERSION,
      description: "Publishes messages when they are due",
      metadata: {
        scheduler: name,
        ...(path !== null && { config_path: path }),
        ...(replica !== undefined && { replica }),
      },
      endpoint: {
        name: "control",
        subject: schedulerSubject(name),
        metadata: { actions: CONTROL_ACTIONS.join(" ") },
        counts: () => this.#control.counts,
      },
      started: new Date(this.#clock.now()),
    });
  }

  /** Ends expansion functions that still run. */
  protected override abandon(): void {
    this.#expander.kill();
  }

  /**
   * Re-reads the configuration and swaps the schedules at once. An entry whose name and timing did not
   * change keeps its phase; newer data of its time zone is a change; modules of expansions are loaded afresh.
   *
   * @throws {ConfigError} when it has errors; the schedules then stay as they were
   */
  override async onReload(): Promise<void> {
    try {
      this.#control.reloaded(null, await this.#reload());
    } catch (error) {
      this.#control.reloaded(error);
      throw error;
    }
  }

  /** @returns the warnings */
  async #reload(): Promise<readonly ConfigProblem[]> {
    renewZones(); // before the file, whose zones are looked up
    const runsAs = this.#config?.name; // another one needs a restart
    const loaded = await this.#source.reload(this.#clock, { runsAs });
    const checked = await this.#checked(loaded);
    const config = { ...checked, name: runsAs ?? checked.name };
    // All that can refuse the change comes before it, and all that it changes changes at once.
    const swap = await this.#engine?.prepare(config);
    swap?.();
    this.#config = config;
    this.#expander.reload();
    this.logger.info("scheduler.config_reloaded", {
      config_path: this.#source.path,
      schedule_count: config.entries.length,
      ...(loaded.problems.length > 0 && { warnings: loaded.problems.length }),
      ...this.#zoneDataFields(),
    });
    return loaded.problems;
  }

  /** Says which time zone data is in use, and warns of a `TZDIR` that is not. */
  #zoneDataFields(): { zone_data: string; zone_data_version: string | null } {
    const { directory, version, problem } = zoneSource();
    if (problem !== null) {
      this.logger.warning("scheduler.zone_data_unreadable", {
        error: problem,
        hint: "other time zone data is used: correct or remove the variable",
      });
    }
    return { zone_data: directory ?? "built-in", zone_data_version: version };
  }

  /** Answers a request; what is wanted of it is in `control_api.ts`. */
  override async handleMessage(data: JsonObject, message: Message): Promise<void> {
    // Thousands of requests in a row must not keep what is due waiting.
    if (this.#slice.isOver()) await this.#slice.pause();
    this.logger.debug("scheduler.message_received", {
      actor_id: this.actorId,
      keys: Object.keys(data).slice(0, 20),
    });
    const isMutation = this.#control.isMutation(data);
    if (!isMutation && message.respond === undefined) return; // nobody waits for the answer
    const answered = this.#answer(data, message);
    if (isMutation) return; // nor must they keep each other waiting
    await answered;
  }

  async #answer(data: JsonObject, message: Message): Promise<void> {
    try {
      const reply = await this.#control.answer(data, message.headers);
      if (reply?.status === "error" && message.respond === undefined) throw new Error(reply.error);
      if (reply !== null) await message.respond?.({ ...reply });
    } catch (error) {
      this.#failures.warning("scheduler.request_failed", {
        action: String(data.action ?? "health").slice(0, 100),
        error: errorText(error),
      });
    }
  }

  get #scheduleCount(): number {
    return this.#config?.entries.length ?? 0;
  }

  #logInitialized({ entry, nextDue }: Job): void {
    this.logger.debug("scheduler.schedule_initialized", {
      schedule: entry.name,
      ...timingFields(entry.timing),
      timezone: entry.timezone,
      next_fire: nextDue === Infinity ? null : new Date(nextDue).toISOString(),
    });
  }
}
