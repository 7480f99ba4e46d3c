/**
 * The interface of a bus whose server stores messages: JetStream's streams and key-value buckets.
 *
 * @module
 */
import type { JsonObject, MessageBus, PublishOptions } from "./message_bus.ts";

/** The acknowledgement of a message that a stream has stored. */
export interface StreamAck {
  /** The name of the stream. */
  readonly stream: string;
  /** The sequence number of the message in the stream. */
  readonly sequence: number;
  /** True if the stream had a message with the same `Nats-Msg-Id` and dropped this one. */
  readonly isDuplicate: boolean;
}

/** A bus whose server may have streams. */
export interface StreamBus extends MessageBus {
  /**
   * Publishes a message. Resolves when a stream has stored it. Messages of one publisher stay in
   * order.
   *
   * @throws {NoStreamError} if nobody listens to the subject: no stream, or one without a leader
   * @throws {StreamError} if the stream refuses the message
   * @throws {UnconfirmedError} if no acknowledgement arrived: the message may have been stored
   * @throws {BusClosedError} if the bus is closed
   */
  publishToStream(subject: string, data: JsonObject, options?: PublishOptions): Promise<StreamAck>;

  /**
   * Returns for each subject the name of the stream that captures it, or null if there is none;
   * where the server has not said, the reason: a {@link LookupRefusedError} if this user may not
   * ask, a {@link NoReplyError} if nobody answers.
   *
   * @throws {JetStreamUnavailableError} if the server or the account has no JetStream
   */
  streamsOf(subjects: readonly string[]): Promise<ReadonlyMap<string, string | null | Error>>;

  /** Loads and returns the interface to streams and buckets. */
  jetStream(): Promise<JetStream>;
}

/**
 * Streams and buckets. Each call uses the present connection and rejects if there is none. It
 * rejects with {@link JetStreamUnavailableError} if the server or the account has no JetStream, and
 * with {@link StreamError} if the server refuses it.
 */
export interface JetStream {
  /** Returns the description of a stream, or null if there is none with that name. */
  stream(name: string): Promise<StreamInfo | null>;

  /** Returns the names of all streams that capture a subject, or one that a pattern matches. */
  streamNames(subject: string): Promise<string[]>;

  /** Creates a stream. */
  createStream(stream: StreamLimits): Promise<StreamInfo>;

  /**
   * Changes only the given settings of an existing stream.
   *
   * @throws {Error} for more than one copy if the stream's server is in no cluster
   */
  updateStream(name: string, changes: StreamChanges): Promise<StreamInfo>;

  /**
   * Returns a key-value bucket. The first call of one of its methods creates it if necessary.
   *
   * @param options.replicas the number of servers that store the bucket, if it is created
   * @param options.timeout the time limit of a write, in milliseconds. Default: 3000
   */
  keyValue(bucket: string, options: { replicas: number; timeout?: number }): KeyValue;
}

/** The name and the limits of a stream. */
export interface StreamLimits {
  /** The name of the stream. */
  readonly name: string;
  /** The subjects that it captures. */
  readonly subjects: readonly string[];
  /** The number of servers that store it. */
  readonly replicas: number;
  /** The time in which a second message with the same `Nats-Msg-Id` is dropped, in seconds. */
  readonly duplicateWindow: number;
  /** The maximum age of a message, in seconds; 0 for no limit. */
  readonly maxAge: number;
  /** The maximum size of the stream, in bytes; -1 for no limit. */
  readonly maxBytes: number;
}

/** The settings of a stream that are to be changed. */
export type StreamChanges = Partial<Omit<StreamLimits, "name">>;

/** The description of a stream by the server. */
export interface StreamInfo extends StreamLimits {
  /** True if its server is in a cluster, so that it may have several copies. */
  readonly isClustered: boolean;
  /** The maximum number of messages; -1 for no limit. */
  readonly maxMessages: number;
  /** The maximum number of messages of one subject; -1 for no limit. */
  readonly maxMessagesPerSubject: number;
  /** The maximum size of a message, with its headers, in bytes; -1 for no limit. */
  readonly maxMessageBytes: number;
  /** True if it acknowledges stored messages. */
  readonly isAcknowledging: boolean;
  /** True if nothing can be stored or removed any more. */
  readonly isSealed: boolean;
  /** True if it refuses messages when it is full, instead of dropping the oldest. */
  readonly refusesWhenFull: boolean;
  /** The retention policy: `limits`, `interest` or `workqueue`. */
  readonly retention: string;
}

/**
 * A bucket of JSON objects. Its revision grows with each change. A deleted bucket is created again
 * by the next call, and counts from 1.
 */
export interface KeyValue {
  /**
   * The present connection, to be compared with that of another moment; null for none. The server
   * may have lost values that were read on another connection.
   */
  readonly connection: unknown;
  /** The maximum size of a value, in bytes. */
  readonly maxValueBytes: number;

  /** Returns the value from the leader of the bucket, or null; a deleted value has no fields. */
  get(key: string): Promise<Revised | null>;

  /**
   * Writes a value if the last revision of the key is `revision` (0: the key has none).
   *
   * @returns the new revision
   * @throws {ConflictError} if the key has another revision
   */
  put(key: string, value: JsonObject, revision: number): Promise<number>;

  /**
   * Calls `onValue` with each present value whose key matches `pattern`, then with each change.
   * Resolves when the connection is gone, or `signal` aborts.
   *
   * @throws {Error} if the server reports no changes any more, since the bucket is gone or may not
   * be watched
   */
  watch(
    pattern: string,
    onValue: (key: string, revised: Revised) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** A value of a bucket, with its revision. */
export interface Revised {
  /** The value of the key. */
  readonly value: JsonObject;
  /** The revision, which grows with each change of the bucket. */
  readonly revision: number;
  /** The time at which the server stored it, by its clock, in milliseconds since the epoch. */
  readonly created: number;
  /** True if what is stored is not a JSON object; `value` then has no fields. Default: false. */
  readonly isMalformed?: boolean;
}

/** Reports whether the server of a bus may have streams. */
export function isStreamBus(bus: MessageBus): bus is StreamBus {
  return "publishToStream" in bus && "jetStream" in bus;
}

/** Thrown when nobody listens to the subject: there is no stream, or it has no leader. */
export class NoStreamError extends Error {
  /** The name of this class. */
  override name = "NoStreamError";
}

/** Thrown when the server refuses a message to a stream, or a request. */
export class StreamError extends Error {
  /** The name of this class. */
  override name = "StreamError";
  /**
   * Creates an error from the answer of a server.
   *
   * @param code the server's `err_code`
   */
  constructor(message: string, readonly code: number, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Thrown when a key has another revision than expected. */
export class ConflictError extends Error {
  /** The name of this class. */
  override name = "ConflictError";
}

/**
 * Thrown when the server refuses a write although the key has the expected revision. From
 * nats-server 2.11 on it does so while an earlier write of the key is in process. Retry after a
 * wait, since each attempt costs as much as a write.
 */
export class WriteInProcessError extends Error {
  /** The name of this class. */
  override name = "WriteInProcessError";
  /** Makes the error for a key. */
  constructor(key: string, options?: ErrorOptions) {
    super(`Cannot write "${key}" now: an earlier write of it is in process`, options);
  }
}

/** Thrown when the server runs without JetStream, or the account may not use it. */
export class JetStreamUnavailableError extends Error {
  /** The name of this class. */
  override name = "JetStreamUnavailableError";
}

/** This user may not ask which stream captures a subject: there may be one. */
export class LookupRefusedError extends Error {
  /** The name of this class. */
  override name = "LookupRefusedError";
}
