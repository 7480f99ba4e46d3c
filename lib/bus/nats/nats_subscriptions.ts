import type { NatsConnection, Receiver } from "./nats_connection.ts";

/** The subscriptions of a bus, which outlive its connections. */
export class NatsSubscriptions {
  /** What ends each on the connection of the moment; null while there is none. */
  readonly #stops = new Map<Receiver, (() => Promise<void>) | null>();
  #connection: NatsConnection | null = null;

  /** Resolves when the server knows of it, or at once while there is no connection. */
  async add(receiver: Receiver): Promise<void> {
    this.#stops.set(receiver, null);
    if (!this.#connection?.isUp) return;
    this.#stops.set(receiver, this.#connection.subscribe(receiver));
    await this.#connection.confirm();
  }

  has(receiver: Receiver): boolean {
    return this.#stops.has(receiver);
  }

  /** Ends one; resolves when all that was on its way has been delivered. */
  async remove(receiver: Receiver): Promise<void> {
    const stop = this.#stops.get(receiver);
    this.#stops.delete(receiver);
    await stop?.();
  }

  async removeAll(): Promise<void> {
    await Promise.all([...this.#stops.keys()].map((receiver) => this.remove(receiver)));
  }

  /** Makes every subscription on a new connection. */
  attach(connection: NatsConnection): void {
    this.#connection = connection;
    for (const receiver of this.#stops.keys()) {
      this.#stops.set(receiver, connection.subscribe(receiver));
    }
  }

  /** The connection is gone. */
  detach(): void {
    this.#connection = null;
    for (const receiver of this.#stops.keys()) this.#stops.set(receiver, null);
  }
}
