import type { Logger } from "../../log/logger.ts";
import type { Clock } from "../../time/clock.ts";
import { backoff } from "../backoff.ts";
import { BusClosedError, BusConnectError } from "../message_bus.ts";
import type { ConnectionListener, NatsConnection } from "./nats_connection.ts";
import { describeFailures, type Dialer, type Failure } from "./nats_dialer.ts";
import { isAuthorizationError } from "./nats_errors.ts";
import { IdentityError } from "./nats_identity.ts";

export interface NatsLinkOptions {
  dialer: Dialer;
  logger: Logger;
  clock: Clock;
  /** The time limit of the first connect, in milliseconds; null connects in the background. */
  connectTimeout: number | null;
  /** Ends every attempt to connect. */
  signal: AbortSignal;
  listener: ConnectionListener;
  /** Called with each new connection before any other use of it. */
  onUp(connection: NatsConnection): void;
  onDown(): void;
}

/** The wait between two rounds of the first connect. */
const FIRST_CONNECT_WAIT_MS = 250;
/** The time limit for one server. */
const DIAL_TIMEOUT_MS = 5000;

/** Opens the first connection, and another when it breaks. */
export class NatsLink {
  readonly #options: NatsLinkOptions;

  constructor(options: NatsLinkOptions) {
    this.#options = options;
  }

  /**
   * Resolves when connected, or at once if there is no time limit.
   *
   * @throws {BusConnectError} if no server could be reached in time, every server refuses the
   * credentials, or a file cannot be used
   * @throws {BusClosedError} if the signal aborts
   */
  async connect(): Promise<void> {
    const { dialer, connectTimeout } = this.#options;
    try {
      await dialer.checkIdentity();
    } catch (cause) {
      if (!(cause instanceof IdentityError)) throw cause;
      throw new BusConnectError(cause.message, { cause });
    }
    if (connectTimeout === null) void this.#keepConnected(null);
    else void this.#keepConnected(await this.#dialFirst(connectTimeout));
  }

  async #dialFirst(connectTimeout: number): Promise<NatsConnection> {
    const { dialer, clock, logger, signal } = this.#options;
    const end = clock.monotonic() + connectTimeout;
    // Every server must be tried, even if the others do not answer.
    const share = Math.min(DIAL_TIMEOUT_MS, connectTimeout / dialer.size);
    for (;;) {
      const left = end - clock.monotonic();
      const dialed = await this.#dial(Math.max(1, Math.min(share, left)));
      if (signal.aborted) throw new BusClosedError("Cannot connect: the bus is closed");
      if (!Array.isArray(dialed)) {
        logger.info("bus.connected", { server: dialed.server.shown });
        return dialed;
      }
      const isRefused = dialed.every(({ error }) => isAuthorizationError(error));
      if (isRefused || clock.monotonic() + FIRST_CONNECT_WAIT_MS >= end) {
        const tried = isRefused ? "" : ` (tried for ${connectTimeout / 1000} s)`;
        throw new BusConnectError(`Cannot connect to ${describeFailures(dialed)}${tried}`, {
          cause: dialed.at(-1)?.error,
        });
      }
      await clock.sleep(FIRST_CONNECT_WAIT_MS, signal);
    }
  }

  async #keepConnected(first: NatsConnection | null): Promise<void> {
    const { logger, signal, onDown } = this.#options;
    let connection = first;
    while (!signal.aborted) {
      if (connection !== null) {
        const reason = await connection.closed;
        if (signal.aborted) return;
        logger.warning("bus.disconnected", { server: connection.server.shown, reason });
        onDown();
      }
      const event = connection === null ? "bus.connected" : "bus.reconnected";
      connection = await this.#dialForEver(connection !== null);
      if (connection !== null) logger.info(event, { server: connection.server.shown });
    }
  }

  /** Tries until there is a connection. Returns null if the signal aborts. */
  async #dialForEver(waitFirst: boolean): Promise<NatsConnection | null> {
    const { clock, logger, signal } = this.#options;
    let lastLogged = "";
    for (let waits = 0, wait = waitFirst; !signal.aborted; wait = true) {
      if (wait) await clock.sleep(backoff(waits++), signal);
      const dialed = await this.#dial(DIAL_TIMEOUT_MS);
      if (signal.aborted) break;
      if (!Array.isArray(dialed)) return dialed;
      const error = describeFailures(dialed);
      logger[error === lastLogged ? "debug" : "warning"]("bus.reconnect_failed", { error });
      lastLogged = error;
    }
    return null;
  }

  async #dial(timeout: number): Promise<NatsConnection | Failure[]> {
    const { dialer, listener, signal, onUp } = this.#options;
    const dialed = await dialer.dial(listener, timeout, signal);
    if (Array.isArray(dialed)) return dialed;
    if (signal.aborted) await dialed.close();
    else onUp(dialed);
    return dialed;
  }
}
