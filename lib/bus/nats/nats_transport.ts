/**
 * The transport of a NATS connection. It replaces the client's transport for Node, which has two
 * faults: a TLS alert directly after the handshake (the server refuses our certificate) has no
 * listener and ends the process, and an attempt that timed out leaves its socket open.
 *
 * @module
 */
import {
  AuthorizationError,
  type ConnectionOptions,
  type NatsConnection,
  type Server,
  type ServerInfo,
  UserAuthenticationExpiredError,
} from "@nats-io/nats-core";
import {
  checkOptions,
  INFO,
  NatsConnectionImpl,
  setTransportFactory,
  type Transport,
} from "@nats-io/nats-core/internal";
import { Buffer } from "node:buffer";
import { lookup, type LookupAddress } from "node:dns";
import { connect as connectSocket, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import { ServerErrors } from "./server_errors.ts";

/** Options for the transport; the client passes all of its options on. */
interface OwnOptions extends ConnectionOptions {
  /** Cancels the attempt. */
  readonly signal?: AbortSignal;
  /** Called with the transport of each attempt; a host may have several addresses. */
  readonly onAttempt?: (transport: SocketTransport) => void;
}

/**
 * Opens a connection of the client, and returns it with its transport.
 *
 * @throws {Error} the client's error if there is no connection within `options.timeout` ms
 */
export async function connectClient(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<{ client: NatsConnection; transport: SocketTransport }> {
  setTransportFactory({
    factory: () => new SocketTransport(),
    dnsResolveFn: resolveHost,
  });
  const attempts: SocketTransport[] = [];
  const own: OwnOptions = { ...options, signal, onAttempt: (each) => void attempts.push(each) };
  const client = await NatsConnectionImpl.connect(own);
  const transport = attempts.at(-1);
  if (transport !== undefined && !transport.isClosed) return { client, transport };
  await client.close();
  // The factory is global in the process: another user of the client may have replaced it.
  throw new Error(
    transport === undefined
      ? "another NATS client of this process has replaced the transport"
      : "the server closed the connection",
  );
}

/** By a callback: the promise of Deno 2.6 prints that its own use of `punycode` is deprecated. */
async function resolveHost(host: string): Promise<string[]> {
  const found = await new Promise<LookupAddress[]>((resolve, reject) => {
    lookup(host, { all: true }, (error, all) => error === null ? resolve(all) : reject(error));
  });
  return found.map(({ address }) => address);
}

/** A longer INFO line is not one of a NATS server. */
const MAX_INFO_BYTES = 2 ** 20;
/** Errors about one message or subscription, which do not end the connection. */
const IS_NOT_FINAL = /^(?:Permissions Violation|Maximum Subscriptions|Invalid )/i;

export class SocketTransport implements Transport {
  /** The language and its version, which the server's monitoring shows. */
  readonly lang = "deno";
  readonly version = Deno.version.deno;
  closeError?: Error;
  /** Called with each error of the server before the client reads it. */
  onServerError: (text: string) => void = () => {};
  readonly #serverErrors = new ServerErrors();
  #socket: Socket | undefined;
  #isEncrypted = false;
  #isConnected = false;
  #isDone = false;
  #error: Error | undefined;
  /** What the client writes first, which is sent in one piece; null once it was sent. */
  #firstWords: Uint8Array[] | null = [];
  #arrived: Uint8Array[] = [];
  #onArrival = () => {};
  /** Called once, in the turn of the event loop in which the server's INFO is complete. */
  #onInfo: ((info: ServerInfo) => void) | null = null;
  readonly #closed = Promise.withResolvers<void | Error>();
  /** Rejects when the socket ends before it is connected. */
  readonly #failed = Promise.withResolvers<never>();

  constructor() {
    this.#failed.promise.catch(() => {});
  }

  get isClosed(): boolean {
    return this.#isDone;
  }

  /** The server's reason for ending the connection, in its words; null if it gave none. */
  get lastWord(): string | null {
    const { last } = this.#serverErrors;
    return last === null || IS_NOT_FINAL.test(last) ? null : last;
  }

  async connect(server: Server, options: OwnOptions): Promise<void> {
    const { signal, onAttempt } = options;
    onAttempt?.(this);
    const onAbort = () => this.discard();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#failed.promise, this.#handshake(server, options)]);
    } catch (error) {
      this.discard();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    for (;;) {
      const arrived = this.#arrived;
      this.#arrived = [];
      for (const bytes of arrived) yield bytes;
      if (this.#arrived.length > 0) continue;
      if (this.#isDone) return;
      await new Promise<void>((resolve) => this.#onArrival = resolve);
    }
  }

  isEncrypted(): boolean {
    return this.#isEncrypted;
  }

  send(bytes: Uint8Array): void {
    if (this.#isDone) return;
    if (this.#firstWords === null) return void this.#socket?.write(bytes);
    // A server that accepts no more connections says so and closes. A write after that resets the
    // socket before the reason is read.
    if (this.#firstWords.push(bytes) > 1) return;
    queueMicrotask(() => {
      const words = this.#firstWords ?? [];
      this.#firstWords = null;
      this.send(Buffer.concat(words));
    });
  }

  close(error?: Error): Promise<void> {
    if (this.#isConnected) this.#end(error);
    else this.discard();
    return Promise.resolve();
  }

  disconnect(): void {
    this.#end();
  }

  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }

  /** Ends the connection without resolving {@link closed}. */
  discard(): void {
    this.#isDone = true;
    this.#socket?.destroy();
    this.#failed.reject(this.#reason ?? new Error("the server closed the connection"));
    this.#onArrival();
  }

  async #handshake(server: Server, options: ConnectionOptions): Promise<void> {
    const { hostname: host, port } = server;
    const { handshakeFirst, ...tls } = options.tls ?? {};
    // The certificate must name the host of the URL, even if the client has resolved its address.
    const tlsOptions: TlsOptions = {
      host,
      ...tls,
      ...(server.tlsName && { servername: server.tlsName }),
    };
    const encrypt = async (by: TlsOptions) => {
      await this.#open(connectTls({ ...tlsOptions, ...by }), "secureConnect");
      this.#isEncrypted = true;
    };
    const informed = new Promise<void>((resolve) => {
      this.#onInfo = (info) => {
        checkOptions(info, options);
        const wantsTls = info.tls_required || (info.tls_available && options.tls !== null);
        if (!wantsTls || handshakeFirst) return resolve();
        // Not a turn later: an older Deno reads on, and cannot hand what it reads to TLS.
        const socket = this.#socket;
        socket?.removeAllListeners("data");
        resolve(encrypt({ socket }));
      };
    });
    if (handshakeFirst) await encrypt({ host, port });
    else await this.#open(connectSocket({ host, port }), "connect");
    await informed;
    this.#isConnected = true;
  }

  /** Waits for `event`, then reads. An error without a listener would end the process. */
  async #open(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
    this.#socket = socket;
    socket.on("error", (error) => this.#error ??= error);
    socket.on("close", () => this.#isConnected ? this.#end(this.#reason) : this.discard());
    await new Promise<void>((resolve) => socket.once(event, resolve));
    // The option of connect() has no effect in Deno 2.6; every second write then waits 40 ms.
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => {
      for (const text of this.#serverErrors.read(bytes)) this.onServerError(text);
      this.#arrived.push(bytes);
      if (this.#onInfo !== null) this.#readInfo(this.#onInfo);
      this.#onArrival();
    });
  }

  /** Reads the server's INFO, which comes first. The client receives it as well. */
  #readInfo(onInfo: (info: ServerInfo) => void): void {
    const isComplete = this.#arrived.some((bytes) => bytes.includes(0x0a));
    const size = this.#arrived.reduce((sum, { length }) => sum + length, 0);
    if (!isComplete && size <= MAX_INFO_BYTES) return;
    this.#onInfo = null;
    try {
      const line = INFO.exec(Buffer.concat(this.#arrived).toString())?.[1];
      if (line === undefined) throw new Error("unexpected response: this is no NATS server");
      onInfo(JSON.parse(line));
    } catch (error) {
      this.#failed.reject(this.#serverError ?? error);
    }
  }

  /** The server's reason explains more than the socket's error that follows from it. */
  get #reason(): Error | undefined {
    return this.#serverError ?? this.#error;
  }

  get #serverError(): Error | undefined {
    const { lastWord } = this;
    if (lastWord === null) return undefined;
    return UserAuthenticationExpiredError.parse(lastWord) ?? AuthorizationError.parse(lastWord) ??
      new Error(lastWord);
  }

  #end(error?: Error): void {
    if (this.#isDone) return;
    this.closeError = error;
    this.discard();
    this.#closed.resolve(error);
  }
}
