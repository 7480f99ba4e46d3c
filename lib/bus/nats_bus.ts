import type { Msg } from "@nats-io/transport";
import { defaultLogger, type Logger } from "../log/logger.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { backoff } from "./backoff.ts";
import { Inbox } from "./inbox.ts";
import {
  BusClosedError,
  BusConnectError,
  type JsonObject,
  type Message,
  type MessageBus,
  NoReplyError,
  type PublishOptions,
  type Subscription,
  UnconfirmedError,
} from "./message_bus.ts";
import type { ConnectionListener, NatsConnection, Receiver } from "./nats_connection.ts";
import { describeFailures, Dialer, type Failure } from "./nats_dialer.ts";
import { isAuthorizationError } from "./nats_errors.ts";
import { publishFrame } from "./nats_frame.ts";
import { IdentityError, type NatsCredentials, type NatsTls } from "./nats_identity.ts";
import { isNoResponders, Replies } from "./nats_replies.ts";
import { type NatsServerAddress, parseServers } from "./nats_servers.ts";
import { Outbox } from "./outbox.ts";
import { checkHeaders, decodePayload, encodePayload } from "./payload.ts";
import { checkPattern, checkSubject } from "./subject.ts";

export interface NatsBusOptions {
  /** URLs as in {@link parseServers}; each may be a comma-separated list. */
  servers: string | readonly string[];
  /** What the server's monitoring shows. */
  name?: string;
  /** For servers whose URL carries none. */
  credentials?: NatsCredentials;
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
  logger?: Logger;
  clock?: Clock;
}

const CONNECT_TIMEOUT = 10_000;
/** Between two rounds of the first connect, in milliseconds. */
const FIRST_CONNECT_WAIT = 250;
/** For one server to answer, in milliseconds. */
const DIAL_TIMEOUT = 5000;
/** With the client's two minutes, a half-open connection would swallow the firings of six. */
const PING_INTERVAL = 10_000;
const MAX_PINGS_OUT = 2;
/** How long `close` waits for what was published to be confirmed, in milliseconds. */
const CLOSE_TIMEOUT = 5000;

/** A subscription and where it stands on the connection of the moment. */
interface Registration {
  readonly receiver: Receiver;
  /** Ends it on the connection of the moment. */
  stop: () => Promise<void>;
}

/**
 * A bus on a NATS server, over core NATS: at most once. See {@link MessageBus} for what it promises,
 * and {@link Outbox} for what happens to messages when the connection breaks.
 *
 * After the first connection it reconnects for ever, with waits that grow from 1 s to 30 s, also
 * when the server refuses the credentials: they may be valid again tomorrow. It logs
 * `bus.connected`, `bus.disconnected`, `bus.reconnected`, `bus.reconnect_failed` (each reason once,
 * repetitions at debug level), `bus.unconfirmed`, `bus.error`, `bus.stale_connection`,
 * `bus.lame_duck`, `bus.subscription_refused` and `bus.malformed_message_skipped`.
 */
export class NatsBus implements MessageBus {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #servers: NatsServerAddress[];
  readonly #dialer: Dialer;
  readonly #waitForFirst: boolean;
  readonly #connectTimeout: number;
  readonly #outbox = new Outbox();
  readonly #replies = new Replies();
  readonly #registrations = new Set<Registration>();
  readonly #inboxes = new Set<Inbox>();
  readonly #closing = new AbortController();
  #connection: NatsConnection | null = null;
  #onConnected: (() => void)[] = [];
  #connecting: Promise<void> | null = null;
  #closed: Promise<void> | null = null;

  /** @throws {TypeError} when a server's URL is none */
  constructor(options: NatsBusOptions) {
    const { name, credentials = {}, tls = {}, pingInterval = PING_INTERVAL } = options;
    this.#logger = options.logger ?? defaultLogger();
    this.#clock = options.clock ?? systemClock;
    this.#waitForFirst = options.waitForFirst ?? false;
    this.#connectTimeout = options.connectTimeout ?? CONNECT_TIMEOUT;
    this.#servers = parseServers(options.servers);
    const client = { name, pingInterval, maxPingOut: MAX_PINGS_OUT };
    this.#dialer = new Dialer({ servers: this.#servers, credentials, tls, client });
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
  connect(): Promise<void> {
    if (this.#closed !== null) this.#connecting = null;
    this.#connecting ??= this.#connect().catch((error) => {
      this.#connecting = null; // another attempt may be made
      throw error;
    });
    return this.#connecting;
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

  publish(subject: string, data: JsonObject, options: PublishOptions = {}): Promise<void> {
    try {
      this.#checkOpen(`publish to "${subject}"`);
      options.signal?.throwIfAborted();
      checkSubject(subject);
      const headers = options.headers && checkHeaders(subject, options.headers);
      const frame = publishFrame(subject, encodePayload(subject, data), headers);
      return this.#outbox.add(subject, frame, options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Resolves when the server knows of the subscription. While there is no connection it resolves at
   * once: nobody can be reached then, and the subscription is made before anything is written to
   * the next connection. One that the server refuses is logged and tried again at each reconnect.
   */
  async subscribe(subject: string, queueGroup?: string): Promise<Subscription> {
    this.#checkOpen(`subscribe to "${subject}"`);
    checkPattern(subject, queueGroup);
    const inbox: Inbox = new Inbox(subject, async () => {
      this.#registrations.delete(registration);
      await registration.stop();
      this.#inboxes.delete(inbox);
      inbox.end();
    });
    this.#inboxes.add(inbox);
    const registration = this.#register({
      pattern: subject,
      queueGroup,
      deliver: (message) => {
        const received = this.#receive(message);
        if (received !== null) inbox.push(received);
      },
      refused: (error) =>
        this.#logger.error("bus.subscription_refused", {
          subject,
          queue_group: queueGroup ?? null,
          error: error.message,
        }),
    });
    await this.#connection?.confirm();
    return inbox;
  }

  /** The time to (re)connect counts against `timeout`. */
  async request(subject: string, data: JsonObject, timeout: number): Promise<Message> {
    this.#checkOpen(`request "${subject}"`);
    checkSubject(subject);
    if (![...this.#registrations].some(({ receiver }) => receiver === this.#replies)) {
      this.#register(this.#replies);
    }
    const { subject: replyTo, reply, forget } = this.#replies.expect();
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.#closing.signal]);
    try {
      const frame = publishFrame(subject, encodePayload(subject, data), undefined, replyTo);
      const sent = this.#outbox.add(subject, frame, done.signal);
      // Whether it arrived or not: only a reply tells.
      const failed = sent.then(forEver, (error) => {
        if (error instanceof UnconfirmedError) return forEver();
        throw error;
      });
      const answer = await Promise.race([
        reply,
        failed,
        this.#clock.sleep(timeout, signal).then(() => null),
      ]);
      if (answer === null) this.#checkOpen(`request "${subject}"`);
      return this.#answer(subject, answer, timeout);
    } finally {
      forget();
      done.abort(new NoReplyError(`Gave up the request on "${subject}"`, "timeout"));
    }
  }

  async #connect(): Promise<void> {
    this.#checkOpen("connect");
    try {
      await this.#dialer.checkIdentity();
    } catch (cause) {
      if (!(cause instanceof IdentityError)) throw cause;
      throw new BusConnectError(cause.message, { cause });
    }
    if (this.#waitForFirst) void this.#keepConnected(null);
    else void this.#keepConnected(await this.#dialFirst());
  }

  async #dialFirst(): Promise<NatsConnection> {
    const end = this.#clock.monotonic() + this.#connectTimeout;
    const { signal } = this.#closing;
    // Several that do not answer must all get their turn.
    const share = this.#connectTimeout / this.#servers.length;
    for (;;) {
      const left = end - this.#clock.monotonic();
      const timeout = Math.max(1, Math.min(DIAL_TIMEOUT, share, left));
      const dialed = await this.#dial(timeout);
      this.#checkOpen("connect");
      if (!Array.isArray(dialed)) {
        this.#adopt(dialed);
        this.#logger.info("bus.connected", { server: dialed.server.shown });
        return dialed;
      }
      const isRefused = dialed.every(({ error }) => isAuthorizationError(error));
      if (isRefused || this.#clock.monotonic() + FIRST_CONNECT_WAIT >= end) {
        throw this.#connectError(dialed, isRefused);
      }
      await this.#clock.sleep(FIRST_CONNECT_WAIT, signal);
    }
  }

  #connectError(failures: Failure[], isRefused: boolean): BusConnectError {
    const tried = isRefused ? "" : ` (tried for ${this.#connectTimeout / 1000} s)`;
    return new BusConnectError(`Cannot connect to ${describeFailures(failures)}${tried}`, {
      cause: failures.at(-1)?.error,
    });
  }

  /** Lives as long as the bus: waits for the connection to break, and makes another. */
  async #keepConnected(connection: NatsConnection | null): Promise<void> {
    while (!this.#closing.signal.aborted) {
      if (connection !== null) {
        const reason = await connection.closed;
        if (this.#closing.signal.aborted) return;
        this.#logger.warning("bus.disconnected", { server: connection.server.shown, reason });
        this.#lose();
      }
      const event = connection === null ? "bus.connected" : "bus.reconnected";
      connection = await this.#dialForEver(connection !== null);
      if (connection !== null) this.#logger.info(event, { server: connection.server.shown });
    }
  }

  /** @returns null when the bus is closed meanwhile */
  async #dialForEver(waitFirst: boolean): Promise<NatsConnection | null> {
    const { signal } = this.#closing;
    let lastLogged = "";
    for (let failures = 0; !signal.aborted; failures++) {
      if (waitFirst || failures > 0) {
        await this.#clock.sleep(backoff(waitFirst ? failures : failures - 1), signal);
        if (signal.aborted) break;
      }
      const dialed = await this.#dial(DIAL_TIMEOUT);
      if (!Array.isArray(dialed)) {
        if (signal.aborted) break;
        this.#adopt(dialed);
        return dialed;
      }
      const error = describeFailures(dialed);
      const level = error === lastLogged ? "debug" : "warning";
      if (!signal.aborted) this.#logger[level]("bus.reconnect_failed", { error });
      lastLogged = error;
    }
    return null;
  }

  /** As {@link Dialer.dial}; gives up waiting when the bus is closed. */
  async #dial(timeout: number): Promise<NatsConnection | Failure[]> {
    const { signal } = this.#closing;
    const dialed = this.#dialer.dial(this.#listener, timeout, signal).then(async (result) => {
      if (signal.aborted && !Array.isArray(result)) await result.close();
      return result;
    });
    const aborted = Promise.withResolvers<Failure[]>();
    const onAbort = () => aborted.resolve([]);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([dialed, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
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
    onServerError: (error) => this.#logger.error("bus.error", { error: error.message }),
    onStale: () => this.#logger.warning("bus.stale_connection", { unanswered: MAX_PINGS_OUT }),
    onLameDuck: () => this.#logger.warning("bus.lame_duck"),
  };

  #adopt(connection: NatsConnection): void {
    this.#connection = connection;
    for (const registration of this.#registrations) {
      registration.stop = connection.subscribe(registration.receiver);
    }
    this.#outbox.attach(connection);
    for (const resolve of this.#onConnected.splice(0)) resolve();
  }

  #lose(): void {
    this.#connection = null;
    for (const registration of this.#registrations) registration.stop = () => Promise.resolve();
    const count = this.#outbox.detach();
    if (count > 0) this.#logger.warning("bus.unconfirmed", { count });
  }

  #register(receiver: Receiver): Registration {
    const stop = this.connected ? this.#connection!.subscribe(receiver) : () => Promise.resolve();
    const registration = { receiver, stop };
    this.#registrations.add(registration);
    return registration;
  }

  /** @returns null for what is no message of ours */
  #receive(message: Msg): Message | null {
    const { subject, reply } = message;
    const headers: Record<string, string> = {};
    let data: JsonObject;
    try {
      data = decodePayload(message.data);
      for (const [name, values] of message.headers ?? []) headers[name] = values[0] ?? "";
    } catch (error) {
      this.#logger.warning("bus.malformed_message_skipped", {
        subject,
        size: message.data.length,
        error: error instanceof Error ? error.message : String(error),
      });
      return null;
    }
    if (!reply) return { subject, data, headers };
    return { subject, data, headers, respond: (answer) => this.publish(reply, answer) };
  }

  #answer(subject: string, answer: Msg | null, timeout: number): Message {
    const failed = `No reply to the request on "${subject}"`;
    if (answer === null) {
      throw new NoReplyError(`${failed}: nobody answered within ${timeout} ms`, "timeout");
    }
    if (isNoResponders(answer)) {
      throw new NoReplyError(`${failed}: nobody is subscribed`, "no_responders");
    }
    const message = this.#receive(answer);
    if (message !== null) return message;
    throw new TypeError(
      `Cannot read the reply to the request on "${subject}": it is no JSON object`,
    );
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const connection = this.#connection;
    if (connection?.isUp) {
      const done = new AbortController();
      const stopped = [...this.#registrations].map(({ stop }) => stop());
      const drained = Promise.all([...stopped, this.#outbox.empty()]);
      void Promise.race([drained, connection.closed]).then(() => done.abort());
      await this.#clock.sleep(CLOSE_TIMEOUT, done.signal);
    }
    await connection?.close();
    this.#lose();
    this.#outbox.rejectWaiting((subject) =>
      new BusClosedError(`Cannot publish to "${subject}": the bus was closed before it was written`)
    );
    for (const inbox of this.#inboxes) inbox.end();
    this.#registrations.clear();
    this.#inboxes.clear();
  }

  #checkOpen(action: string): void {
    if (!this.#closing.signal.aborted) return;
    throw new BusClosedError(`Cannot ${action}: the bus is closed`);
  }
}

function forEver(): Promise<never> {
  return new Promise(() => {});
}
