/**
 * One connection to one NATS server, from the handshake until it breaks. It never reconnects: the
 * client's own way to do so throws away what it has not written, without telling whose it was.
 *
 * @module
 */
import {
  type ConnectionOptions,
  type Msg,
  type NatsConnection as Client,
  PermissionViolationError,
  type Status,
} from "@nats-io/nats-core";
import type { NatsServerAddress } from "./nats_servers.ts";
import { connectClient, type SocketTransport } from "./nats_transport.ts";

/** What a connection tells while it lives. */
export interface ConnectionListener {
  /** The server refuses what was published to `subject`; called before its batch is confirmed. */
  onPublishRefused(subject: string, error: Error): void;
  onServerError(error: Error): void;
  /** Pings are not answered any more: the connection is given up. */
  onStale(): void;
  /** The server is about to shut down. */
  onLameDuck(): void;
}

/** Where the messages of one subscription go. */
export interface Receiver {
  readonly pattern: string;
  readonly queueGroup?: string;
  deliver(message: Msg): void;
  refused(error: Error): void;
}

export class NatsConnection {
  readonly server: NatsServerAddress;
  /** Resolves when the connection is gone, with the reason. */
  readonly closed: Promise<string>;
  /** The client's connection, for what the client's own packages do with it. */
  readonly client: Client;
  readonly #transport: SocketTransport;
  readonly #listener: ConnectionListener;
  readonly #close = Promise.withResolvers<string>();
  readonly #unconfirmed = new Set<(isConfirmed: boolean) => void>();
  #isGone = false;
  /** Why the server would end the connection, if it has said so. */
  #lastError: Error | undefined;

  private constructor(
    client: Client,
    transport: SocketTransport,
    { server, listener }: { server: NatsServerAddress; listener: ConnectionListener },
  ) {
    this.client = client;
    this.#transport = transport;
    this.#listener = listener;
    this.server = server;
    this.closed = this.#close.promise;
    // The client tells of a refusal only after the PONG that confirms the batch.
    transport.onServerError = (text) => {
      const error = PermissionViolationError.parse(text);
      if (error?.operation === "publish") listener.onPublishRefused(error.subject, error);
    };
    void this.#follow();
  }

  /**
   * @param signal gives up
   * @throws what the client throws when there is no connection within `options.timeout` ms
   */
  static async open(
    server: NatsServerAddress,
    options: ConnectionOptions,
    listener: ConnectionListener,
    signal: AbortSignal,
  ): Promise<NatsConnection> {
    const all = {
      ...options,
      servers: [server.address],
      reconnect: false,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
    };
    const { client, transport } = await connectClient(all, signal);
    return new NatsConnection(client, transport, { server, listener });
  }

  /** Whether what is written now goes to a live socket. */
  get isUp(): boolean {
    return !this.#isGone && !this.#transport.isClosed;
  }

  /** Whether the server says that it has JetStream. */
  get hasJetStream(): boolean {
    return this.client.info?.jetstream === true;
  }

  /** The largest message that the server takes, headers included, in bytes. */
  get maxPayload(): number {
    return this.client.info?.max_payload ?? Infinity;
  }

  /** Other servers of the cluster, as this one announces them: `host:port`. */
  get announced(): readonly string[] {
    return this.client.info?.connect_urls ?? [];
  }

  /** Writes frames. Only while {@link NatsConnection.isUp}. */
  write(frames: Uint8Array): void {
    this.#transport.send(frames);
  }

  /**
   * Resolves with true when the server has taken everything written so far: it answers a PING after
   * what came before it. Resolves with false when the connection breaks first.
   */
  confirm(): Promise<boolean> {
    if (!this.isUp) return Promise.resolve(false);
    // What is chained to `closed` stays in memory for as long as the connection lives.
    return new Promise((resolve) => {
      const settle = (isConfirmed: boolean) => {
        this.#unconfirmed.delete(settle);
        resolve(isConfirmed);
      };
      this.#unconfirmed.add(settle);
      this.client.flush().then(() => settle(true), () => settle(false));
    });
  }

  /**
   * The receiver must not throw: that would end the reading of this connection.
   *
   * @returns what ends the subscription; it resolves when all that was on its way has arrived
   */
  subscribe(receiver: Receiver): () => Promise<void> {
    const subscription = this.client.subscribe(receiver.pattern, {
      queue: receiver.queueGroup,
      callback: (error, message) => error ? receiver.refused(error) : receiver.deliver(message),
    });
    // The client holds the SUB back until the end of the tick: what is written next must not pass.
    void this.confirm();
    return async () => {
      if (!this.isUp || subscription.isClosed()) return;
      await Promise.race([subscription.drain(), this.closed]);
    };
  }

  /** Closes at once. What matters should have been confirmed before. */
  async close(): Promise<void> {
    this.#gone("closed");
    await this.client.close();
  }

  /** Listens until the connection is gone. */
  async #follow(): Promise<void> {
    if (!this.client.isClosed()) {
      for await (const status of this.client.status()) {
        if (!this.#isGone) this.#onStatus(status);
      }
    }
    const error = await this.client.closed();
    this.#gone((error ?? this.#lastError)?.message);
  }

  #onStatus(status: Status): void {
    if (status.type === "error") {
      const { error } = status;
      if (!(error instanceof PermissionViolationError)) this.#lastError = error;
      this.#listener.onServerError(error);
    } else if (status.type === "ldm") {
      this.#listener.onLameDuck();
    } else if (status.type === "staleConnection") {
      // Also what the client says when the server ends our authorization.
      if (this.#lastError === undefined) this.#listener.onStale();
      this.#gone(this.#lastError?.message ?? "the server does not answer pings");
    }
  }

  /** Never waits for the socket: one whose other end has gone may not take a byte for minutes. */
  #gone(reason = "the server closed the connection"): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#transport.discard();
    this.#close.resolve(reason);
    for (const settle of this.#unconfirmed) settle(false);
    void this.client.close();
  }
}
