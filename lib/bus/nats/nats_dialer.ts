import type { ConnectionOptions } from "@nats-io/nats-core";
import { type ConnectionListener, NatsConnection } from "./nats_connection.ts";
import { explain } from "./nats_errors.ts";
import { identify, type NatsCredentials, type NatsTls } from "./nats_identity.ts";
import type { NatsServerAddress } from "./nats_servers.ts";

/** Why one server could not be reached. */
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

/** Finds a server that takes us among those that are known. */
export class Dialer {
  readonly #options: DialerOptions;
  /** Those that a server of the cluster told us of. */
  #announced: NatsServerAddress[] = [];
  #turn = 0;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** How many servers there are to try. */
  get size(): number {
    return this.#options.servers.length + this.#announced.length;
  }

  /**
   * Tries every server once, beginning after the one it was last connected to.
   *
   * @param timeout for each, in milliseconds
   * @returns a connection, or why there is none
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

  /** Reads every file once, so that one that cannot be used is found before anything is tried. */
  async checkIdentity(): Promise<void> {
    const { servers, credentials, tls } = this.#options;
    for (const server of servers) await identify(server, credentials, tls);
  }

  /** A cluster's other servers, reached with the credentials of the one that told us. */
  #learn({ server, announced }: NatsConnection): void {
    const known = new Set(this.#options.servers.map(({ address }) => address));
    this.#announced = announced.filter((address) => !known.has(address)).map((address) => ({
      ...server,
      address,
      shown: `${server.tls ? "tls" : "nats"}://${address}`,
    }));
  }
}

/** One line of what went wrong where. */
export function describeFailures(failures: readonly Failure[]): string {
  return failures.map(({ server, error }) => `${server.shown}: ${explain(error, server)}`)
    .join("; ");
}
