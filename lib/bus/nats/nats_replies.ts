import { createInbox, type Msg } from "@nats-io/nats-core";
import type { Message } from "../message_bus.ts";
import type { Receiver } from "./nats_connection.ts";

interface Waiting extends PromiseWithResolvers<Message | "no_responders"> {
  readonly read: (message: Msg) => Message | null;
}

/** Receives the replies to all requests over one subscription; each request has its own subject. */
export class Replies implements Receiver {
  readonly pattern: string;
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  /** @param inboxPrefix the prefix of the subjects */
  constructor(inboxPrefix: string) {
    this.#prefix = createInbox(inboxPrefix);
    this.pattern = `${this.#prefix}.*`;
  }

  /**
   * Returns a subject to reply to, the first reply on it, and a function that stops waiting.
   *
   * @param read returns null for a message that is no reply
   */
  expect(
    read: (message: Msg) => Message | null,
  ): { subject: string; reply: Promise<Message | "no_responders">; forget: () => void } {
    const subject = `${this.#prefix}.${++this.#count}`;
    const waiting = { ...Promise.withResolvers<Message | "no_responders">(), read };
    this.#waiting.set(subject, waiting);
    const forget = () => void this.#waiting.delete(subject);
    return { subject, reply: waiting.promise, forget };
  }

  deliver(message: Msg): void {
    const waiting = this.#waiting.get(message.subject);
    if (waiting === undefined) return;
    const reply = isNoResponders(message) ? "no_responders" : waiting.read(message);
    if (reply !== null) waiting.resolve(reply);
  }

  refused(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }
}

/** Reports whether `message` is the server's answer to a request without subscribers. */
export function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503;
}
