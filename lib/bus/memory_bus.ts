import { errorText } from "../internal/error_text.ts";
import { BurstLimit } from "../log/burst_limit.ts";
import { defaultLogger, type Logger } from "../log/logger.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { Inbox } from "./inbox.ts";
import {
  BusClosedError,
  type JsonObject,
  type Message,
  type MessageBus,
  NoReplyError,
  NotPermittedError,
  type PublishOptions,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
} from "./message_bus.ts";
import { checkHeaders, decodePayload, encodePayload } from "./payload.ts";
import { DEFAULT_MAX_BYTES, type Refusal, refusalReply, TOO_MANY, tooLarge } from "./refusal.ts";
import { checkPattern, checkSubject, matches } from "./subject.ts";

const DELIVERED = Promise.resolve();

/** The options of a {@link MemoryBus}. */
export interface MemoryBusOptions {
  /** Default: LogTape; if it is not configured, warnings and errors go to the console. */
  logger?: Logger;
  /** Measures the timeout of requests. Default: the machine's clock. */
  clock?: Clock;
}

interface Subscriber {
  readonly pattern: string;
  readonly queueGroup: string | undefined;
  readonly maxBytes: number;
  readonly inbox: Inbox;
}

/** A published message, of which each subscriber gets its own copy. */
interface Sent {
  readonly subject: string;
  readonly payload: string;
  readonly headers: Record<string, string>;
  readonly reply: ((message: Message) => void) | undefined;
}

/**
 * A {@link MessageBus} within this process, which needs no server. It is connected until it is
 * closed.
 */
export class MemoryBus implements MessageBus {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #refused: BurstLimit;
  readonly #subscribers = new Set<Subscriber>();
  /** The number of messages delivered so far, by queue group. */
  readonly #turns = new Map<string, number>();
  readonly #closing = new AbortController();

  /** Creates a connected bus. */
  constructor({ logger = defaultLogger(), clock = systemClock }: MemoryBusOptions = {}) {
    this.#logger = logger;
    this.#clock = clock;
    this.#refused = new BurstLimit(logger, () => clock.monotonic());
  }

  get connected(): boolean {
    return !this.#closed;
  }

  connect(): Promise<void> {
    return Promise.try(() => {
      this.#checkOpen("connect");
      this.#logger.info("bus.connected", { server: "memory" });
    });
  }

  whenConnected(signal?: AbortSignal): Promise<void> {
    if (!this.#closed || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) =>
      signal?.addEventListener("abort", () => resolve(), { once: true })
    );
  }

  close(): Promise<void> {
    this.#closing.abort();
    for (const { inbox } of this.#subscribers) inbox.end();
    this.#subscribers.clear();
    return Promise.resolve();
  }

  /** Closes the bus. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  publish(subject: string, data: JsonObject, options: PublishOptions = {}): Promise<void> {
    try {
      if (this.#closed) this.#checkOpen(`publish to "${subject}"`);
      options.signal?.throwIfAborted();
      if (options.permit?.() === false) {
        throw new NotPermittedError(`Cannot publish to "${subject}": it is not permitted`);
      }
      this.#send(subject, data, options.headers);
      return DELIVERED;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  subscribe(subject: string, options: SubscribeOptions = {}): Promise<Subscription> {
    return Promise.try(() => {
      const { queueGroup, maxBytes = DEFAULT_MAX_BYTES } = options;
      this.#checkOpen(`subscribe to "${subject}"`);
      checkPattern(subject, queueGroup);
      const inbox = new Inbox(subject, () => {
        this.#subscribers.delete(subscriber);
        inbox.end();
        return Promise.resolve();
      }, { ...options, clock: this.#clock });
      const subscriber = { pattern: subject, queueGroup, maxBytes, inbox };
      this.#subscribers.add(subscriber);
      return inbox;
    });
  }

  async request(
    subject: string,
    data: JsonObject,
    timeout: number,
    { isReply = () => true }: RequestOptions = {},
  ): Promise<Message> {
    this.#checkOpen(`request "${subject}"`);
    const answered = Promise.withResolvers<Message>();
    const receive = (message: Message) => {
      if (isReply(message.data)) answered.resolve(message);
    };
    if (this.#send(subject, data, {}, receive) === 0) {
      throw new NoReplyError(
        `No reply to the request on "${subject}": nobody is subscribed`,
        "no_responders",
      );
    }
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.#closing.signal]);
    const waited = this.#clock.sleep(timeout, signal).then(() => null);
    const reply = await Promise.race([answered.promise, waited]);
    done.abort();
    if (reply !== null) return reply;
    this.#checkOpen(`request "${subject}"`);
    throw new NoReplyError(
      `No reply to the request on "${subject}": nobody answered within ${timeout} ms`,
      "timeout",
    );
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #checkOpen(action: string): void {
    if (this.#closed) throw new BusClosedError(`Cannot ${action}: the bus is closed`);
  }

  /** Delivers a message to its subscribers and returns their number. */
  #send(
    subject: string,
    data: JsonObject,
    headers: Record<string, string> = {},
    reply?: (message: Message) => void,
  ): number {
    checkSubject(subject);
    const payload = encodePayload(subject, data);
    const sent = { subject, payload, headers: checkHeaders(subject, headers), reply };
    const receivers = this.#receiversOf(subject);
    for (const receiver of receivers) this.#deliver(sent, receiver);
    return receivers.length;
  }

  #deliver(sent: Sent, { inbox, maxBytes }: Subscriber): void {
    const bytes = sent.payload.length;
    if (bytes > maxBytes) this.#refuse(sent, tooLarge(bytes, maxBytes));
    else if (inbox.isFull) this.#refuse(sent, TOO_MANY);
    else inbox.push({ bytes, read: () => this.#copyOf(sent) });
  }

  #refuse({ subject, payload, reply }: Sent, refusal: Refusal): void {
    const fields = { subject, size: payload.length, reason: refusal.reason };
    this.#refused.warning("bus.message_refused", fields);
    reply?.({ subject: "_INBOX", data: refusalReply(subject, refusal), headers: {} });
  }

  #receiversOf(subject: string): Subscriber[] {
    const matching: Subscriber[] = [];
    for (const each of this.#subscribers) if (matches(each.pattern, subject)) matching.push(each);
    if (matching.length === 0) return [];
    const groups = Map.groupBy(matching, ({ queueGroup }) => queueGroup);
    return [...groups].flatMap(([group, members]) => {
      if (group === undefined) return members;
      const turn = this.#turns.get(group) ?? 0;
      this.#turns.set(group, turn + 1);
      return [members[turn % members.length]!];
    });
  }

  #copyOf(sent: Sent): Message | null {
    const { subject, payload, headers, reply } = sent;
    let data: JsonObject;
    try {
      data = decodePayload(payload);
    } catch (error) {
      this.#refuse(sent, { code: "malformed", reason: `cannot be read: ${errorText(error)}` });
      return null;
    }
    const message = { subject, data, headers: { ...headers } };
    return reply === undefined ? message : { ...message, respond: this.#responder(reply) };
  }

  #responder(reply: (message: Message) => void): (data: JsonObject) => Promise<void> {
    return (data) =>
      Promise.try(() => {
        this.#checkOpen("respond");
        const payload = encodePayload("_INBOX", data);
        reply({ subject: "_INBOX", data: decodePayload(payload), headers: {} });
      });
  }
}
