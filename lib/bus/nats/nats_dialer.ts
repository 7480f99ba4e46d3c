import type { ConnectionOptions } from "@nats-io/nats-core";
import { type ConnectionListener, NatsConnection } from "./nats_connection.ts";
import { explain } from "./nats_errors.ts";
import { identify, type NatsCredentials, type NatsTls } from "./nats_identity.ts";
import type { NatsServerAddress } from "./nats_servers.ts";

/** A failed attempt to connect to a server. */
export interface Failure {
  readonly server: NatsServerAddress;
  readonly error: unknown;
}

export interface DialerOptions {
  servers: readonly NatsServerAddress[];
  credentials: NatsCredentials;
  tls: NatsTls;
  client: Pick<ConnectionOptions, "name" | "pingInterval" | "maxPingOut" | "inboxPrefix">;
}

/** Connects to one of the known servers. */
export class Dialer {
  readonly #options: DialerOptions;
  /** The servers that the cluster has announced. */
  #announced: NatsServerAddress[] = [];
  #turn = 0;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** The number of known servers. */
  get size(): number {
    return this.#options.servers.length + this.#announced.length;
  }

  /**
   * Tries every server once, beginning with the one after the last that was tried.
   *
   * @param timeout the time limit for each server, in milliseconds
   * @returns a connection, or the failed attempts
   */
  async dial(
    listener: ConnectionListener,
    timeout: number,
    signal: AbortSignal,
  ): Promise<NatsConnection | Failure[]> {
    const { servers, credentials, tls, client } = this.#options;
    const pool = [...servers, ...this.#announced];
    const failures: Failure[] = [];
    for (let count = 0; count < pool.length && !signal.aborted; count++) {
      const server = pool[this.#turn++ % pool.length]!;
      try {
        const identity = await identify(server, credentials, tls);
        const options = { ...client, ...identity, timeout };
        const connection = await NatsConnection.open(server, options, listener, signal);
        this.#learn(connection);
        return connection;
      } catch (error) {
        failures.push({ server, error });
      }
    }
    return failures;
  }

  /** @throws {IdentityError} if a credentials or TLS file cannot be used */
  async checkIdentity(): Promise<void> {
    const { servers, credentials, tls } = this.#options;
    for (const server of servers) await identify(server, credentials, tls);
  }

  /** Adds the servers that a server announces; they get the credentials of that server. */
  #learn({ server, announced }: NatsConnection): void {
    const known = new Set(this.#options.servers.map(({ address }) => address));
    this.#announced = announced.filter((address) => !known.has(address)).map((address) => ({
      ...server,
      address,
      shown: `${server.tls ? "tls" : "nats"}://${address}`,
    }));
  }
}

/** Returns one line that gives the reason for each server. */
export function describeFailures(failures: readonly Failure[]): string {
  return failures.map(({ server, error }) => `${server.shown}: ${explain(error, server)}`)
    .join("; ");
}
