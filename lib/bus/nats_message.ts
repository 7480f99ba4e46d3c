import type { Msg } from "@nats-io/transport";
import type { Logger } from "../log/logger.ts";
import type { JsonObject, Message } from "./message_bus.ts";
import { decodePayload } from "./payload.ts";

/**
 * Reads what the client received. What is no message of ours is logged as
 * `bus.malformed_message_skipped`.
 *
 * @param respond publishes a reply
 * @returns null for what is skipped
 */
export function readMessage(
  message: Msg,
  logger: Logger,
  respond: (subject: string, data: JsonObject) => Promise<void>,
): Message | null {
  const { subject, reply } = message;
  const headers: Record<string, string> = {};
  let data: JsonObject;
  try {
    data = decodePayload(message.data);
    for (const [name, values] of message.headers ?? []) headers[name] = values[0] ?? "";
  } catch (error) {
    logger.warning("bus.malformed_message_skipped", {
      subject,
      size: message.data.length,
      error: error instanceof Error ? error.message : String(error),
    });
    return null;
  }
  if (!reply) return { subject, data, headers };
  return { subject, data, headers, respond: (answer) => respond(reply, answer) };
}
