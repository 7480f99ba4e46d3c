import { errorText } from "../../internal/error_text.ts";
import { BusClosedError, type JsonObject, type MessageBus, NoReplyError } from "../message_bus.ts";
import { JetStreamUnavailableError, LookupRefusedError, StreamError } from "../stream_bus.ts";

/** For an answer, in milliseconds. */
const TIMEOUT = 3000;
const NAMES_SUBJECT = "$JS.API.STREAM.NAMES";

/**
 * The name of the stream that captures `subject`, or null. By one request of our own, so that a
 * scheduler that needs no more of JetStream loads no more of it:
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference#streams
 *
 * @param options.hasJetStream whether the server said at the connect that it has JetStream: then
 * silence, or a permission that is missing, is no answer
 * @throws {JetStreamUnavailableError} when the server, or the account, has no JetStream
 * @throws {LookupRefusedError} when this user may not ask
 * @throws {NoReplyError} when nobody answers in time
 */
export async function findStream(
  bus: MessageBus,
  subject: string,
  { hasJetStream }: { hasJetStream: boolean },
): Promise<string | null> {
  let reply: JsonObject;
  try {
    reply = (await bus.request(NAMES_SUBJECT, { subject }, TIMEOUT)).data;
  } catch (cause) {
    if (cause instanceof BusClosedError) throw cause;
    const isRefused = !(cause instanceof NoReplyError);
    if (!isRefused && (hasJetStream || cause.reason === "timeout")) throw cause;
    if (isRefused && hasJetStream) {
      throw new LookupRefusedError(
        `This user may not ask for streams on "${NAMES_SUBJECT}": ${errorText(cause)}`,
        { cause },
      );
    }
    const text = "The server has no JetStream: start nats-server with -js";
    throw new JetStreamUnavailableError(text, { cause });
  }
  const { streams, error } = reply as {
    streams?: string[] | null;
    error?: { err_code?: number; description?: string };
  };
  if (error?.err_code === NOT_ENABLED || error?.err_code === NOT_FOR_ACCOUNT) {
    throw new JetStreamUnavailableError(`No JetStream: ${error.description}`);
  }
  if (error !== undefined) {
    const text = `Cannot find a stream for "${subject}": ${error.description}`;
    throw new StreamError(text, error.err_code ?? 0);
  }
  // Streams of one account do not overlap: there is one at most, on the first page.
  return streams?.[0] ?? null;
}

export const NOT_ENABLED = 10076;
export const NOT_FOR_ACCOUNT = 10039;
