import {
  connect,
  headers as natsHeaders,
  type Msg,
  type NatsConnection,
  NatsConnectionImpl,
  type NodeConnectionOptions,
  type Server,
  type Status,
} from "@nats-io/transport";
import { defaultLogger, type Logger } from "../log/logger.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { backoff } from "./backoff.ts";
import { Inbox } from "./inbox.ts";
import { BusClosedError, BusConnectError, NoReplyError } from "./message_bus.ts";
import type { JsonObject, Message, MessageBus, PublishOptions } from "./message_bus.ts";
import type { Subscription } from "./message_bus.ts";
import { explain, isAuthorizationError } from "./nats_errors.ts";
import { identityOptions, type NatsCredentials, type NatsTls } from "./nats_options.ts";
import { parseServers, type Servers } from "./nats_servers.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { decodePayload, encodePayload } from "./payload.ts";

export interface NatsBusOptions {
  /** URLs; each may be a comma-separated list. */
  servers: string | readonly string[];
  /** What the server's monitoring shows. */
  name?: string;
  credentials?: NatsCredentials;
  tls?: NatsTls;
  /** Start without a server and keep trying. Default: false. */
  waitForFirst?: boolean;
  /** How long `connect` tries, in milliseconds. Default: 10,000. */
  connectTimeout?: number;
  /** A connection that answers no ping for two of these, in milliseconds, is dead. */
  pingInterval?: number;
  logger?: Logger;
  clock?: Clock;
}

const CONNECT_TIMEOUT = 10_000;
/** The client's two minutes would leave a night's jobs in a half-open connection. */
const PING_INTERVAL = 10_000;
/** At a close, what was published gets this long to be confirmed, in milliseconds. */
const CLOSE_TIMEOUT = 5000;
/** Between the attempts of the first connect, in milliseconds. */
const FIRST_CONNECT_WAIT = 250;

/** A bus on a NATS server: core NATS, at most once. */
export class NatsBus implements MessageBus {
  readonly #options: NatsBusOptions;
  readonly #servers: Servers;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #subscriptions = new Map<Inbox, string | undefined>();
  readonly #ends = new Map<Inbox, () => void>();
  readonly #closing = new AbortController();
  #connection: NatsConnectionImpl | null = null;
  #failures = 0;
  #onConnected: (() => void)[] = [];
  #closed: Promise<void> | null = null;

  /** @throws {TypeError} when a server's URL is none */
  constructor(options: NatsBusOptions) {
    this.#options = options;
    this.#servers = parseServers(options.servers);
    this.#logger = options.logger ?? defaultLogger();
    this.#clock = options.clock ?? systemClock;
    this.#outbox = new Outbox({
      isUp: () => this.connected,
      write: (message) => this.#write(message),
      flush: () => this.#connection!.flush(),
      pause: () => this.#clock.sleep(0),
    });
  }

  get connected(): boolean {
    // The protocol knows at once; the client's status events come several microtasks later, and
    // what is written in between would be thrown away.
    return this.#connection?.protocol.connected === true && !this.#connection.isClosed();
  }

  async connect(): Promise<void> {
    let options: NodeConnectionOptions;
    try {
      options = await this.#clientOptions();
    } catch (cause) {
      throw new BusConnectError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
    if (this.#options.waitForFirst) void this.#dialForEver(options);
    else await this.#dialFirst(options);
  }

  async whenConnected(signal?: AbortSignal): Promise<void> {
    if (this.connected || signal?.aborted) return;
    await new Promise<void>((resolve) => {
      this.#onConnected.push(resolve);
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  publish(subject: string, data: JsonObject, options: PublishOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted) {
        throw new BusClosedError(`Cannot publish to "${subject}": the bus is closed`);
      }
      const { headers, signal } = options;
      signal?.throwIfAborted();
      const payload = encodePayload(subject, data);
      if (signal === undefined) {
        this.#outbox.add({ subject, payload, headers, resolve, reject });
        return;
      }
      const withdraw = () => {
        if (this.#outbox.withdraw(message)) reject(signal.reason);
      };
      const settled = () => signal.removeEventListener("abort", withdraw);
      const message: Outgoing = {
        subject,
        payload,
        headers,
        resolve: () => (settled(), resolve()),
        reject: (reason) => (settled(), reject(reason)),
      };
      signal.addEventListener("abort", withdraw);
      this.#outbox.add(message);
    });
  }

  /**
   * Resolves once the server knows of the subscription; while there is no connection at once, since
   * nothing can be missed then: it begins with the connection.
   */
  async subscribe(subject: string, queueGroup?: string): Promise<Subscription> {
    if (this.#closing.signal.aborted) {
      throw new BusClosedError(`Cannot subscribe to "${subject}": the bus is closed`);
    }
    const inbox: Inbox = new Inbox(subject, () => {
      this.#ends.get(inbox)?.();
      this.#subscriptions.delete(inbox);
      inbox.end();
      return Promise.resolve();
    });
    this.#subscriptions.set(inbox, queueGroup);
    if (this.#connection !== null) {
      this.#attach(this.#connection, inbox, queueGroup);
      if (this.connected) await this.#connection.flush().catch(() => {});
    }
    return inbox;
  }

  async request(subject: string, data: JsonObject, timeout: number): Promise<Message> {
    if (this.#connection === null) {
      throw new NoReplyError(`Cannot request "${subject}": not connected`, "timeout");
    }
    const payload = encodePayload(subject, data);
    try {
      const reply = await this.#connection.request(subject, payload, { timeout });
      return this.#received(reply)!;
    } catch (cause) {
      const noResponders = explain(cause).includes("no responders");
      throw new NoReplyError(
        `Cannot request "${subject}": ` +
          (noResponders ? "nobody is subscribed" : `no reply within ${timeout} ms`),
        noResponders ? "no_responders" : "timeout",
        { cause },
      );
    }
  }

  async #clientOptions(): Promise<NodeConnectionOptions> {
    const { credentials = {}, tls = {}, name, pingInterval = PING_INTERVAL } = this.#options;
    return {
      ...await identityOptions(this.#servers, credentials, tls),
      name,
      pingInterval,
      maxPingOut: 2,
      timeout: 5000,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
      // The client asks this once per turn of its loop, not per attempt: the waiting is done in
      // reconnectToServer, which it asks exactly once before each attempt.
      reconnectDelayHandler: () => 0,
      reconnectToServer: (pool) => this.#nextAttempt(pool),
    };
  }

  #nextAttempt(pool: readonly Server[]): { server: Server; delay: number } | null {
    const [server] = pool;
    if (server === undefined || this.#connection === null) return null;
    const round = Math.floor(this.#failures++ / pool.length);
    return { server, delay: backoff(round) };
  }

  /** Tries until `connectTimeout` is over; wrong credentials do not get better by waiting. */
  async #dialFirst(options: NodeConnectionOptions): Promise<void> {
    const { connectTimeout = CONNECT_TIMEOUT } = this.#options;
    const end = this.#clock.monotonic() + connectTimeout;
    for (;;) {
      const left = end - this.#clock.monotonic();
      try {
        await this.#dial({ ...options, timeout: Math.max(1, Math.min(5000, left)) });
        return;
      } catch (cause) {
        this.#throwIfClosing();
        const isOver = this.#clock.monotonic() + FIRST_CONNECT_WAIT >= end;
        if (!isOver && !isAuthorizationError(cause)) {
          await this.#clock.sleep(FIRST_CONNECT_WAIT, this.#closing.signal);
          this.#throwIfClosing();
          continue;
        }
        const message = `Cannot connect to ${this.#servers.shown}: ${explain(cause)}`;
        throw new BusConnectError(message, { cause });
      }
    }
  }

  async #dialForEver(options: NodeConnectionOptions): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted; failures++) {
      try {
        await this.#dial(options);
        return;
      } catch (cause) {
        const wait = backoff(failures);
        this.#logger.warning("bus.connect_failed", {
          servers: this.#servers.shown,
          error: explain(cause),
          retry_in_ms: wait,
        });
        await this.#clock.sleep(wait, this.#closing.signal);
      }
    }
  }

  async #dial(options: NodeConnectionOptions): Promise<void> {
    const connection = await connect(options);
    if (!(connection instanceof NatsConnectionImpl)) {
      throw new TypeError("Cannot connect: the client returned a connection of an unknown kind");
    }
    if (this.#closing.signal.aborted) {
      await connection.close();
      this.#throwIfClosing();
    }
    this.#connection = connection;
    this.#logger.info("bus.connected", { server: connection.getServer() });
    for (const [inbox, queueGroup] of this.#subscriptions) {
      this.#attach(connection, inbox, queueGroup);
    }
    void this.#watch(connection);
    void connection.closed().then((error) => this.#onClientClosed(connection, options, error));
    this.#nowConnected();
  }

  #nowConnected(): void {
    this.#failures = 0;
    for (const resolve of this.#onConnected.splice(0)) resolve();
    this.#outbox.pump();
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) this.#onStatus(status);
  }

  #onStatus(status: Status): void {
    switch (status.type) {
      case "disconnect":
        this.#logger.warning("bus.disconnected", { server: status.server });
        this.#onConnectionLost();
        break;
      case "reconnect":
        this.#logger.info("bus.reconnected", { server: status.server });
        this.#nowConnected();
        break;
      case "staleConnection":
        this.#logger.warning("bus.stale_connection", { servers: this.#servers.shown });
        break;
      case "ldm":
        this.#logger.warning("bus.server_shutting_down", { server: status.server });
        break;
      case "error":
        this.#logger.error("bus.error", { error: explain(status.error) });
        break;
    }
  }

  #onConnectionLost(): void {
    const count = this.#outbox.connectionLost();
    if (count > 0) this.#logger.warning("bus.unconfirmed", { count });
  }

  /** The client gives up by itself only when it cannot go on; the bus then begins anew. */
  #onClientClosed(
    connection: NatsConnection,
    options: NodeConnectionOptions,
    error: void | Error,
  ): void {
    if (this.#closing.signal.aborted || this.#connection !== connection) return;
    this.#connection = null;
    this.#onConnectionLost();
    this.#logger.error("bus.disconnected", {
      servers: this.#servers.shown,
      error: error ? explain(error) : null,
    });
    void this.#dialForEver(options);
  }

  #attach(connection: NatsConnection, inbox: Inbox, queue: string | undefined): void {
    const subscription = connection.subscribe(inbox.subject, {
      queue,
      callback: (error, message) => {
        if (error !== null) {
          // The server refused it, and will again: a permission, or a subject that is none.
          this.#logger.error("bus.subscription_refused", {
            subject: inbox.subject,
            error: explain(error),
          });
          inbox.end();
          return;
        }
        const received = this.#received(message);
        if (received !== null) inbox.push(received);
      },
    });
    this.#ends.set(inbox, () => {
      if (!connection.isClosed()) subscription.unsubscribe();
    });
  }

  #received(message: Msg): Message | null {
    const { subject, reply } = message;
    let data: JsonObject;
    try {
      data = decodePayload(message.data);
    } catch (error) {
      this.#logger.warning("bus.malformed_message_skipped", { subject, error });
      return null;
    }
    const headers: Record<string, string> = {};
    for (const [name, values] of message.headers ?? []) headers[name] = values[0] ?? "";
    if (!reply) return { subject, data, headers };
    return { subject, data, headers, respond: (answer) => this.publish(reply, answer) };
  }

  #write({ subject, payload, headers }: Outgoing): void {
    const connection = this.#connection!;
    if (headers === undefined) {
      this.#checked(subject, payload, () => connection.publish(subject, payload));
      return;
    }
    const encoded = natsHeaders();
    for (const [name, value] of Object.entries(headers)) encoded.set(name, value);
    this.#checked(
      subject,
      payload,
      () => connection.publish(subject, payload, { headers: encoded }),
    );
  }

  #checked(subject: string, payload: string, write: () => void): void {
    try {
      write();
    } catch (cause) {
      const limit = this.#connection?.info?.max_payload;
      throw new Error(
        `Cannot publish ${payload.length} characters to "${subject}": ${explain(cause)}` +
          (limit === undefined ? "" : ` (the server takes at most ${limit} bytes)`),
        { cause },
      );
    }
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const closed = new BusClosedError("The bus was closed before the message was written");
    for (const inbox of [...this.#subscriptions.keys()]) inbox.end();
    if (this.connected) {
      const done = new AbortController();
      const emptied = this.#outbox.empty().then(() => this.#connection?.flush()).catch(() => {});
      void emptied.then(() => done.abort());
      await this.#clock.sleep(CLOSE_TIMEOUT, done.signal);
    }
    this.#outbox.rejectWaiting(closed);
    await this.#connection?.close();
    this.#outbox.connectionLost();
    for (const resolve of this.#onConnected.splice(0)) resolve();
  }

  #throwIfClosing(): void {
    if (this.#closing.signal.aborted) throw new BusClosedError("Cannot connect: the bus is closed");
  }
}
