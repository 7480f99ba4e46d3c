/**
 * What a bus can do whose server keeps messages: JetStream's streams and key-value buckets.
 *
 * @module
 */
import type { JsonObject, MessageBus, PublishOptions } from "./message_bus.ts";

/** A server's word that a stream keeps a message. */
export interface StreamAck {
  /** The stream's name. */
  readonly stream: string;
  /** The message's place in the stream. */
  readonly sequence: number;
  /** Whether the stream had a message of the same `Nats-Msg-Id` and dropped this one. */
  readonly isDuplicate: boolean;
}

/** A bus that may have streams behind it. */
export interface StreamBus extends MessageBus {
  /**
   * Publishes one message. Resolves when a stream has stored it; messages of one publisher arrive
   * in the order they were published in.
   *
   * @throws {NoStreamError} when nobody listens to the subject: no stream, or none just now
   * @throws {StreamError} when the stream does not take it
   * @throws {UnconfirmedError} when no acknowledgement came: it may have been stored
   * @throws {BusClosedError} when the bus is closed
   */
  publishToStream(subject: string, data: JsonObject, options?: PublishOptions): Promise<StreamAck>;

  /**
   * The name of the stream that captures `subject`, or null.
   *
   * @throws {JetStreamUnavailableError} when the server, or the account, has no JetStream
   * @throws {NoReplyError} when the server does not answer
   */
  streamOf(subject: string): Promise<string | null>;

  /** The rest of JetStream, which is loaded for it. */
  jetStream(): Promise<JetStream>;
}

/**
 * Each call goes to the connection of the moment and rejects when there is none; it throws
 * {@link JetStreamUnavailableError} when the server, or the account, has no JetStream, and
 * {@link StreamError} when the server refuses.
 */
export interface JetStream {
  /**
   * Describes a stream.
   *
   * @returns null when there is no stream of that name
   */
  stream(name: string): Promise<StreamInfo | null>;

  /** Creates a stream, or changes the limits of the one of that name. */
  createStream(stream: StreamLimits): Promise<StreamInfo>;

  /**
   * A key-value bucket, which is created where there is none.
   *
   * @param options.replicas on how many servers of a cluster it is kept, where it is created
   * @param options.timeout for one answer, in milliseconds. Default: 3000
   */
  keyValue(bucket: string, options: { replicas: number; timeout?: number }): KeyValue;
}

/** A stream, as the server describes it. */
export interface StreamInfo {
  /** The name of the stream. */
  readonly name: string;
  /** What it captures. */
  readonly subjects: readonly string[];
  /** On how many servers it is kept. */
  readonly replicas: number;
  /** In which a second message of the same id is dropped, in seconds. */
  readonly duplicateWindow: number;
  /** Whether it was created by the call that returned this. */
  readonly isNew?: boolean;
}

/** A stream that is to be created, and what it keeps. */
export interface StreamLimits {
  /** The name of the stream. */
  readonly name: string;
  /** What it captures. */
  readonly subjects: readonly string[];
  /** On how many servers it is kept. */
  readonly replicas: number;
  /** In seconds. */
  readonly duplicateWindow: number;
  /** How long a message is kept, in seconds. */
  readonly maxAge: number;
  /** How much is kept, in bytes. */
  readonly maxBytes: number;
}

/**
 * Each value is a JSON object; its revision grows with each change of the bucket. A bucket that was
 * deleted is created again by the next call, and counts from 1.
 */
export interface KeyValue {
  /**
   * The connection of the moment, to be compared with that of another moment; null for none. What
   * was read on another connection may be more than the server has kept.
   */
  readonly connection: unknown;
  /** The maximum of bytes that one value may have. */
  readonly maxValueBytes: number;

  /** The value as the server that leads the bucket has it, or null. */
  get(key: string): Promise<Revised | null>;

  /**
   * Writes a value if the key's last revision is `revision`; 0: if there is none.
   *
   * @returns the new revision
   * @throws {ConflictError} when somebody else has written
   */
  put(key: string, value: JsonObject, revision: number): Promise<number>;

  /**
   * Tells of each value of the keys that `pattern` matches: those there are, then each that
   * changes. Resolves when the connection is gone, or `signal` aborts.
   *
   * @throws {Error} when the server does not tell of changes any more, since the bucket is gone, or
   * does not allow it
   */
  watch(
    pattern: string,
    onValue: (key: string, revised: Revised) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** A value of a bucket, and which version of it this is. */
export interface Revised {
  /** What the key holds. */
  readonly value: JsonObject;
  /** Grows with each change of the bucket. */
  readonly revision: number;
  /** When the server stored it, by the server's clock, in milliseconds since the epoch. */
  readonly created: number;
  /** Whether what is stored is no JSON object; the value then has no fields. Default: no. */
  readonly isMalformed?: boolean;
}

/** Whether streams may be behind the bus. */
export function isStreamBus(bus: MessageBus): bus is StreamBus {
  return "publishToStream" in bus && "jetStream" in bus;
}

/** Nobody listens to the subject: there is no stream for it, or it has no leader just now. */
export class NoStreamError extends Error {
  /** The name of this class. */
  override name = "NoStreamError";
}

/** A stream answered that it does not take a message, or a request. */
export class StreamError extends Error {
  /** The name of this class. */
  override name = "StreamError";
  /**
   * Makes the error of a server's answer.
   *
   * @param code the server's error code
   */
  constructor(message: string, readonly code: number, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The key has another revision than was expected. */
export class ConflictError extends Error {
  /** The name of this class. */
  override name = "ConflictError";
}

/**
 * The server refuses a write although the key has the revision that was expected. From nats-server
 * 2.11 on it does so while an earlier write of the key is in process: its copies have not confirmed
 * it. It is to be written again after a wait, since each attempt costs as much as a write.
 */
export class WriteInProcessError extends Error {
  /** The name of this class. */
  override name = "WriteInProcessError";
  /** Makes the error for a key. */
  constructor(key: string, options?: ErrorOptions) {
    super(`Cannot write "${key}" now: an earlier write of it is in process`, options);
  }
}

/** The server runs without JetStream, or the account may not use it. */
export class JetStreamUnavailableError extends Error {
  /** The name of this class. */
  override name = "JetStreamUnavailableError";
}
