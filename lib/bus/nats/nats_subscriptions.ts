import type { NatsConnection, Receiver } from "./nats_connection.ts";

/** The subscriptions of a bus, which outlive its connections. */
export class NatsSubscriptions {
  /** The functions that unsubscribe on the present connection; null while there is none. */
  readonly #stops = new Map<Receiver, (() => Promise<void>) | null>();
  #connection: NatsConnection | null = null;

  /** Resolves when the server has the subscription, or at once while there is no connection. */
  async add(receiver: Receiver): Promise<void> {
    this.#stops.set(receiver, null);
    if (!this.#connection?.isUp) return;
    this.#stops.set(receiver, this.#connection.subscribe(receiver));
    await this.#connection.confirm();
  }

  has(receiver: Receiver): boolean {
    return this.#stops.has(receiver);
  }

  /** Unsubscribes. Resolves when the messages on their way have been delivered. */
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

  detach(): void {
    this.#connection = null;
    for (const receiver of this.#stops.keys()) this.#stops.set(receiver, null);
  }
}
