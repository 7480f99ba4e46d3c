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
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
  UnconfirmedError,
} from "../message_bus.ts";
import type { ConnectionListener, NatsConnection, Receiver } from "./nats_connection.ts";
import { Dialer } from "./nats_dialer.ts";
import { publishFrame } from "./nats_frame.ts";
import type { NatsCredentials, NatsTls } from "./nats_identity.ts";
import { NatsLink } from "./nats_link.ts";
import { checkInboxPrefix, DEFAULT_INBOX_PREFIX } from "./nats_inboxes.ts";
import { Intake, type SizedMsg } from "./nats_message.ts";
import { Replies } from "./nats_replies.ts";
import { parseServers } from "./nats_servers.ts";
import { NatsSubscriptions } from "./nats_subscriptions.ts";
import { Outbox } from "./outbox.ts";
import { checkHeaders, encodePayload } from "../payload.ts";
import { StreamAcks } from "./stream_acks.ts";
import { StreamLookup } from "./stream_lookup.ts";
import type { JetStream, StreamAck, StreamBus } from "../stream_bus.ts";
import { checkDomain, checkPattern, checkSubject } from "../subject.ts";

/** The options of a {@link NatsBus}. */
export interface NatsBusOptions {
  /** URLs such as `nats://user:password@host:4222`; each may be a comma-separated list. */
  servers: string | readonly string[];
  /** The name of the client in the server's monitoring. */
  name?: string;
  /** The credentials for servers whose URL has none. */
  credentials?: NatsCredentials;
  /** Files for TLS. Default: none; the system's certificate authorities are trusted. */
  tls?: NatsTls;
  /** True if `connect` resolves at once and connects in the background. Default: false. */
  waitForFirst?: boolean;
  /** The time for which `connect` tries, in milliseconds. Default: 10,000. */
  connectTimeout?: number;
  /**
   * The interval between PINGs to the server, in milliseconds. A connection on which two are
   * unanswered is dropped. Default: 10,000.
   */
  pingInterval?: number;
  /**
   * The prefix of the subjects on which this bus receives replies: words joined by dots. It also
   * replies to subjects that begin with it. Default: `_INBOX`.
   */
  inboxPrefix?: string;
  /** The domain of the JetStream to use. Default: that of the server. */
  jetStreamDomain?: string;
  /** How long a stream has to acknowledge a message, in milliseconds. Default: 3000. */
  ackTimeout?: number;
  /** Default: LogTape; if it is not configured, warnings and errors go to the console. */
  logger?: Logger;
  /** Default: the machine's clock. */
  clock?: Clock;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
/** With the client's default of two minutes, a half-open connection is found after six minutes. */
const DEFAULT_PING_INTERVAL_MS = 10_000;
const MAX_PINGS_OUT = 2;
const DEFAULT_ACK_TIMEOUT_MS = 3000;
const CLOSE_TIMEOUT_MS = 5000;
/** The number of different errors of a server that are remembered. */
const MAX_SERVER_ERRORS = 100;

/**
 * A {@link StreamBus} on NATS. What is published over core NATS arrives at most once.
 *
 * After the first connection it reconnects without a limit, with waits that grow from 1 s to 30 s,
 * even if the server refuses the credentials, since they may become valid again. It logs
 * `bus.connected`, `bus.disconnected`, `bus.reconnected`, `bus.reconnect_failed` and `bus.error`
 * (each reason once, repetitions at debug level), `bus.unconfirmed`, `bus.stale_connection`,
 * `bus.lame_duck`, `bus.subscription_refused`, `bus.message_refused` and
 * `bus.malformed_message_skipped`.
 */
export class NatsBus implements StreamBus {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #link: NatsLink;
  readonly #outbox = new Outbox();
  readonly #subscriptions = new NatsSubscriptions();
  readonly #replies: Replies;
  readonly #intake: Intake;
  /** Limits the log lines about errors of the server: another client can cause many. */
  readonly #errors: BurstLimit;
  readonly #acks: StreamAcks;
  readonly #domain: string | undefined;
  readonly #lookup: StreamLookup;
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
   * Creates a bus that is not connected yet.
   *
   * @throws {TypeError} when a server's URL, the prefix of inboxes or the JetStream domain is
   * invalid
   */
  constructor(options: NatsBusOptions) {
    const { name, credentials = {}, tls = {}, pingInterval = DEFAULT_PING_INTERVAL_MS } = options;
    const { connectTimeout = DEFAULT_CONNECT_TIMEOUT_MS, waitForFirst = false } = options;
    this.#logger = options.logger ?? defaultLogger();
    this.#clock = options.clock ?? systemClock;
    const inboxPrefix = options.inboxPrefix ?? DEFAULT_INBOX_PREFIX;
    checkInboxPrefix(inboxPrefix);
    this.#domain = options.jetStreamDomain;
    checkDomain(this.#domain);
    this.#lookup = new StreamLookup(this, this.#domain);
    this.#errors = new BurstLimit(this.#logger, () => this.#clock.monotonic());
    this.#intake = new Intake({
      log: new BurstLimit(this.#logger, () => this.#clock.monotonic()),
      inboxPrefix,
      publish: (subject, data, how) => this.publish(subject, data, how),
    });
    this.#replies = new Replies(inboxPrefix);
    this.#acks = new StreamAcks(
      this.#clock,
      options.ackTimeout ?? DEFAULT_ACK_TIMEOUT_MS,
      inboxPrefix,
    );
    const client = { name, pingInterval, maxPingOut: MAX_PINGS_OUT, inboxPrefix };
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
   * Tries to connect for `connectTimeout` ms, or until every server refuses the credentials. With
   * `waitForFirst` it resolves at once and tries without a limit.
   *
   * @throws {BusConnectError} if a credentials or TLS file cannot be used, even with `waitForFirst`,
   * or if no server could be reached; the message gives the reason for each
   * @throws {BusClosedError} if the bus is closed, or is closed meanwhile
   */
  async connect(): Promise<void> {
    this.#checkOpen("connect");
    this.#connecting ??= this.#connect();
    await this.#connecting;
  }

  async #connect(): Promise<void> {
    try {
      await this.#link.connect();
    } catch (cause) {
      this.#connecting = null; // so that another call tries again
      this.#outbox.rejectWaiting((subject) =>
        new Error(`Cannot publish to "${subject}": the bus cannot connect`, { cause })
      );
      throw cause;
    }
  }

  /** Resolves when connected or aborted; on a closed bus, only when aborted. */
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
   * Closes the bus. While connected, waits up to 5 s until the published messages are confirmed.
   * Messages that are still not written then reject with {@link BusClosedError}.
   */
  close(signal?: AbortSignal): Promise<void> {
    this.#closed ??= this.#close(signal);
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

  async streamsOf(
    subjects: readonly string[],
  ): Promise<ReadonlyMap<string, string | null | Error>> {
    this.#checkBegun("look for streams");
    const connection = this.#connection;
    const hasJetStream = connection?.hasJetStream ?? true;
    return await this.#lookup.find(subjects, { connection, hasJetStream });
  }

  jetStream(): Promise<JetStream> {
    this.#jetStream ??= import("./nats_jetstream.ts").then(({ NatsJetStream }) =>
      new NatsJetStream({
        client: () => this.#client(),
        clock: this.#clock,
        domain: this.#domain,
      })
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
    this.#checkBegun(`publish to "${subject}"`);
    options.signal?.throwIfAborted();
    checkSubject(subject);
    const headers = options.headers && checkHeaders(subject, options.headers);
    const frame = publishFrame(subject, encodePayload(subject, data), headers, replyTo);
    return this.#outbox.add(subject, frame, options);
  }

  /**
   * Subscribes, and resolves when the server has the subscription. While there is no connection it
   * resolves at once; on the next one the subscription precedes every message. A subscription that
   * the server refuses is logged, and tried again at each reconnect.
   */
  async subscribe(subject: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const { queueGroup } = options;
    this.#checkBegun(`subscribe to "${subject}"`);
    checkPattern(subject, queueGroup);
    const inbox: Inbox = new Inbox(subject, async () => {
      await this.#subscriptions.remove(receiver);
      this.#inboxes.delete(inbox);
      inbox.end();
    }, { ...options, clock: this.#clock });
    const receiver: Receiver = {
      pattern: subject,
      queueGroup,
      deliver: (message) => this.#intake.take(message as SizedMsg, inbox, options),
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
  async request(
    subject: string,
    data: JsonObject,
    timeout: number,
    { isReply = () => true }: RequestOptions = {},
  ): Promise<Message> {
    this.#checkBegun(`request "${subject}"`);
    checkSubject(subject);
    if (!this.#subscriptions.has(this.#replies)) void this.#subscriptions.add(this.#replies);
    const { subject: replyTo, reply, forget } = this.#replies.expect((message) => {
      const received = this.#intake.readReply(message);
      return received !== null && isReply(received.data) ? received : null;
    });
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
      if (answer === "no_responders") {
        throw new NoReplyError(`${failed}: nobody is subscribed`, "no_responders");
      }
      return answer;
    } finally {
      forget();
      done.abort(); // withdraws the request if it is not written yet
    }
  }

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
      if (isNew) this.#errors.error("bus.error", { error: message });
      else this.#logger.debug("bus.error", { error: message });
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

  async #close(signal?: AbortSignal): Promise<void> {
    this.#closing.abort();
    const connection = this.#connection;
    if (connection?.isUp && !signal?.aborted) {
      const done = new AbortController();
      signal?.addEventListener("abort", () => done.abort(), { once: true });
      const drained = Promise.all([this.#subscriptions.removeAll(), this.#outbox.empty()]);
      void Promise.race([drained, connection.closed]).then(() => done.abort());
      await this.#clock.sleep(CLOSE_TIMEOUT_MS, done.signal);
    }
    await connection?.close();
    this.#onDown();
    this.#outbox.rejectWaiting((subject) =>
      new BusClosedError(`Cannot publish to "${subject}": the bus was closed before it was written`)
    );
    for (const inbox of this.#inboxes) inbox.end();
    this.#inboxes.clear();
  }

  /** Without a call of `connect` everything would wait for ever. */
  #checkBegun(action: string): void {
    this.#checkOpen(action);
    if (this.#connecting !== null) return;
    throw new Error(`Cannot ${action}: the bus is not connected: call connect() first`);
  }

  #checkOpen(action: string): void {
    if (!this.#closing.signal.aborted) return;
    throw new BusClosedError(`Cannot ${action}: the bus is closed`);
  }
}

/** Rejects if the request cannot have arrived; else never settles, as a reply may still come. */
function failureOf(sent: Promise<void>): Promise<never> {
  const never = () => new Promise<never>(() => {});
  return sent.then(never, (error) => {
    if (error instanceof UnconfirmedError) return never();
    throw error;
  });
}
