import type { Msg } from "@nats-io/nats-core";
import { errorText } from "../../internal/error_text.ts";
import type { BurstLimit } from "../../log/burst_limit.ts";
import type { Inbox } from "../inbox.ts";
import type { JsonObject, Message, PublishOptions, SubscribeOptions } from "../message_bus.ts";
import { decodePayload } from "../payload.ts";
import { DEFAULT_MAX_BYTES, type Refusal, refusalReply, TOO_MANY, tooLarge } from "../refusal.ts";
import { isInbox } from "./nats_inboxes.ts";

/** A refused request gets no answer while so many answers wait to reach the server. */
const MAX_REFUSALS_UNDER_WAY = 10_000;
/** The log shows this much of a reply subject. */
const MAX_LOGGED_CHARACTERS = 200;

/** The client's messages have this method, which its interface lacks. */
export interface SizedMsg extends Msg {
  /** Returns the size of headers and payload, in bytes. */
  size(): number;
}

export interface IntakeOptions {
  /** Reports messages that are not delivered. */
  log: BurstLimit;
  /** Subjects that begin with it are inboxes too, besides those of any client. */
  inboxPrefix: string;
  publish(subject: string, data: JsonObject, options?: PublishOptions): Promise<void>;
}

/**
 * Receives messages of other clients. It bounds their size and number, parses a message when it is
 * read, and replies only to inboxes: the sender chooses the reply subject, and this process may be
 * allowed to publish where the sender is not.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #refusalsUnderWay = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Puts what arrived for a subscription into its inbox, or refuses it. Never throws. */
  take(message: SizedMsg, inbox: Inbox, options: SubscribeOptions): void {
    const { maxBytes = DEFAULT_MAX_BYTES, takesEmpty = false } = options;
    const { subject, reply } = message;
    const size = message.size();
    // A stream expects an acknowledgement on this subject, and no reply.
    const replyTo = !reply || reply.startsWith("$JS.ACK.") ? null : reply;
    if (replyTo !== null && !isInbox(replyTo, this.#options.inboxPrefix)) {
      return this.#options.log.warning("bus.message_refused", {
        subject,
        size,
        reply: replyTo.slice(0, MAX_LOGGED_CHARACTERS),
        reason: "names something else than an inbox to reply to",
      });
    }
    const refusal = size > maxBytes ? tooLarge(size, maxBytes) : inbox.isFull ? TOO_MANY : null;
    if (refusal !== null) {
      const { reason } = refusal;
      this.#options.log.warning("bus.message_refused", { subject, size, reason });
      return this.#answer(subject, replyTo, refusal);
    }
    // The client's payload is a view of a larger buffer, which must not be kept in memory.
    const payload = message.data.slice();
    const readHeaders = headersOf(message);
    inbox.push({
      bytes: size,
      read: () => {
        try {
          const data = takesEmpty && payload.length === 0 ? {} : decodePayload(payload);
          const received = { subject, data, headers: readHeaders() };
          if (replyTo === null) return received;
          return { ...received, respond: (answer) => this.#options.publish(replyTo, answer) };
        } catch (error) {
          this.#logMalformed(subject, payload, error);
          this.#answer(subject, replyTo, { code: "malformed", reason: "is no JSON object" });
          return null;
        }
      },
    });
  }

  /** Reads a reply to a request of this bus; returns null if it is malformed. */
  readReply(message: Msg): Message | null {
    const { subject, data } = message;
    try {
      return { subject, data: decodePayload(data), headers: headersOf(message)() };
    } catch (error) {
      this.#logMalformed(subject, data, error);
      return null;
    }
  }

  #logMalformed(subject: string, payload: Uint8Array, error: unknown): void {
    this.#options.log.warning("bus.malformed_message_skipped", {
      subject,
      size: payload.length,
      error: errorText(error),
    });
  }

  /** Answers a refused request, so that its sender does not wait for a time-out. */
  #answer(subject: string, replyTo: string | null, refusal: Refusal): void {
    if (replyTo === null || this.#refusalsUnderWay >= MAX_REFUSALS_UNDER_WAY) return;
    this.#refusalsUnderWay++;
    const answer = refusalReply(subject, refusal);
    const headers = serviceError(refusal);
    this.#options.publish(replyTo, answer, { headers }).catch(() => {})
      .finally(() => this.#refusalsUnderWay--);
  }
}

/** Returns the headers by which a client of the NATS services protocol recognises an error. */
function serviceError({ code, reason }: Refusal): Record<string, string> {
  return {
    "Nats-Service-Error": reason,
    "Nats-Service-Error-Code": code === "busy" ? "503" : "400",
  };
}

/** Returns a function that returns the headers, or throws if a name is invalid. */
function headersOf(message: Msg): () => Record<string, string> {
  const values: Record<string, string> = {};
  try {
    for (const [name, all] of message.headers ?? []) values[name] = all[0] ?? "";
    return () => values;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
