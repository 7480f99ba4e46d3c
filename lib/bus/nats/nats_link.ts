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
  /** How long the first connect tries, in milliseconds; null: for ever, behind the scenes. */
  connectTimeout: number | null;
  /** Ends everything. */
  signal: AbortSignal;
  listener: ConnectionListener;
  /** Called with each new connection before anybody else can use it. */
  onUp(connection: NatsConnection): void;
  onDown(): void;
}

/** Between two rounds of the first connect, in milliseconds. */
const FIRST_CONNECT_WAIT = 250;
/** For one server to answer, in milliseconds. */
const DIAL_TIMEOUT = 5000;

/** Makes the first connection, and another whenever one breaks. */
export class NatsLink {
  readonly #options: NatsLinkOptions;

  constructor(options: NatsLinkOptions) {
    this.#options = options;
  }

  /**
   * Resolves when connected, or at once when there is no time limit.
   *
   * @throws {BusConnectError} when no server could be reached in time, every one refuses the
   * credentials, or a file cannot be used
   * @throws {BusClosedError} when the signal aborts
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
    // Several that do not answer must all get their turn.
    const share = Math.min(DIAL_TIMEOUT, connectTimeout / dialer.size);
    for (;;) {
      const left = end - clock.monotonic();
      const dialed = await this.#dial(Math.max(1, Math.min(share, left)));
      if (signal.aborted) throw new BusClosedError("Cannot connect: the bus is closed");
      if (!Array.isArray(dialed)) {
        logger.info("bus.connected", { server: dialed.server.shown });
        return dialed;
      }
      const isRefused = dialed.every(({ error }) => isAuthorizationError(error));
      if (isRefused || clock.monotonic() + FIRST_CONNECT_WAIT >= end) {
        const tried = isRefused ? "" : ` (tried for ${connectTimeout / 1000} s)`;
        throw new BusConnectError(`Cannot connect to ${describeFailures(dialed)}${tried}`, {
          cause: dialed.at(-1)?.error,
        });
      }
      await clock.sleep(FIRST_CONNECT_WAIT, signal);
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

  /** @returns null when the signal aborts */
  async #dialForEver(waitFirst: boolean): Promise<NatsConnection | null> {
    const { clock, logger, signal } = this.#options;
    let lastLogged = "";
    for (let waits = 0, wait = waitFirst; !signal.aborted; wait = true) {
      if (wait) await clock.sleep(backoff(waits++), signal);
      const dialed = await this.#dial(DIAL_TIMEOUT);
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
