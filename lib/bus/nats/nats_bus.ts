import { BurstLimit } from "../../log/burst_limit.ts";
import { defaultLogger, type Logger } from "../../log/logger.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { Inbox } from "../inbox.ts";
import {
  BusClosedError,
  type JsonObject,
  type Message,
  NoReplyError,
  type PublishOptions,
  type SubscribeOptions,
  type Subscription,
  UnconfirmedError,
} from "../message_bus.ts";
import type { ConnectionListener, NatsConnection, Receiver } from "./nats_connection.ts";
import { Dialer } from "./nats_dialer.ts";
import { publishFrame } from "./nats_frame.ts";
import type { NatsCredentials, NatsTls } from "./nats_identity.ts";
import { NatsLink } from "./nats_link.ts";
import { readMessage, refuse } from "./nats_message.ts";
import { isNoResponders, Replies } from "./nats_replies.ts";
import { parseServers } from "./nats_servers.ts";
import { NatsSubscriptions } from "./nats_subscriptions.ts";
import { Outbox } from "./outbox.ts";
import { checkHeaders, encodePayload } from "../payload.ts";
import { StreamAcks } from "./stream_acks.ts";
import { findStream } from "./stream_lookup.ts";
import type { JetStream, StreamAck, StreamBus } from "../stream_bus.ts";
import { checkPattern, checkSubject } from "../subject.ts";

/** The servers of a {@link NatsBus}, and how it connects to them. */
export interface NatsBusOptions {
  /** URLs as in {@link parseServers}; each may be a comma-separated list. */
  servers: string | readonly string[];
  /** What the server's monitoring shows. */
  name?: string;
  /** For servers whose URL carries none. */
  credentials?: NatsCredentials;
  /** Files for TLS. Default: as the URL and the server want it, with the system's authorities. */
  tls?: NatsTls;
  /** Whether `connect` resolves at once and keeps trying behind the scenes. Default: false. */
  waitForFirst?: boolean;
  /** How long `connect` tries, in milliseconds. Default: 10,000. */
  connectTimeout?: number;
  /**
   * How often a silent server is asked for a sign of life, in milliseconds. A connection that
   * leaves two of them unanswered is given up. Default: 10,000.
   */
  pingInterval?: number;
  /** How long a stream has to acknowledge a message, in milliseconds. Default: 3000. */
  ackTimeout?: number;
  /** Default: LogTape's, or the console: see {@link Logger}. */
  logger?: Logger;
  /** Default: the machine's own. */
  clock?: Clock;
}

const CONNECT_TIMEOUT = 10_000;
/** With the client's two minutes, a half-open connection would swallow the firings of six. */
const PING_INTERVAL = 10_000;
const MAX_PINGS_OUT = 2;
const ACK_TIMEOUT = 3000;
/** More errors of the server than this are not kept in mind. */
const MAX_SERVER_ERRORS = 100;
/** How long `close` waits for what was published to be confirmed, in milliseconds. */
const CLOSE_TIMEOUT = 5000;

/**
 * A bus on a NATS server, over core NATS: at most once. See {@link MessageBus} for what it promises,
 * and {@link Outbox} for what happens to messages when the connection breaks.
 *
 * After the first connection it reconnects for ever, with waits that grow from 1 s to 30 s, also
 * when the server refuses the credentials: they may be valid again tomorrow. It logs
 * `bus.connected`, `bus.disconnected`, `bus.reconnected`, `bus.reconnect_failed` and `bus.error`
 * (each reason once, repetitions at debug level), `bus.unconfirmed`, `bus.stale_connection`,
 * `bus.lame_duck`, `bus.subscription_refused` and `bus.malformed_message_skipped`.
 */
export class NatsBus implements StreamBus {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #link: NatsLink;
  readonly #outbox = new Outbox();
  readonly #subscriptions = new NatsSubscriptions();
  readonly #replies = new Replies();
  readonly #malformed: BurstLimit;
  readonly #acks: StreamAcks;
  #jetStream: Promise<JetStream> | null = null;
  readonly #inboxes = new Set<Inbox>();
  /** The errors that the server reported on this connection. */
  readonly #serverErrors = new Set<string>();
  readonly #closing = new AbortController();
  #connection: NatsConnection | null = null;
  #onConnected: (() => void)[] = [];
  #connecting: Promise<void> | null = null;
  #closed: Promise<void> | null = null;

  /**
   * Makes a bus that is not connected yet.
   *
   * @throws {TypeError} when a server's URL is none
   */
  constructor(options: NatsBusOptions) {
    const { name, credentials = {}, tls = {}, pingInterval = PING_INTERVAL } = options;
    const { connectTimeout = CONNECT_TIMEOUT, waitForFirst = false } = options;
    this.#logger = options.logger ?? defaultLogger();
    this.#clock = options.clock ?? systemClock;
    this.#malformed = new BurstLimit(this.#logger, () => this.#clock.monotonic());
    this.#acks = new StreamAcks(this.#clock, options.ackTimeout ?? ACK_TIMEOUT);
    const client = { name, pingInterval, maxPingOut: MAX_PINGS_OUT };
    this.#link = new NatsLink({
      dialer: new Dialer({ servers: parseServers(options.servers), credentials, tls, client }),
      logger: this.#logger,
      clock: this.#clock,
      connectTimeout: waitForFirst ? null : connectTimeout,
      signal: this.#closing.signal,
      listener: this.#listener,
      onUp: (connection) => this.#onUp(connection),
      onDown: () => this.#onDown(),
    });
  }

  get connected(): boolean {
    return this.#connection?.isUp === true;
  }

  /**
   * Tries for `connectTimeout` ms, unless every server refuses the credentials. With `waitForFirst`
   * it resolves at once and tries for ever. A credentials or TLS file that cannot be used is an
   * error in both cases.
   *
   * @throws {BusConnectError} naming each server and why it could not be reached
   * @throws {BusClosedError} when the bus is closed, or is closed meanwhile
   */
  async connect(): Promise<void> {
    this.#checkOpen("connect");
    this.#connecting ??= this.#link.connect();
    try {
      await this.#connecting;
    } catch (error) {
      this.#connecting = null; // another attempt may be made
      throw error;
    }
  }

  /** On a closed bus it resolves on abort only. */
  whenConnected(signal?: AbortSignal): Promise<void> {
    if (this.connected || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        signal?.removeEventListener("abort", done);
        this.#onConnected = this.#onConnected.filter((each) => each !== done);
        resolve();
      };
      this.#onConnected.push(done);
      signal?.addEventListener("abort", done, { once: true });
    });
  }

  /**
   * While connected, waits up to 5 s for what was published to be confirmed. What is not written by
   * then, or when there is no connection, rejects with {@link BusClosedError}.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Closes the bus. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  publish(subject: string, data: JsonObject, options: PublishOptions = {}): Promise<void> {
    try {
      return this.#publish(subject, data, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  publishToStream(
    subject: string,
    data: JsonObject,
    options: PublishOptions = {},
  ): Promise<StreamAck> {
    const acks = this.#acks;
    if (!this.#subscriptions.has(acks)) void this.#subscriptions.add(acks);
    const expected = acks.expect(subject);
    try {
      this.#publish(subject, data, options, expected.replyTo)
        .then(() => acks.received(expected), (error) => acks.fail(expected, error));
    } catch (error) {
      acks.fail(expected, error);
    }
    return expected.promise;
  }

  streamOf(subject: string): Promise<string | null> {
    return findStream(this, subject);
  }

  jetStream(): Promise<JetStream> {
    this.#jetStream ??= import("./nats_jetstream.ts").then(({ NatsJetStream }) =>
      new NatsJetStream({ client: () => this.#client(), clock: this.#clock })
    );
    return this.#jetStream;
  }

  #client() {
    this.#checkOpen("use JetStream");
    if (!this.#connection?.isUp) throw new Error("Cannot use JetStream: there is no connection");
    return this.#connection.client;
  }

  #publish(
    subject: string,
    data: JsonObject,
    options: PublishOptions,
    replyTo?: string,
  ): Promise<void> {
    this.#checkOpen(`publish to "${subject}"`);
    options.signal?.throwIfAborted();
    checkSubject(subject);
    const headers = options.headers && checkHeaders(subject, options.headers);
    const frame = publishFrame(subject, encodePayload(subject, data), headers, replyTo);
    return this.#outbox.add(subject, frame, options);
  }

  /**
   * Resolves when the server knows of the subscription. While there is no connection it resolves at
   * once: nobody can be reached then, and the subscription is made before anything is written to
   * the next connection. One that the server refuses is logged and tried again at each reconnect.
   */
  async subscribe(
    subject: string,
    { queueGroup, takesEmpty = false }: SubscribeOptions = {},
  ): Promise<Subscription> {
    this.#checkOpen(`subscribe to "${subject}"`);
    checkPattern(subject, queueGroup);
    const inbox: Inbox = new Inbox(subject, async () => {
      await this.#subscriptions.remove(receiver);
      this.#inboxes.delete(inbox);
      inbox.end();
    });
    const receiver: Receiver = {
      pattern: subject,
      queueGroup,
      deliver: (message) => {
        const received = readMessage(message, this.#malformed, this.#respond, { takesEmpty });
        if (received !== null) inbox.push(received);
        else refuse(message, this.#respond);
      },
      refused: ({ message: error }) => {
        const fields = { subject, queue_group: queueGroup ?? null, error };
        this.#logger.error("bus.subscription_refused", fields);
      },
    };
    this.#inboxes.add(inbox);
    await this.#subscriptions.add(receiver);
    return inbox;
  }

  /** The time to (re)connect counts against `timeout`. */
  async request(subject: string, data: JsonObject, timeout: number): Promise<Message> {
    this.#checkOpen(`request "${subject}"`);
    checkSubject(subject);
    if (!this.#subscriptions.has(this.#replies)) void this.#subscriptions.add(this.#replies);
    const { subject: replyTo, reply, forget } = this.#replies.expect();
    const done = new AbortController();
    try {
      const frame = publishFrame(subject, encodePayload(subject, data), undefined, replyTo);
      const sent = this.#outbox.add(subject, frame, done);
      const signal = AbortSignal.any([done.signal, this.#closing.signal]);
      const answer = await Promise.race([
        reply,
        failureOf(sent),
        this.#clock.sleep(timeout, signal).then(() => null),
      ]);
      const failed = `No reply to the request on "${subject}"`;
      if (answer === null) {
        this.#checkOpen(`request "${subject}"`);
        throw new NoReplyError(`${failed}: nobody answered within ${timeout} ms`, "timeout");
      }
      if (isNoResponders(answer)) {
        throw new NoReplyError(`${failed}: nobody is subscribed`, "no_responders");
      }
      const message = readMessage(answer, this.#malformed, this.#respond);
      if (message === null) throw new TypeError(`${failed} that is a JSON object`);
      return message;
    } finally {
      forget();
      done.abort(); // withdraws what was not written
    }
  }

  readonly #respond = (subject: string, data: JsonObject) => this.publish(subject, data);

  readonly #listener: ConnectionListener = {
    onPublishRefused: (subject, cause) =>
      this.#outbox.refuse(
        subject,
        new Error(`Cannot publish to "${subject}": the server refuses it: ${cause.message}`, {
          cause,
        }),
      ),
    onServerError: ({ message }) => {
      const isNew = !this.#serverErrors.has(message);
      if (isNew && this.#serverErrors.size < MAX_SERVER_ERRORS) this.#serverErrors.add(message);
      this.#logger[isNew ? "error" : "debug"]("bus.error", { error: message });
    },
    onStale: () => this.#logger.warning("bus.stale_connection", { unanswered: MAX_PINGS_OUT }),
    onLameDuck: () => this.#logger.warning("bus.lame_duck"),
  };

  #onUp(connection: NatsConnection): void {
    this.#connection = connection;
    this.#serverErrors.clear();
    this.#subscriptions.attach(connection);
    this.#outbox.attach(connection);
    for (const resolve of this.#onConnected.splice(0)) resolve();
  }

  #onDown(): void {
    this.#connection = null;
    this.#subscriptions.detach();
    const count = this.#outbox.detach() + this.#acks.failReceived();
    if (count > 0) this.#logger.warning("bus.unconfirmed", { count });
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const connection = this.#connection;
    if (connection?.isUp) {
      const done = new AbortController();
      const drained = Promise.all([this.#subscriptions.removeAll(), this.#outbox.empty()]);
      void Promise.race([drained, connection.closed]).then(() => done.abort());
      await this.#clock.sleep(CLOSE_TIMEOUT, done.signal);
    }
    await connection?.close();
    this.#onDown();
    this.#outbox.rejectWaiting((subject) =>
      new BusClosedError(`Cannot publish to "${subject}": the bus was closed before it was written`)
    );
    for (const inbox of this.#inboxes) inbox.end();
    this.#inboxes.clear();
  }

  #checkOpen(action: string): void {
    if (!this.#closing.signal.aborted) return;
    throw new BusClosedError(`Cannot ${action}: the bus is closed`);
  }
}

/** Rejects when the request cannot have arrived. While it may have, only a reply tells. */
function failureOf(sent: Promise<void>): Promise<never> {
  const never = () => new Promise<never>(() => {});
  return sent.then(never, (error) => {
    if (error instanceof UnconfirmedError) return never();
    throw error;
  });
}
