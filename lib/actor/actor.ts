/**
 * The base of every long-lived actor: it subscribes to a subject, handles the messages, reloads on
 * request and ends on a signal.
 *
 * @module
 */
import type {
  JsonObject,
  Message,
  MessageBus,
  PublishOptions,
  SubscribeOptions,
  Subscription,
} from "../bus/message_bus.ts";
import { errorText } from "../internal/error_text.ts";
import { ABORTED, unlessAborted } from "../internal/unless_aborted.ts";
import { defaultLogger, type Logger } from "../log/logger.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { RELOAD_SUBJECT } from "../wire/subjects.ts";
import { Limiter } from "./limiter.ts";
import { ProcessSignals } from "./process_signals.ts";

/** The default of `natsUrl`. */
export const DEFAULT_NATS_URL = "nats://nats:4222";

/** The default of `shutdownGraceSeconds`. */
export const DEFAULT_SHUTDOWN_GRACE_SECONDS = 10;
/** The time that a stop may take once nothing is under way any more, in milliseconds. */
const MAX_IDLE_STOP_MS = 3000;

/** Options of an actor. */
export interface ActorOptions {
  /** The server, or several, comma-separated. Default: {@link DEFAULT_NATS_URL}. */
  natsUrl?: string;
  /** The bus to use in place of a connection to `natsUrl`. The actor never closes it. */
  bus?: MessageBus;
  /** The number of messages that are handled at once. Default: 1, which keeps them in order. */
  maxConcurrent?: number;
  /**
   * The time that a stop may take, in seconds. What is under way then is told so by its signal, and
   * left behind. Default: 10.
   */
  shutdownGraceSeconds?: number;
  /** Default: that of LogTape, or the console; see {@link Logger}. */
  logger?: Logger;
  /** Default: the machine's own. */
  clock?: Clock;
}

/** Options of {@link BaseActor.run}. */
export interface RunOptions extends SubscribeOptions {
  /** The subject whose messages are handled. */
  subject: string;
  /** Ends the actor, as SIGTERM does. */
  signal?: AbortSignal;
  /** Ends the actor on SIGTERM and SIGINT, and reloads it on SIGHUP. Default: true. */
  handleSignals?: boolean;
  /**
   * Those that the program listens to already. Default: they are listened to from the call on.
   *
   * @internal
   */
  signals?: ProcessSignals;
}

/**
 * An actor: a loop over messages that ends cleanly. Extend it with {@link BaseActor.handleMessage},
 * and with {@link BaseActor.onReload} and {@link BaseActor.background} where it reloads or has work
 * of its own.
 *
 * @example
 * ```ts
 * import { BaseActor, type JsonObject, MemoryBus, type Message } from "@heddle/scheduler";
 *
 * class Echo extends BaseActor {
 *   override async handleMessage(data: JsonObject, message: Message) {
 *     await message.respond?.(data);
 *   }
 * }
 *
 * await using bus = new MemoryBus();
 * await new Echo("echo", { bus }).run({ subject: "heddle.echo", signal: AbortSignal.timeout(50) });
 * ```
 */
export abstract class BaseActor {
  /** The actor's name in logs, and of its connection. */
  readonly actorId: string;
  /** The logger of the actor. */
  protected readonly logger: Logger;
  readonly #clock: Clock;
  readonly #natsUrl: string;
  #bus: MessageBus | undefined;
  /** True where the bus was given to it, and is closed by the one that gave it. */
  readonly #isBusGiven: boolean;
  readonly #subscriptions = new Set<Subscription>();
  #disconnected = false;
  readonly #limiter: Limiter;
  readonly #graceMs: number;
  /** Settles when the last reload that was asked for has ended. */
  #reloads: Promise<unknown> = Promise.resolve();
  /** True until that reload begins. */
  #isReloadWaiting = false;
  #stopping: AbortSignal | null = null;
  /** Aborts when the stop has taken as long as it may. */
  #over: AbortSignal = new AbortController().signal;
  /** Settles when the background work has ended; never rejects. */
  #background: Promise<void> = Promise.resolve();

  /**
   * Makes an actor, which does nothing before {@link BaseActor.run}.
   *
   * @throws {RangeError} when `maxConcurrent` is no positive whole number, or `shutdownGraceSeconds`
   * is no number from 0
   */
  constructor(actorId: string, options: ActorOptions = {}) {
    this.actorId = actorId;
    this.logger = options.logger ?? defaultLogger();
    this.#clock = options.clock ?? systemClock;
    this.#bus = options.bus;
    this.#isBusGiven = options.bus !== undefined;
    this.#natsUrl = options.natsUrl ?? DEFAULT_NATS_URL;
    this.#limiter = new Limiter(options.maxConcurrent ?? 1);
    const { shutdownGraceSeconds = DEFAULT_SHUTDOWN_GRACE_SECONDS } = options;
    if (!Number.isFinite(shutdownGraceSeconds) || shutdownGraceSeconds < 0) {
      throw new RangeError(
        `Cannot use "shutdownGraceSeconds" ${shutdownGraceSeconds}: expected a number from 0`,
      );
    }
    this.#graceMs = shutdownGraceSeconds * 1000;
  }

  /**
   * Handles one message. An error that it throws is logged (`actor.error`) and harms no other one.
   * Answer a request with `message.respond`.
   *
   * @param signal aborts when a stop has taken as long as it may: the actor ends without this one
   */
  abstract handleMessage(
    data: JsonObject,
    message: Message,
    signal: AbortSignal,
  ): Promise<void> | void;

  /**
   * Called on a reload message or SIGHUP. An error that it throws is logged as
   * `actor.reload_failed`. It may throw only when everything is as it was before.
   *
   * @param signal as that of {@link BaseActor.handleMessage}
   */
  onReload(_signal: AbortSignal): Promise<void> | void {}

  /**
   * Called first, before it connects. It may take its time: a stop does not wait for it.
   *
   * @returns the options that the actor runs with
   */
  protected prepare(options: RunOptions): Promise<RunOptions> {
    return Promise.resolve(options);
  }

  /**
   * Does work of the actor's own, beside its messages. Called once the actor is subscribed. When
   * `signal` aborts, it begins nothing new, finishes what runs and returns; the connection is
   * closed after that. An error that it throws ends the actor.
   *
   * @param over aborts when the stop has taken as long as it may: what still runs is left behind
   */
  protected background(_signal: AbortSignal, _over: AbortSignal): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Resolves when nothing of the background work is under way that a stop is to let finish. The stop
   * takes less time from then on. Default: when the work has ended.
   */
  protected idle(): Promise<void> {
    return this.#background;
  }

  /** Called before a second SIGTERM or SIGINT ends the process at once. Must not wait. */
  protected abandon(): void {}

  /**
   * The bus that was given, or the connection to `natsUrl` once {@link BaseActor.connect} began.
   */
  protected get bus(): MessageBus {
    if (this.#bus === undefined) {
      throw new Error(`Actor "${this.actorId}" is not connected: call connect() or run() first`);
    }
    return this.#bus;
  }

  /** True while messages can leave. */
  get isConnected(): boolean {
    return this.#bus?.connected ?? false;
  }

  /**
   * Connects the bus; {@link BaseActor.run} does it by itself.
   *
   * @throws {BusConnectError} when no server can be reached
   */
  async connect(): Promise<void> {
    this.#disconnected = false;
    this.#bus ??= await this.#natsBus();
    await this.bus.connect();
    this.logger.info("actor.connected", { actor_id: this.actorId });
  }

  /** Loads the NATS client, which takes longer than the rest of the program, when it is needed. */
  async #natsBus(): Promise<MessageBus> {
    const { NatsBus } = await import("../bus/nats/nats_bus.ts");
    const bus = new NatsBus({ servers: this.#natsUrl, name: this.actorId, logger: this.logger });
    if (this.#disconnected) await bus.close(); // meanwhile, so that it must not connect
    return bus;
  }

  /**
   * Ends the actor's subscriptions, and closes the connection unless the bus was given to it.
   *
   * @param signal stops waiting for the server
   */
  async disconnect(signal: AbortSignal = new AbortController().signal): Promise<void> {
    this.#disconnected = true;
    const ended = Promise.all([...this.#subscriptions].map((each) => each.unsubscribe()));
    await unlessAborted(ended, signal);
    this.#subscriptions.clear();
    if (!this.#isBusGiven) await this.#bus?.close(signal);
    this.logger.info("actor.disconnected", { actor_id: this.actorId });
  }

  /** Subscribes to one more subject, until the actor disconnects. */
  async subscribe(subject: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const subscription = await this.#subscribe(subject, options);
    this.logger.info("actor.subscribed", {
      actor_id: this.actorId,
      subject,
      queue_group: options.queueGroup ?? null,
    });
    return subscription;
  }

  async #subscribe(subject: string, options: SubscribeOptions): Promise<Subscription> {
    const subscription = await this.bus.subscribe(subject, options);
    if (this.#disconnected) await subscription.unsubscribe(); // meanwhile
    else this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Publishes one message on the actor's bus. */
  async publish(subject: string, data: JsonObject, options?: PublishOptions): Promise<void> {
    await this.bus.publish(subject, data, options);
  }

  /**
   * Connects, subscribes and serves until a signal, or `options.signal`, ends it. Then it finishes
   * the messages and the background work that run, drains the connection that it made and returns:
   * after `shutdownGraceSeconds` at the latest, whatever the server and a handler do, and after three
   * seconds where nothing is under way. An actor that never receives a message ends just as fast.
   *
   * @throws {BusConnectError} when no server can be reached
   * @throws {Error} that of {@link BaseActor.background}, or of the subscription
   */
  async run(options: RunOptions): Promise<void> {
    const stop = new AbortController();
    const over = new AbortController();
    const ended = new AbortController();
    this.#stopping = stop.signal;
    this.#over = over.signal;
    const requestStop = (reason: string) => {
      if (stop.signal.aborted) return;
      this.logger.info("actor.shutdown_requested", { actor_id: this.actorId, reason });
      stop.abort();
    };
    stop.signal.addEventListener("abort", () => void this.#limitStop(over, ended.signal));
    const onAbort = () => requestStop("abort");
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const ownSignals = options.handleSignals === false || options.signals !== undefined
      ? null
      : new ProcessSignals();
    (ownSignals ?? options.signals)?.handle({
      terminate: requestStop,
      terminateAgain: () => this.abandon(),
      reload: () => void this.reload("SIGHUP"),
    });

    try {
      if (options.signal?.aborted) requestStop("abort");
      else await this.#serve(options, stop, over.signal);
    } finally {
      stop.abort();
      await this.disconnect(over.signal);
      ended.abort();
      ownSignals?.[Symbol.dispose]();
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Aborts `over` when a stop that begins now has taken as long as it may. */
  async #limitStop(over: AbortController, ended: AbortSignal): Promise<void> {
    const longest = this.#clock.sleep(this.#graceMs, ended);
    const idle = Promise.all([this.#reloads, this.#limiter.idle(), this.idle()]);
    await Promise.race([longest, idle]);
    await Promise.race([longest, this.#clock.sleep(MAX_IDLE_STOP_MS, ended)]);
    if (ended.aborted) return;
    this.logger.warning("actor.shutdown_cut_short", { actor_id: this.actorId });
    over.abort();
  }

  async #serve(given: RunOptions, stop: AbortController, over: AbortSignal): Promise<void> {
    // A stop must not wait for a server that cannot be reached.
    const unlessStopped = <T>(work: Promise<T>) => unlessAborted(work, stop.signal);
    const options = await unlessStopped(this.prepare(given));
    if (options === ABORTED) return;
    const { subject, ...subscription } = options;
    if (await unlessStopped(this.connect()) === ABORTED) return;
    const inbox = await unlessStopped(this.subscribe(subject, subscription));
    if (inbox === ABORTED) return;
    const subscribed = Promise.withResolvers<Subscription | null>();
    const controlDone = this.#listenToControl(subscribed.resolve, stop.signal);
    const control = await unlessStopped(subscribed.promise);
    if (control === ABORTED) return;

    const inboxDone = this.#handleAll(inbox);
    const background = this.background(stop.signal, over);
    this.#background = background.catch(() => {});
    try {
      const work = Promise.all([background, inboxDone]);
      await unlessStopped(work.then(() => new Promise<never>(() => {})));
    } finally {
      stop.abort();
      const unsubscribed = [inbox.unsubscribe(), control?.unsubscribe()];
      const done = [...unsubscribed, inboxDone, controlDone, background, this.#reloads];
      await unlessAborted(Promise.allSettled(done).then(() => this.#limiter.idle()), over);
    }
    await unlessAborted(background, over);
  }

  async #handleAll(inbox: Subscription): Promise<void> {
    for await (const message of inbox) await this.#limiter.start(() => this.#handleOne(message));
  }

  async #handleOne(message: Message): Promise<void> {
    try {
      await this.handleMessage(message.data, message, this.#over);
      this.logger.debug("actor.processed", { actor_id: this.actorId, subject: message.subject });
    } catch (error) {
      this.logger.error("actor.error", {
        actor_id: this.actorId,
        subject: message.subject,
        error: errorText(error),
      });
    }
  }

  /** Never rejects: an actor that cannot hear the reload message does everything else. */
  async #listenToControl(
    subscribed: (control: Subscription | null) => void,
    stopping: AbortSignal,
  ): Promise<void> {
    const fields = { actor_id: this.actorId, subject: RELOAD_SUBJECT };
    try {
      const control = await this.#subscribe(RELOAD_SUBJECT, {});
      if (!stopping.aborted) this.logger.info("actor.control_subscribed", fields);
      subscribed(control);
      for await (const { data } of control) {
        if (data.action === "reload") void this.reload("message");
      }
    } catch (error) {
      if (stopping.aborted) return;
      this.logger.error("actor.control_failed", {
        ...fields,
        error: errorText(error),
        hint: "the reload message is not heard: allow the subject, and start the actor again",
      });
      subscribed(null);
    }
  }

  /**
   * Reloads as on a reload message. Reloads coalesce: while one runs, one more waits for all
   * callers of that time. A stop drops it.
   *
   * @param reason for the log, which has that of the first caller
   * @returns the error that {@link BaseActor.onReload} threw, or why it was not called; else null
   */
  protected reload(reason: string): Promise<unknown> {
    if (this.#isReloadWaiting) return this.#reloads;
    this.#isReloadWaiting = true;
    this.#reloads = this.#reloads.then(() => {
      this.#isReloadWaiting = false;
      if (!this.#stopping?.aborted) return this.#reloadNow(reason);
      return new Error(`Actor "${this.actorId}" is stopping: it does not reload any more`);
    });
    return this.#reloads;
  }

  async #reloadNow(reason: string): Promise<unknown> {
    this.logger.info("actor.reload_requested", { actor_id: this.actorId, reason });
    try {
      await this.onReload(this.#over);
      this.logger.info("actor.reload_completed", { actor_id: this.actorId });
      return null;
    } catch (error) {
      this.logger.error("actor.reload_failed", {
        actor_id: this.actorId,
        error: errorText(error),
      });
      return error;
    }
  }
}
