import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import type { Message, SubscribeOptions, Subscription } from "./message_bus.ts";

/** A message that has arrived. It is parsed when it is read, since bytes take least memory. */
export interface Arrival {
  readonly bytes: number;
  /** Parses it; returns null if it is malformed. */
  read(): Message | null;
}

const DEFAULT_MAX_WAITING = 65_536;
const DEFAULT_MAX_WAITING_BYTES = 64 * 2 ** 20;

/** The messages of a subscription that were not read yet, within bounds. */
export class Inbox implements Subscription {
  readonly subject: string;
  readonly #unsubscribe: () => Promise<void>;
  readonly #maxWaiting: number;
  readonly #maxWaitingBytes: number;
  readonly #clock: Clock;
  #arrived: Arrival[] = [];
  #next = 0;
  #bytes = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  /** `unsubscribe` stops what fills the inbox; it must {@link Inbox.end} it. */
  constructor(
    subject: string,
    unsubscribe: () => Promise<void>,
    options: { clock: Clock } & SubscribeOptions,
  ) {
    this.subject = subject;
    this.#unsubscribe = unsubscribe;
    this.#maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES;
    this.#clock = options.clock;
  }

  /** True if it accepts no more messages until some were read. */
  get isFull(): boolean {
    return this.#arrived.length - this.#next >= this.#maxWaiting ||
      this.#bytes >= this.#maxWaitingBytes;
  }

  /** Adds a message, unless it {@link Inbox.isFull}. */
  push(arrival: Arrival): void {
    if (this.#ended || this.isFull) return;
    this.#arrived.push(arrival);
    this.#bytes += arrival.bytes;
    this.#wake.shift()?.();
  }

  /** Accepts no more messages. The iteration ends after those that have arrived. */
  end(): void {
    this.#ended = true;
    for (const wake of this.#wake.splice(0)) wake();
  }

  unsubscribe(): Promise<void> {
    return this.#unsubscribe();
  }

  /** Leaving the loop early does not unsubscribe: the next loop gets what arrives meanwhile. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    const slice = new Slice(this.#clock);
    for (;;) {
      const arrival = this.#take();
      if (arrival !== null) {
        const message = arrival.read();
        if (message !== null) yield message;
        // Thousands of malformed messages must not block the event loop.
        else if (slice.isOver()) await slice.pause();
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        slice.begin();
      }
    }
  }

  #take(): Arrival | null {
    const arrival = this.#arrived[this.#next];
    if (arrival === undefined) return null;
    this.#next++;
    this.#bytes -= arrival.bytes;
    // Shifting a long array is slow, so messages that were read are removed together.
    if (this.#next === this.#arrived.length || this.#next === 1024) {
      this.#arrived = this.#arrived.slice(this.#next);
      this.#next = 0;
    }
    return arrival;
  }
}
