/**
 * The interface of a message bus. One suite of tests (`lib/testing/bus_conformance.ts`) states what
 * it promises and runs against every implementation.
 *
 * @module
 */

/** A JSON object, the payload of every message. */
export type JsonObject = Record<string, unknown>;

/** A received message. */
export interface Message {
  /** The subject that it was published to. */
  readonly subject: string;
  /** The decoded payload. A message whose payload is not a JSON object is logged and skipped. */
  readonly data: JsonObject;
  /** The values of the headers, by name as published; empty if there are none. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Sends a reply; absent when nobody waits for one. A request whose reply subject is not an inbox
   * is never delivered.
   */
  readonly respond?: (data: JsonObject) => Promise<void>;
}

/**
 * The messages of one subject; those of one publisher are in order. The iteration ends on
 * `unsubscribe` or when the bus closes, after the messages that had arrived by then.
 */
export interface Subscription extends AsyncIterable<Message> {
  /** The subject of the subscription, with its wildcards. */
  readonly subject: string;
  /** Stops delivery and ends the iteration. It may be called again. */
  unsubscribe(): Promise<void>;
}

/** The options of {@link MessageBus.publish}. */
export interface PublishOptions {
  /** The values of the headers, by name. Default: none. */
  headers?: Record<string, string>;
  /**
   * Withdraws the message if it has not been written to the connection yet: `publish` then rejects
   * with the signal's reason.
   */
  signal?: AbortSignal;
  /**
   * Called immediately before the message is written to the connection. If it returns false, the
   * message is not written, and `publish` rejects with {@link NotPermittedError}.
   */
  permit?: () => boolean;
}

/** The options of {@link MessageBus.subscribe}. */
export interface SubscribeOptions {
  /** The queue group; each message reaches one of its subscribers. Default: none. */
  queueGroup?: string;
  /** True if an empty payload is read as `{}`. Default: false, and it is malformed. */
  takesEmpty?: boolean;
  /**
   * The largest message that is read, headers included, in bytes. A larger one is skipped; a
   * request is answered with the code `malformed`. Default: 8 MiB.
   */
  maxBytes?: number;
  /**
   * The number of messages that may wait to be read. Further ones are skipped; a request is
   * answered with the code `busy`. Default: 65,536.
   */
  maxWaiting?: number;
  /** The same in bytes. Default: 64 MiB. */
  maxWaitingBytes?: number;
}

/** The options of {@link MessageBus.request}. */
export interface RequestOptions {
  /**
   * Reports whether a message is a reply; others, which anybody may send to the same subject, are
   * ignored. Default: any JSON object is a reply.
   */
  isReply?: (data: JsonObject) => boolean;
}

/** A message bus, as the scheduler and the actors use it. */
export interface MessageBus extends AsyncDisposable {
  /** True while there is a connection. */
  readonly connected: boolean;

  /**
   * Opens the connection. When it breaks later, the bus reconnects by itself, without a limit.
   *
   * @throws {BusConnectError} if no server could be reached and the bus was not told to wait
   * @throws {BusClosedError} if the bus is closed
   */
  connect(): Promise<void>;

  /** Resolves when the bus is connected, or when `signal` aborts. */
  whenConnected(signal?: AbortSignal): Promise<void>;

  /**
   * Ends every subscription, writes what was published, and closes. Safe to call twice, and when
   * never connected. The end of an `await using` does the same.
   *
   * @param signal closes at once, also what is not written or confirmed yet
   */
  close(signal?: AbortSignal): Promise<void>;

  /**
   * Publishes a message. Resolves when the server, or a bus in memory, has accepted it. Messages of
   * one publisher stay in order. While there is no connection, messages wait for it.
   *
   * @throws {Error} if a bus that needs a server was not told to {@link MessageBus.connect}; so do
   * `subscribe` and `request`
   * @throws {TypeError} if the subject, the payload or a header is invalid
   * @throws {UnconfirmedError} if the connection broke after the message was written and before it
   * was confirmed: it may have arrived, and is not sent again
   * @throws {BusClosedError} if the bus closes before the message is written
   */
  publish(subject: string, data: JsonObject, options?: PublishOptions): Promise<void>;

  /**
   * Subscribes to a subject (`*` and a final `>` are wildcards). Resolves when nothing published
   * from then on is missed. A request that is no JSON object is answered
   * `{"status": "error", "code": "malformed", …}`; see {@link SubscribeOptions} for what else is.
   */
  subscribe(subject: string, options?: SubscribeOptions): Promise<Subscription>;

  /**
   * Publishes a message and returns the first reply.
   *
   * @param timeout the time limit, in milliseconds
   * @throws {NoReplyError} if nobody is subscribed, or nobody answered in time
   */
  request(
    subject: string,
    data: JsonObject,
    timeout: number,
    options?: RequestOptions,
  ): Promise<Message>;
}

/** Thrown when no server could be reached. */
export class BusConnectError extends Error {
  /** The name of this class. */
  override name = "BusConnectError";
}

/** Thrown when the connection broke after a message was written and before it was confirmed. */
export class UnconfirmedError extends Error {
  /** The name of this class. */
  override name = "UnconfirmedError";
}

/** Thrown when the bus is closed. */
export class BusClosedError extends Error {
  /** The name of this class. */
  override name = "BusClosedError";
}

/** Thrown when the `permit` of a message returned false. */
export class NotPermittedError extends Error {
  /** The name of this class. */
  override name = "NotPermittedError";
}

/** Thrown when nobody answered a request. */
export class NoReplyError extends Error {
  /** The name of this class. */
  override name = "NoReplyError";
  /** @internal */
  constructor(
    message: string,
    readonly reason: "no_responders" | "timeout",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
