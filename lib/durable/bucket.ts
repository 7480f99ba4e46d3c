import type { MessageBus } from "../bus/message_bus.ts";
import {
  isStreamBus,
  type JetStream,
  JetStreamUnavailableError,
  type KeyValue,
} from "../bus/stream_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { BUCKET, BUCKET_STREAM } from "./keys.ts";

export interface BucketOptions {
  /** The streams that take the dispatches. */
  streams: readonly string[];
  /** The time that one answer of the bucket may take, in milliseconds. */
  timeout: number;
  /** Ends the attempts. */
  signal: AbortSignal;
  clock: Clock;
  logger: Logger;
  /** Called with the reason while it cannot be opened, and with null once it can. */
  onWaiting(reason: string | null): void;
}

/** The wait before JetStream is asked again. */
const RETRY_MS = 1000;

/**
 * Opens the bucket of checkpoints, leases and pauses, which is kept on as many servers as the
 * streams are. Asks again until JetStream answers.
 *
 * @throws {JetStreamUnavailableError} when the server has no JetStream
 * @throws {Error} the last answer of JetStream, when `signal` aborts
 */
export async function openBucket(
  bus: MessageBus,
  { streams, timeout, signal, clock, logger, onWaiting }: BucketOptions,
): Promise<KeyValue> {
  if (!isStreamBus(bus)) {
    throw new JetStreamUnavailableError("Replicas need NATS JetStream: this bus has none");
  }
  const jetStream = await bus.jetStream();
  for (let said = "";;) {
    try {
      const replicas = await copiesOf(jetStream, streams, logger);
      onWaiting(null);
      return jetStream.keyValue(BUCKET, { replicas, timeout });
    } catch (error) {
      // A cluster may be without a leader for a moment.
      if (error instanceof JetStreamUnavailableError || signal.aborted) throw error;
      const text = errorText(error);
      logger[text === said ? "debug" : "warning"]("delivery.lookup_failed", { error: text });
      said = text;
      onWaiting(text);
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

/** Returns on how many servers the bucket is to be kept; warns where it is kept on fewer. */
async function copiesOf(
  jetStream: JetStream,
  streams: readonly string[],
  logger: Logger,
): Promise<number> {
  // The bucket's own stream is asked for too, so that a server without JetStream is noticed here.
  const bucket = await jetStream.stream(BUCKET_STREAM);
  const found = await Promise.all(streams.map((name) => jetStream.stream(name)));
  const wanted = Math.max(1, ...found.map((each) => each?.isClustered ? each.replicas : 1));
  if (bucket !== null && bucket.replicas < wanted) {
    logger.warning("memory.too_few_copies", {
      bucket: BUCKET,
      copies: bucket.replicas,
      stream_copies: wanted,
      hint: "where its server is away nothing fires: heddle-scheduler stream create --name STREAM",
    });
  }
  return wanted;
}
