/**
 * The NATS services protocol (ADR-32 of NATS's architecture), by which `nats micro ls`, `info` and
 * `stats` find an actor. The client's package is not used, since its service ends with the
 * connection: this one keeps its identity and its counts over a reconnect.
 *
 * @module
 */
import type { JsonObject, Message, MessageBus, Subscription } from "../bus/message_bus.ts";

/** The statistics of an endpoint. */
export interface EndpointCounts {
  readonly requests: number;
  readonly errors: number;
  readonly lastError: string;
  /** The time that all requests took together. */
  readonly milliseconds: number;
}

export interface MicroServiceOptions {
  bus: MessageBus;
  /** Letters, digits, `-` and `_`. */
  name: string;
  /** A semantic version. */
  version: string;
  description: string;
  metadata: Record<string, string>;
  /** The one subject that is served. */
  endpoint: {
    readonly name: string;
    readonly subject: string;
    readonly metadata: Record<string, string>;
    counts(): EndpointCounts;
  };
  /** The instant of the start. */
  started: Date;
}

const VERBS = ["PING", "INFO", "STATS"] as const;
type Verb = typeof VERBS[number];
const MAX_REQUEST_BYTES = 4096;
const MAX_WAITING_REQUESTS = 100;

/** Answers requests for services, until it is closed. */
export class MicroService implements AsyncDisposable {
  readonly #options: MicroServiceOptions;
  /** The identity of this service. */
  readonly #id = crypto.randomUUID();
  readonly #subscriptions: Subscription[] = [];
  #isClosed = false;

  constructor(options: MicroServiceOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { bus, name } = this.#options;
    for (const verb of VERBS) {
      for (const whom of ["", `.${name}`, `.${name}.${this.#id}`]) {
        // The requests are empty.
        const subscription = await bus.subscribe(`$SRV.${verb}${whom}`, {
          takesEmpty: true,
          maxBytes: MAX_REQUEST_BYTES,
          maxWaiting: MAX_WAITING_REQUESTS,
        });
        if (this.#isClosed) return await subscription.unsubscribe(); // meanwhile
        this.#subscriptions.push(subscription);
        void this.#answer(subscription, verb);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#subscriptions.map((each) => each.unsubscribe()));
  }

  async #answer(questions: AsyncIterable<Message>, verb: Verb): Promise<void> {
    for await (const { respond } of questions) {
      // The sender or the connection may be gone; the sender asks again.
      await respond?.(this.#reply(verb)).catch(() => {});
    }
  }

  #reply(verb: Verb): JsonObject {
    const { name, version, metadata, description, endpoint, started } = this.#options;
    const type = `io.nats.micro.v1.${verb.toLowerCase()}_response`;
    const identity = { type, name, id: this.#id, version, metadata };
    if (verb === "PING") return identity;
    const served = { name: endpoint.name, subject: endpoint.subject, queue_group: "" };
    if (verb === "INFO") {
      const endpoints = [{ ...served, metadata: endpoint.metadata }];
      return { ...identity, description, endpoints };
    }
    const { requests, errors, lastError, milliseconds } = endpoint.counts();
    return {
      ...identity,
      started: started.toISOString(),
      endpoints: [{
        ...served,
        num_requests: requests,
        num_errors: errors,
        last_error: lastError,
        // In nanoseconds.
        processing_time: Math.round(milliseconds * 1e6),
        average_processing_time: requests === 0 ? 0 : Math.round(milliseconds * 1e6 / requests),
      }],
    };
  }
}
