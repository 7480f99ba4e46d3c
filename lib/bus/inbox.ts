import type { Message, Subscription } from "./message_bus.ts";

/**
 * The receiving end of a subscription: what has arrived and was not read yet. Nothing bounds it
 * but the reader, so read on.
 */
export class Inbox implements Subscription {
  readonly subject: string;
  readonly #unsubscribe: () => Promise<void>;
  #arrived: Message[] = [];
  #next = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  /** `unsubscribe` stops what fills the inbox; it must {@link Inbox.end} it. */
  constructor(subject: string, unsubscribe: () => Promise<void>) {
    this.subject = subject;
    this.#unsubscribe = unsubscribe;
  }

  push(message: Message): void {
    if (this.#ended) return;
    this.#arrived.push(message);
    this.#wake.shift()?.();
  }

  /** Takes no more; the iteration ends after what had arrived. */
  end(): void {
    this.#ended = true;
    for (const wake of this.#wake.splice(0)) wake();
  }

  unsubscribe(): Promise<void> {
    return this.#unsubscribe();
  }

  /** Leaving the loop early does not unsubscribe: what arrives waits for the next loop. */
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
    // Shifting an array of many is slow: what was read goes in one piece.
    if (this.#next === this.#arrived.length || this.#next === 1024) {
      this.#arrived = this.#arrived.slice(this.#next);
      this.#next = 0;
    }
    return message;
  }
}
