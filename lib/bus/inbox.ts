import type { Message, Subscription } from "./message_bus.ts";

/**
 * The receiving end of a subscription. It holds every message that has arrived and was not read
 * yet, without a limit.
 */
export class Inbox implements Subscription {
  readonly subject: string;
  readonly #unsubscribe: () => Promise<void>;
  #arrived: Message[] = [];
  #next = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  /** @param unsubscribe stops the source of the messages; it must call {@link Inbox.end} */
  constructor(subject: string, unsubscribe: () => Promise<void>) {
    this.subject = subject;
    this.#unsubscribe = unsubscribe;
  }

  push(message: Message): void {
    if (this.#ended) return;
    this.#arrived.push(message);
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
    for (;;) {
      const message = this.#take();
      if (message !== null) yield message;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #take(): Message | null {
    const message = this.#arrived[this.#next];
    if (message === undefined) return null;
    this.#next++;
    // Shifting a long array is slow, so messages that were read are removed in blocks.
    if (this.#next === this.#arrived.length || this.#next === 1024) {
      this.#arrived = this.#arrived.slice(this.#next);
      this.#next = 0;
    }
    return message;
  }
}
