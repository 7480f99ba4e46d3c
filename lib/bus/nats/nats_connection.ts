/**
 * One connection to one NATS server, from the handshake until it breaks. It never reconnects: when
 * the client reconnects by itself, it drops unwritten messages without reporting which.
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

/** Receives the events of a connection. */
export interface ConnectionListener {
  /** Called when the server refuses a message to `subject`, before its batch is confirmed. */
  onPublishRefused(subject: string, error: Error): void;
  onServerError(error: Error): void;
  /** Called when the server does not answer PINGs, before the connection is dropped. */
  onStale(): void;
  /** Called when the server is about to shut down. */
  onLameDuck(): void;
}

/** Receives the messages of one subscription. */
export interface Receiver {
  readonly pattern: string;
  readonly queueGroup?: string;
  deliver(message: Msg): void;
  refused(error: Error): void;
}

export class NatsConnection {
  readonly server: NatsServerAddress;
  /** Resolves with the reason when the connection has ended. */
  readonly closed: Promise<string>;
  /** The client's connection, for the client's JetStream packages. */
  readonly client: Client;
  readonly #transport: SocketTransport;
  readonly #listener: ConnectionListener;
  readonly #close = Promise.withResolvers<string>();
  readonly #unconfirmed = new Set<(isConfirmed: boolean) => void>();
  #isGone = false;
  /** What the client told last. */
  #lastStatus: Status | undefined;

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
    // The client reports a refusal only after the PONG that confirms the batch.
    transport.onServerError = (text) => {
      const error = PermissionViolationError.parse(text);
      if (error?.operation === "publish") listener.onPublishRefused(error.subject, error);
    };
    void this.#follow();
  }

  /** @throws {Error} the client's error if there is no connection within `options.timeout` ms */
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

  /** True while the socket is open. */
  get isUp(): boolean {
    return !this.#isGone && !this.#transport.isClosed;
  }

  /** True if the server says that it has JetStream. */
  get hasJetStream(): boolean {
    return this.client.info?.jetstream === true;
  }

  /** The maximum size of a message, with its headers, in bytes. */
  get maxPayload(): number {
    return this.client.info?.max_payload ?? Infinity;
  }

  /** The servers of the cluster that this one announces, as `host:port`. */
  get announced(): readonly string[] {
    return this.client.info?.connect_urls ?? [];
  }

  /** Writes frames. It has no effect unless {@link NatsConnection.isUp}. */
  write(frames: Uint8Array): void {
    this.#transport.send(frames);
  }

  /**
   * Resolves with true when the server has processed everything written so far: it answers a PING
   * only after that. Resolves with false when the connection breaks first.
   */
  confirm(): Promise<boolean> {
    if (!this.isUp) return Promise.resolve(false);
    // A callback on `closed` would stay in memory until the connection ends.
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
   * Subscribes. The receiver must not throw: that would end the reading of this connection.
   *
   * @returns a function that unsubscribes and resolves when the messages on their way have arrived
   */
  subscribe(receiver: Receiver): () => Promise<void> {
    const subscription = this.client.subscribe(receiver.pattern, {
      queue: receiver.queueGroup,
      callback: (error, message) => error ? receiver.refused(error) : receiver.deliver(message),
    });
    // Flushes the SUB, which the client buffers, so that messages written next follow it.
    void this.confirm();
    return async () => {
      if (!this.isUp || subscription.isClosed()) return;
      await Promise.race([subscription.drain(), this.closed]);
    };
  }

  /** Closes the connection at once, whether or not everything is confirmed. */
  async close(): Promise<void> {
    this.#gone("closed");
    await this.client.close();
  }

  async #follow(): Promise<void> {
    if (!this.client.isClosed()) {
      for await (const status of this.client.status()) {
        if (!this.#isGone) this.#onStatus(status);
      }
    }
    await this.client.closed(); // with an error that may be an old one
    const { lastWord, closeError } = this.#transport;
    this.#gone(lastWord ?? closeError?.message);
  }

  #onStatus(status: Status): void {
    const before = this.#lastStatus;
    this.#lastStatus = status;
    if (status.type === "error") {
      this.#listener.onServerError(status.error);
    } else if (status.type === "ldm") {
      this.#listener.onLameDuck();
    } else if (status.type === "staleConnection") {
      // Also what the client says when the server ends our authorization, right after its error.
      if (before?.type === "error") return this.#gone(before.error.message);
      this.#listener.onStale();
      this.#gone("the server does not answer pings");
    }
  }

  /** Ends the connection. Does not wait for the socket, which may be blocked for minutes. */
  #gone(reason = "the server closed the connection"): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#transport.discard();
    this.#close.resolve(reason);
    for (const settle of this.#unconfirmed) settle(false);
    void this.client.close();
  }
}
