/**
 * Delivers dispatches: over core NATS, or into a stream that acknowledges them.
 *
 * @module
 */
import { backoff } from "../bus/backoff.ts";
import type { JsonObject, MessageBus, PublishOptions } from "../bus/message_bus.ts";
import { NotPermittedError, UnconfirmedError } from "../bus/message_bus.ts";
import {
  isStreamBus,
  JetStreamUnavailableError,
  NoStreamError,
  StreamError,
} from "../bus/stream_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";

export const DELIVERY_MODES: readonly DeliveryMode[] = ["auto", "core", "jetstream"];
/** `auto`: into a stream where one captures the subject, else over core NATS. */
export type DeliveryMode = "auto" | "core" | "jetstream";

export interface DeliveryOptions {
  bus: MessageBus;
  mode: DeliveryMode;
  clock: Clock;
  logger: Logger;
}

export interface DeliverOptions extends PublishOptions {
  /**
   * The instant until which it is tried again, in milliseconds since the epoch. Default: no limit.
   */
  until?: number;
  /** Does not try a message again that a stream refuses. Default: false. */
  isRefusalFinal?: boolean;
}

/** The wait between the first two attempts; it doubles up to the maximum. */
const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 2000;
/** The time between two log lines about dispatches that are tried again. */
const REPORT_INTERVAL_MS = 1000;
/** The number of times that a server is asked for a stream before what was known stands. */
const MAX_LOOKUPS = 5;

export class Delivery {
  readonly #options: DeliveryOptions;
  /** The stream that captures each subject, null where none does. */
  readonly #streams = new Map<string, string | null>();
  /** The failed attempts since the last log line about them, and the last one's error. */
  #failures = { count: 0, error: "", subject: "" };
  #reporting = false;
  #looking: Promise<void> | null = null;
  #lookingAgain: Promise<void> | null = null;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Reports whether a stream acknowledges what is published to `subject`. */
  isAcknowledged(subject: string): boolean {
    return typeof this.#streams.get(subject) === "string";
  }

  /** The streams that were found. */
  get streams(): string[] {
    return [...new Set([...this.#streams.values()].flatMap((stream) => stream ?? []))];
  }

  /**
   * Looks for the streams that capture the subjects, once there is a connection. Messages that are
   * published meanwhile wait for the result. Where the server does not answer, what was known
   * stands.
   *
   * @throws {NoStreamError} in the mode `jetstream`, when a subject has none
   * @throws {JetStreamUnavailableError} in the mode `jetstream`, when the server has no JetStream
   */
  async look(subjects: Iterable<string>): Promise<void> {
    const { mode, bus } = this.#options;
    if (mode === "core" || (mode === "auto" && !isStreamBus(bus))) return;
    const looking = this.#look(subjects);
    this.#looking = looking;
    try {
      await looking;
    } finally {
      if (this.#looking === looking) this.#looking = null;
    }
  }

  /** Looks once for all messages that found no stream at the same time. */
  #lookAgain(): Promise<void> {
    this.#lookingAgain ??= this.#look([...this.#streams.keys()]).finally(() => {
      this.#lookingAgain = null;
    });
    return this.#lookingAgain;
  }

  async #look(subjects: Iterable<string>): Promise<void> {
    const { mode, logger } = this.#options;
    for (const subject of subjects) {
      const stream = await this.#streamOf(subject);
      if (stream === undefined) continue;
      if (stream === null && mode === "jetstream") {
        throw new NoStreamError(
          `Cannot deliver with --delivery jetstream: no stream captures "${subject}"; ` +
            "create one with: heddle-scheduler stream create",
        );
      }
      if (this.#streams.get(subject) === stream) continue;
      this.#streams.set(subject, stream);
      logger.info("delivery.chosen", {
        subject,
        delivery: stream === null ? "core" : "jetstream",
        stream,
      });
    }
  }

  /**
   * Publishes one message. Into a stream, it is tried again with the same id until the stream has
   * stored it; over core NATS, it resolves when the server has it.
   *
   * @throws {GaveUpError} when it is not stored by `options.until`
   * @throws {StreamError} when the stream refuses it and that is final
   * @throws {Error} that of the bus, where another attempt would change nothing
   */
  publish(subject: string, data: JsonObject, options: DeliverOptions): Promise<void> {
    const { bus } = this.#options;
    if (this.#looking !== null) return this.#publishLater(subject, data, options);
    if (!this.isAcknowledged(subject) || !isStreamBus(bus)) {
      return bus.publish(subject, data, options);
    }
    return this.#publishToStream(subject, data, options);
  }

  async #publishLater(subject: string, data: JsonObject, options: DeliverOptions): Promise<void> {
    await this.#looking;
    options.signal?.throwIfAborted();
    await this.publish(subject, data, options);
  }

  async #publishToStream(
    subject: string,
    data: JsonObject,
    options: DeliverOptions,
  ): Promise<void> {
    const { bus, clock } = this.#options;
    if (!isStreamBus(bus)) return;
    for (let attempts = 1;; attempts++) {
      try {
        await bus.publishToStream(subject, data, options);
        return;
      } catch (error) {
        if (!isWorthRetrying(error)) throw error;
        if (options.isRefusalFinal && error instanceof StreamError) throw error;
        options.signal?.throwIfAborted();
        this.#report(subject, error);
        const isMissing = error instanceof NoStreamError;
        if (isMissing && this.#options.mode === "auto") await this.#lookAgain();
        if (!this.isAcknowledged(subject)) return await bus.publish(subject, data, options);
        const wait = Math.min(MIN_WAIT_MS * 2 ** (attempts - 1), MAX_WAIT_MS);
        await clock.sleep(wait, options.signal);
        await bus.whenConnected(options.signal);
        options.signal?.throwIfAborted();
        if (options.until !== undefined && clock.now() > options.until) {
          throw new GaveUpError(attempts, error);
        }
      }
    }
  }

  /** @returns undefined where the server does not answer */
  async #streamOf(subject: string): Promise<string | null | undefined> {
    const { bus, mode, logger, clock } = this.#options;
    if (!isStreamBus(bus)) return null;
    for (let lookups = 1;; lookups++) {
      await bus.whenConnected();
      try {
        return await bus.streamOf(subject);
      } catch (error) {
        if (error instanceof JetStreamUnavailableError) {
          if (mode === "auto") return null;
          throw error;
        }
        logger.warning("delivery.lookup_failed", { subject, error: errorText(error) });
        if (lookups === MAX_LOOKUPS) return undefined;
        await clock.sleep(backoff(lookups) / 4);
      }
    }
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
  constructor(readonly attempts: number, override readonly cause: unknown) {
    super(
      `No acknowledgement within misfire_grace_seconds (attempts: ${attempts}, the last: ${
        errorText(cause)
      }); the message may have been stored all the same`,
    );
  }
}

function isWorthRetrying(error: unknown): boolean {
  return error instanceof UnconfirmedError || error instanceof NoStreamError ||
    error instanceof StreamError || error instanceof NotPermittedError;
}
