import type { Msg } from "@nats-io/nats-core";
import { errorText } from "../../internal/error_text.ts";
import type { BurstLimit } from "../../log/burst_limit.ts";
import type { JsonObject, Message, SubscribeOptions } from "../message_bus.ts";
import { decodePayload } from "../payload.ts";

/** Publishes a reply. */
type Respond = (subject: string, data: JsonObject) => Promise<void>;

/**
 * Reads what the client received. What is no message of ours is logged as
 * `bus.malformed_message_skipped`.
 *
 * @returns null for what is skipped
 */
export function readMessage(
  message: Msg,
  log: BurstLimit,
  respond: Respond,
  { takesEmpty = false }: SubscribeOptions = {},
): Message | null {
  const { subject, reply } = message;
  const headers: Record<string, string> = {};
  let data: JsonObject;
  try {
    data = takesEmpty && message.data.length === 0 ? {} : decodePayload(message.data);
    for (const [name, values] of message.headers ?? []) headers[name] = values[0] ?? "";
  } catch (error) {
    log.warning("bus.malformed_message_skipped", {
      subject,
      size: message.data.length,
      error: errorText(error),
    });
    return null;
  }
  if (!reply) return { subject, data, headers };
  return { subject, data, headers, respond: (answer) => respond(reply, answer) };
}

/** Answers a request that is no message of ours, so that nobody waits for an answer in vain. */
export function refuse({ reply, subject }: Msg, respond: Respond): void {
  // To a stream's consumer, any answer would be an acknowledgement.
  if (!reply || reply.startsWith("$JS.")) return;
  const error = `The request on "${subject}" is no JSON object`;
  respond(reply, { status: "error", code: "malformed", error }).catch(() => {});
}
