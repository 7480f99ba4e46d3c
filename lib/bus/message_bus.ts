/**
 * What the scheduler needs of a message bus, and what a bus promises. One suite of tests
 * (`lib/testing/bus_conformance.ts`) states the promises and runs against every implementation.
 *
 * @module
 */

/** A JSON object: what every message on the bus carries. */
export type JsonObject = Record<string, unknown>;

/** One received message. */
export interface Message {
  /** Where it was published. */
  readonly subject: string;
  /** The decoded payload. A payload that is no JSON object is logged and never delivered. */
  readonly data: JsonObject;
  /** Header values by name as sent; empty where there were none. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sends a reply; absent when nobody waits for one. */
  readonly respond?: (data: JsonObject) => Promise<void>;
}

/**
 * The messages of one subject, in the order they were published by any one publisher. Ends when it
 * is unsubscribed or the bus is closed; what had arrived by then is still delivered.
 */
export interface Subscription extends AsyncIterable<Message> {
  /** As it was subscribed to, with its wildcards. */
  readonly subject: string;
  /** Stops delivery and ends the iteration. Safe to call twice. */
  unsubscribe(): Promise<void>;
}

/** What goes with a message, and what may keep it from being sent. */
export interface PublishOptions {
  /** Header values by name. Default: none. */
  headers?: Record<string, string>;
  /**
   * Withdraws the message while it has not been written to the connection: `publish` then rejects
   * with the signal's reason. Once written, a message cannot be called back.
   */
  signal?: AbortSignal;
  /**
   * Asked at the moment the message is written to the connection. Where it says no, nothing is
   * written, and `publish` rejects with {@link NotPermittedError}.
   */
  permit?: () => boolean;
}

/** What a subscription takes, and with whom it shares. */
export interface SubscribeOptions {
  /** Of the subscribers that share it, each message reaches one. Default: this one gets them all. */
  queueGroup?: string;
  /** Whether a message without any payload is taken for `{}`. Default: it is malformed. */
  takesEmpty?: boolean;
}

/** A message bus, as the scheduler and the actors need it. */
export interface MessageBus extends AsyncDisposable {
  /** Whether a message published now would leave now. */
  readonly connected: boolean;

  /**
   * Opens the connection. Subscribing and publishing are possible afterwards; after the first
   * connect, a bus repairs itself for ever.
   *
   * @throws {BusConnectError} when no server could be reached and none is to be waited for
   */
  connect(): Promise<void>;

  /** Resolves at once while connected, else when the connection is (back) up, or on abort. */
  whenConnected(signal?: AbortSignal): Promise<void>;

  /**
   * Ends every subscription, writes what was published, and closes. Safe to call twice, and when
   * never connected. The end of an `await using` does the same.
   *
   * @param signal closes at once, also what is not written or confirmed yet
   */
  close(signal?: AbortSignal): Promise<void>;

  /**
   * Publishes one message. Resolves when the other side has taken it; messages of one publisher
   * stay in order. A message that could not be written yet waits for the connection.
   *
   * @throws {UnconfirmedError} when the connection broke after the message was written and before
   * it was confirmed: it may or may not have arrived, and is not sent again
   * @throws {BusClosedError} when the bus is closed, or closes before the message was written
   */
  publish(subject: string, data: JsonObject, options?: PublishOptions): Promise<void>;

  /**
   * Subscribes to a subject (`*` and a final `>` are wildcards). Resolves when nothing published
   * from then on is missed. A request that is no JSON object is answered `{"status": "error", "code": "malformed", …}`.
   */
  subscribe(subject: string, options?: SubscribeOptions): Promise<Subscription>;

  /**
   * Publishes a message and resolves with the first reply.
   *
   * @throws {NoReplyError} when nobody is subscribed, or nobody answered within `timeout` ms
   */
  request(subject: string, data: JsonObject, timeout: number): Promise<Message>;
}

/** No server could be reached. */
export class BusConnectError extends Error {
  /** The name of this class. */
  override name = "BusConnectError";
}

/** The message was written to a connection that broke before the server confirmed it. */
export class UnconfirmedError extends Error {
  /** The name of this class. */
  override name = "UnconfirmedError";
}

/** The bus was closed. */
export class BusClosedError extends Error {
  /** The name of this class. */
  override name = "BusClosedError";
}

/** Its publisher's `permit` said no when a message was about to be written. */
export class NotPermittedError extends Error {
  /** The name of this class. */
  override name = "NotPermittedError";
}

/** A request that nobody answered. */
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
