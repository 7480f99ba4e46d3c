import { UnconfirmedError } from "./message_bus.ts";

/** One message on its way out. */
export interface Outgoing {
  readonly subject: string;
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Written together, and confirmed by one PONG. */
interface Batch {
  readonly messages: readonly Outgoing[];
  readonly bytes: number;
}

/** What the outbox needs of a connection. */
export interface Wire {
  /** Whether what is written now goes to a live connection. */
  isUp(): boolean;
  /** Hands one message to the connection; throws for one that it can never carry. */
  write(message: Outgoing): void;
  /** Writes everything handed over; resolves when the server has taken it. */
  flush(): Promise<void>;
  /** Lets everything else run. */
  pause(): Promise<void>;
}

/** Written and not yet confirmed, at most; the rest waits in memory. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Handed over in one go: small enough to keep the event loop free. */
const BATCH_MESSAGES = 500;
const BATCH_BYTES = 512 * 1024;

/**
 * Messages between `publish` and the server. Core NATS acknowledges nothing, but it answers a PING
 * after everything written before it: one PING per batch confirms the batch. When the connection
 * breaks, what was not written stays here, in order; what was written and not confirmed may or may
 * not have arrived, and is given back as such.
 */
export class Outbox {
  readonly #wire: Wire;
  /** In order of publishing; a Set, so that one can be withdrawn from the middle. */
  readonly #waiting = new Set<Outgoing>();
  readonly #written = new Set<Batch>();
  #windowBytes = 0;
  #pumping = false;
  #onEmpty: (() => void)[] = [];

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  add(message: Outgoing): void {
    this.#waiting.add(message);
    this.pump();
  }

  /** @returns false when the message was written already */
  withdraw(message: Outgoing): boolean {
    return this.#waiting.delete(message);
  }

  /** Writes what waits, as far as the connection and the window allow. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    // What is published in one go is written in one go.
    queueMicrotask(() => void this.#pump());
  }

  /**
   * The connection broke.
   *
   * @returns how many messages were written and not confirmed; their publishers are told
   */
  connectionLost(): number {
    let lost = 0;
    for (const batch of this.#written) {
      lost += batch.messages.length;
      const reason = new UnconfirmedError(
        "The connection broke after the message was written and before the server confirmed it: " +
          "it may or may not have arrived, and is not sent again",
      );
      for (const message of batch.messages) message.reject(reason);
      this.#settle(batch);
    }
    return lost;
  }

  /** Gives up everything that waits to be written. */
  rejectWaiting(reason: unknown): void {
    for (const message of this.#waiting) message.reject(reason);
    this.#waiting.clear();
    this.#checkEmpty();
  }

  /** Resolves when nothing waits and everything written is confirmed. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
      this.#checkEmpty();
    });
  }

  async #pump(): Promise<void> {
    while (this.#waiting.size > 0 && this.#wire.isUp() && this.#windowBytes < WINDOW_BYTES) {
      this.#writeBatch();
      if (this.#waiting.size > 0) await this.#wire.pause();
    }
    this.#pumping = false;
    this.#checkEmpty();
  }

  #writeBatch(): void {
    const messages: Outgoing[] = [];
    let bytes = 0;
    for (const message of this.#waiting) {
      if (messages.length === BATCH_MESSAGES || bytes >= BATCH_BYTES) break;
      this.#waiting.delete(message);
      try {
        this.#wire.write(message);
      } catch (error) {
        message.reject(error);
        continue;
      }
      messages.push(message);
      bytes += message.payload.length;
    }
    if (messages.length === 0) return;
    const batch: Batch = { messages, bytes };
    this.#written.add(batch);
    this.#windowBytes += bytes;
    this.#wire.flush().then(() => {
      if (!this.#written.has(batch)) return;
      for (const message of messages) message.resolve();
      this.#settle(batch);
      this.pump();
    }, () => {
      // The connection broke: connectionLost tells the publishers.
    });
  }

  #settle(batch: Batch): void {
    this.#written.delete(batch);
    this.#windowBytes -= batch.bytes;
    this.#checkEmpty();
  }

  #checkEmpty(): void {
    if (this.#waiting.size > 0 || this.#written.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
