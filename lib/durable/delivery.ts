/**
 * Delivers dispatches: over core NATS, or into a stream that acknowledges them.
 *
 * @module
 */
import type { JsonObject, MessageBus, PublishOptions } from "../bus/message_bus.ts";
import { NotPermittedError, UnconfirmedError } from "../bus/message_bus.ts";
import { isStreamBus, NoStreamError, type StreamBus, StreamError } from "../bus/stream_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { DeliveryMode } from "../wire/vocabulary.ts";
import { type Route, Routes } from "./routes.ts";

export interface DeliveryOptions {
  bus: MessageBus;
  mode: DeliveryMode;
  clock: Clock;
  logger: Logger;
  /** The time that a lease holds, in milliseconds. Default: there are none. */
  leaseTtl?: number;
}

export interface DeliverOptions extends PublishOptions {
  /**
   * The instant until which it is tried again, in milliseconds since the epoch. Default: no limit.
   */
  until?: number;
  /** Does not try a message again that a stream refuses. Default: false. */
  isRefusalFinal?: boolean;
}

/** A message that a stream may have stored. */
interface Doubt {
  /** The time of the first attempt, by both clocks: the monotonic one stops while a machine sleeps. */
  readonly wall: number;
  readonly monotonic: number;
  /** The time for which it may be sent again, in milliseconds from the first attempt. */
  readonly limit: number;
}

/** The wait between the first two attempts; it doubles up to the maximum. */
const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 2000;
/** The time between two log lines about dispatches that are tried again. */
const REPORT_INTERVAL_MS = 1000;
/** The share of the duplicate window in which a message is sent again; the rest allows for transit. */
const USED_WINDOW = 0.9;
/**
 * A message can leave as late as this, apart from the TTL: a server with its own settings closes a
 * silent connection after 6 minutes, and checkpoints are a second behind.
 */
const NEEDED_WINDOW_MS = 361_000;
/** The number of messages in doubt that are remembered when their firings were taken back. */
const MAX_DOUBTS = 10_000;
/** "Message size exceeds maximum allowed" and "invalid operation on sealed stream". */
const TOO_LARGE = 10054;
const SEALED = 10109;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #routes: Routes;
  /** Messages in doubt of firings that were taken back, by id: they may be sent again later. */
  readonly #doubts = new Map<string, Doubt>();
  /** The failed attempts since the last log line about them, and the last one's error. */
  #failures = { count: 0, error: "", subject: "" };
  #reporting = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    const { leaseTtl = 0 } = options;
    this.#routes = new Routes({ ...options, neededWindow: (NEEDED_WINDOW_MS + leaseTtl) / 1000 });
  }

  get mode(): DeliveryMode {
    return this.#options.mode;
  }

  /** The routes of the dispatches. */
  get routes(): readonly Route[] {
    return this.#routes.all;
  }

  /** Whether dispatches go into streams, so that what fired can be remembered. */
  get usesStreams(): boolean {
    return this.streams.length > 0 || this.routes.some(({ via }) => via === "jetstream");
  }

  /** The streams that were found. */
  get streams(): string[] {
    return this.#routes.streams;
  }

  /** Reports whether what is published to `subject` waits for a stream. */
  isAcknowledged(subject: string): boolean {
    const via = this.#routes.viaOf(subject);
    return via === "jetstream" || via === "unknown";
  }

  /** {@link Routes.look} */
  look(subjects: Iterable<string>, signal?: AbortSignal): Promise<void> {
    return this.#routes.look(subjects, signal);
  }

  /** {@link Routes.keep} */
  keep(subjects: readonly string[]): void {
    this.#routes.keep(subjects);
  }

  /** {@link Routes.follow} */
  follow(signal: AbortSignal, onFound: () => void): Promise<void> {
    return this.#routes.follow(signal, onFound);
  }

  /**
   * Publishes one message. Into a stream, it is tried again with the same id until the stream has
   * stored it, but only as long as the stream would notice that it has it already; over core NATS, it
   * resolves when the server has it.
   *
   * @throws {GaveUpError} when it is not stored by `options.until`
   * @throws {InDoubtError} when it may have been stored, and is not sent again
   * @throws {StreamError} when the stream refuses it and that is final
   * @throws {Error} that of the bus, where another attempt would change nothing
   */
  publish(subject: string, data: JsonObject, options: DeliverOptions): Promise<void> {
    const { bus } = this.#options;
    if (!this.isAcknowledged(subject) || !isStreamBus(bus)) {
      return bus.publish(subject, data, options);
    }
    return this.#publishToStream(bus, subject, data, options);
  }

  async #publishToStream(
    bus: StreamBus,
    subject: string,
    data: JsonObject,
    options: DeliverOptions,
  ): Promise<void> {
    const { clock } = this.#options;
    const { signal, until = Infinity } = options;
    const id = options.headers?.["Nats-Msg-Id"] ?? "";
    let doubt = this.#doubts.size === 0 ? undefined : this.#doubts.get(id);
    let error: unknown = new Error("a firing that was taken back");
    for (let attempts = 0;; attempts++) {
      if (this.#isOver(doubt)) throw this.#inDoubt(id, subject, attempts, error);
      if (clock.now() > until && attempts > 0) {
        throw new GaveUpError(attempts, error, doubt !== undefined);
      }
      const wall = clock.now();
      const monotonic = clock.monotonic();
      try {
        await this.#attempt(bus, subject, data, options, doubt);
        if (doubt !== undefined) this.#doubts.delete(id);
        return;
      } catch (reason) {
        error = reason;
      }
      if (!isWorthRetrying(error)) throw error;
      if (isFinalRefusal(error)) throw this.#explained(subject, error);
      if (options.isRefusalFinal && error instanceof StreamError) throw error;
      if (error instanceof UnconfirmedError && doubt === undefined) {
        doubt = { wall, monotonic, limit: this.#routes.windowOf(subject) * USED_WINDOW };
        this.#remember(id, doubt);
      }
      signal?.throwIfAborted();
      this.#report(subject, error);
      if (error instanceof NoStreamError) await this.#routes.lookAgain(subject);
      if (!this.isAcknowledged(subject)) {
        if (doubt === undefined) return await bus.publish(subject, data, options);
        throw this.#inDoubt(id, subject, attempts + 1, error);
      }
      const wait = Math.min(MIN_WAIT_MS * 2 ** attempts, MAX_WAIT_MS);
      await this.#within(doubt, signal, async (signal) => {
        await clock.sleep(wait, signal);
        await bus.whenConnected(signal);
      });
      signal?.throwIfAborted();
    }
  }

  /** Sends a message once; one in doubt only while the stream would notice that it has it. */
  async #attempt(
    bus: StreamBus,
    subject: string,
    data: JsonObject,
    options: DeliverOptions,
    doubt: Doubt | undefined,
  ): Promise<void> {
    if (this.#routes.viaOf(subject) === "unknown") {
      throw new NoStreamError(`The server does not say whether a stream captures "${subject}"`);
    }
    if (doubt === undefined) {
      await bus.publishToStream(subject, data, options);
      return;
    }
    const { headers, permit } = options;
    await this.#within(doubt, options.signal, (signal) =>
      bus.publishToStream(subject, data, {
        headers,
        // Looked at when the message is written, which may be much later.
        permit: () => !this.#isOver(doubt) && permit?.() !== false,
        signal,
      }));
  }

  /** Does something that a signal ends, at the latest when the message may not be sent again. */
  async #within(
    doubt: Doubt | undefined,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal | undefined) => Promise<unknown>,
  ): Promise<void> {
    if (doubt === undefined) {
      await work(signal);
      return;
    }
    const { clock } = this.#options;
    const over = new AbortController();
    const done = new AbortController();
    const isOver = new NotPermittedError("The stream would not notice any more that it has it");
    void clock.sleep(doubt.limit - this.#age(doubt), done.signal).then(() => over.abort(isOver));
    try {
      await work(signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]));
    } finally {
      done.abort();
    }
  }

  #age({ wall, monotonic }: Doubt): number {
    const { clock } = this.#options;
    return Math.max(clock.now() - wall, clock.monotonic() - monotonic);
  }

  #isOver(doubt: Doubt | undefined): boolean {
    return doubt !== undefined && this.#age(doubt) >= doubt.limit;
  }

  /** The newest are enough: who comes back does so when the lease, or the connection, does. */
  #remember(id: string, doubt: Doubt): void {
    this.#doubts.set(id, doubt);
    for (const oldest of this.#doubts.keys()) {
      if (this.#doubts.size <= MAX_DOUBTS) break;
      this.#doubts.delete(oldest);
    }
  }

  #inDoubt(id: string, subject: string, attempts: number, cause: unknown): InDoubtError {
    this.#doubts.delete(id);
    const name = this.#routes.streamOf(subject)?.name;
    const stream = name === undefined ? "a stream" : `the stream "${name}"`;
    const window = this.#routes.windowOf(subject) / 1000;
    return new InDoubtError(
      `Cannot tell whether ${stream} stored the message to "${subject}": not acknowledged ` +
        `(attempts: ${attempts}, the last: ${
          errorText(cause)
        }); it is not sent again, since after ` +
        `its duplicate window of ${window} s the stream would store it a second time`,
      { cause },
    );
  }

  #explained(subject: string, cause: StreamError): StreamError {
    const stream = this.#routes.streamOf(subject);
    const name = stream === undefined ? "the stream" : `the stream "${stream.name}"`;
    const most = stream === undefined ? "" : ` (${stream.maxMessageBytes} bytes, headers included)`;
    const why = cause.code === TOO_LARGE
      ? `the message is larger than max_msg_size${most} of ${name}`
      : `${name} is sealed`;
    return new StreamError(`Cannot publish to "${subject}": ${why}`, cause.code, { cause });
  }

  /** Logs at most one line a second, since thousands fail at once while a server is away. */
  #report(subject: string, error: unknown): void {
    if (error instanceof NotPermittedError) return;
    this.#failures = { count: this.#failures.count + 1, error: errorText(error), subject };
    if (!this.#reporting) void this.#reportFailures();
  }

  async #reportFailures(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#reporting = true;
    await clock.sleep(MIN_WAIT_MS);
    while (this.#failures.count > 0) {
      logger.warning("delivery.retrying", this.#failures);
      this.#failures = { count: 0, error: "", subject: "" };
      await clock.sleep(REPORT_INTERVAL_MS);
    }
    this.#reporting = false;
  }
}

/** No stream acknowledged a message while it was worth sending. */
export class GaveUpError extends Error {
  override name = "GaveUpError";
  constructor(readonly attempts: number, override readonly cause: unknown, isInDoubt: boolean) {
    super(
      `No acknowledgement within misfire_grace_seconds (attempts: ${attempts}, the last: ${
        errorText(cause)
      })${isInDoubt ? "; the message may have been stored all the same" : ""}`,
    );
  }
}

/** A message may have been stored, and sending it again could store it a second time. */
export class InDoubtError extends Error {
  override name = "InDoubtError";
}

function isWorthRetrying(error: unknown): boolean {
  return error instanceof UnconfirmedError || error instanceof NoStreamError ||
    error instanceof StreamError || error instanceof NotPermittedError;
}

/** Whether a stream will say the same of the message for ever. */
function isFinalRefusal(error: unknown): error is StreamError {
  return error instanceof StreamError && (error.code === TOO_LARGE || error.code === SEALED);
}
