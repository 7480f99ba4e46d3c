/**
 * How a dispatch reaches its consumers: over core NATS, or into a stream that acknowledges it.
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
  /** Tries again until then by the wall clock, in milliseconds since the epoch. Default: for ever. */
  until?: number;
  /** Whether what a stream refuses is not tried again. Default: false. */
  isRefusalFinal?: boolean;
}

/** Between the first two attempts, in milliseconds; it doubles up to the longest. */
const SHORTEST_WAIT = 50;
const LONGEST_WAIT = 2000;
/** How often the log says that dispatches are tried again, in milliseconds. */
const REPORT_INTERVAL = 1000;
/** How often a server is asked for a stream before it counts as one that has none to tell of. */
const LOOKUPS = 5;

export class Delivery {
  readonly #options: DeliveryOptions;
  /** The stream that captures each subject, null where none does. */
  readonly #streams = new Map<string, string | null>();
  /** Attempts that failed and are made again, and why the last did, since the log said so. */
  #failures = { count: 0, error: "", subject: "" };
  #reporting = false;
  #looking: Promise<void> | null = null;
  #lookingAgain: Promise<void> | null = null;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Whether a stream acknowledges what is published to `subject`. */
  isAcknowledged(subject: string): boolean {
    return typeof this.#streams.get(subject) === "string";
  }

  /** The streams that were found. */
  get streams(): string[] {
    return [...new Set([...this.#streams.values()].flatMap((stream) => stream ?? []))];
  }

  /**
   * Looks for the streams that capture the subjects, once there is a connection. What is published
   * meanwhile waits for the result. A server that does not answer leaves what was known.
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

  /** Once for all that found nobody at the same time. */
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
   * Publishes one message. Into a stream it resolves when the stream has stored it, and tries again
   * with the same id until then; over core NATS it resolves when the server has it.
   *
   * @throws {GaveUpError} when it is not stored by `options.until`
   * @throws {StreamError} when the stream refuses it and that is final
   * @throws what the bus throws where another attempt would change nothing
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
        const wait = Math.min(SHORTEST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT);
        await clock.sleep(wait, options.signal);
        await bus.whenConnected(options.signal);
        options.signal?.throwIfAborted();
        if (options.until !== undefined && clock.now() > options.until) {
          throw new GaveUpError(attempts, error);
        }
      }
    }
  }

  /** @returns undefined when the server does not say */
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
        if (lookups === LOOKUPS) return undefined;
        await clock.sleep(backoff(lookups) / 4);
      }
    }
  }

  /** At most one line a second: a server that is away fails thousands at once. */
  #report(subject: string, error: unknown): void {
    if (error instanceof NotPermittedError) return;
    this.#failures = { count: this.#failures.count + 1, error: errorText(error), subject };
    if (!this.#reporting) void this.#reportFailures();
  }

  async #reportFailures(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#reporting = true;
    await clock.sleep(SHORTEST_WAIT);
    while (this.#failures.count > 0) {
      logger.warning("delivery.retrying", this.#failures);
      this.#failures = { count: 0, error: "", subject: "" };
      await clock.sleep(REPORT_INTERVAL);
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
