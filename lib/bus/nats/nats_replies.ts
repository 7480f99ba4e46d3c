import { createInbox, type Msg } from "@nats-io/nats-core";
import type { Receiver } from "./nats_connection.ts";

/** Receives all replies to requests over one subscription; each request has its own subject. */
export class Replies implements Receiver {
  readonly pattern: string;
  readonly #prefix = createInbox();
  readonly #waiting = new Map<string, PromiseWithResolvers<Msg>>();
  #count = 0;

  constructor() {
    this.pattern = `${this.#prefix}.*`;
  }

  /** Returns a subject for the reply, the first reply to it, and a function that stops waiting. */
  expect(): { subject: string; reply: Promise<Msg>; forget: () => void } {
    const subject = `${this.#prefix}.${++this.#count}`;
    const waiting = Promise.withResolvers<Msg>();
    this.#waiting.set(subject, waiting);
    const forget = () => void this.#waiting.delete(subject);
    return { subject, reply: waiting.promise, forget };
  }

  deliver(message: Msg): void {
    this.#waiting.get(message.subject)?.resolve(message);
  }

  refused(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }
}

/** Reports whether `message` is the server's answer to a request without subscribers. */
export function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503;
}
