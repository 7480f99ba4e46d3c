import type { Msg } from "@nats-io/nats-core";
import { errorText } from "../../internal/error_text.ts";
import type { BurstLimit } from "../../log/burst_limit.ts";
import type { JsonObject, Message, SubscribeOptions } from "../message_bus.ts";
import { decodePayload } from "../payload.ts";

type Respond = (subject: string, data: JsonObject) => Promise<void>;

/**
 * Decodes a message that the client received. Returns null for a malformed one, after logging it as
 * `bus.malformed_message_skipped`.
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

/** Answers a malformed request with an error, so that the sender does not wait for the timeout. */
export function refuse({ reply, subject }: Msg, respond: Respond): void {
  // JetStream would take any answer as the acknowledgement of a consumer.
  if (!reply || reply.startsWith("$JS.")) return;
  const error = `The request on "${subject}" is no JSON object`;
  respond(reply, { status: "error", code: "malformed", error }).catch(() => {});
}
