import type { Msg } from "@nats-io/nats-core";
import { errorText } from "../../internal/error_text.ts";
import type { BurstLimit } from "../../log/burst_limit.ts";
import type { Inbox } from "../inbox.ts";
import type { JsonObject, Message, PublishOptions, SubscribeOptions } from "../message_bus.ts";
import { decodePayload } from "../payload.ts";
import { DEFAULT_MAX_BYTES, type Refusal, refusalReply, TOO_MANY, tooLarge } from "../refusal.ts";
import { isInbox } from "./nats_inboxes.ts";

/** Refusals are not answered while so many answers have not reached the server. */
const MAX_REFUSALS_UNDER_WAY = 10_000;
/** A reply subject is cut in the log. */
const MAX_LOGGED_CHARACTERS = 200;

/** The client's messages have this, and its interface does not: how long the headers are. */
export interface SizedMsg extends Msg {
  size(): number;
}

export interface IntakeOptions {
  /** For what is not delivered. */
  log: BurstLimit;
  /** What inboxes may begin with, beside what those of any client do. */
  inboxPrefix: string;
  publish(subject: string, data: JsonObject, options?: PublishOptions): Promise<void>;
}

/**
 * Takes in what others publish: within bounds, parsed when it is read, and answered only where the
 * reply subject is an inbox. Whoever may ask chooses that subject, and it is this process, which may
 * publish more, that publishes there.
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
    // A stream's delivery asks for an acknowledgement, which no answer of ours is.
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
    // What the client gives is a view of all that came with it, which must not be kept.
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

  /** Reads a reply to a request of ours; returns null for what is none. */
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

  /** Tells whoever asked, so that nobody waits in vain. */
  #answer(subject: string, replyTo: string | null, refusal: Refusal): void {
    if (replyTo === null || this.#refusalsUnderWay >= MAX_REFUSALS_UNDER_WAY) return;
    this.#refusalsUnderWay++;
    const answer = refusalReply(subject, refusal);
    const headers = serviceError(refusal);
    this.#options.publish(replyTo, answer, { headers }).catch(() => {})
      .finally(() => this.#refusalsUnderWay--);
  }
}

/** By these headers a client of the NATS services protocol knows an error. */
function serviceError({ code, reason }: Refusal): Record<string, string> {
  return {
    "Nats-Service-Error": reason,
    "Nats-Service-Error-Code": code === "busy" ? "503" : "400",
  };
}

/** What is read throws where a name is none. */
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
