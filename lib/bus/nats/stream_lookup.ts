import { errorText } from "../../internal/error_text.ts";
import { BusClosedError, type JsonObject, type MessageBus, NoReplyError } from "../message_bus.ts";
import { JetStreamUnavailableError, LookupRefusedError, StreamError } from "../stream_bus.ts";

const LOOKUP_TIMEOUT_MS = 3000;
/** Others may answer on the same subject, and would seem to say that there is no stream. */
const REPLY_TYPE = "io.nats.jetstream.api.v1.stream_names_response";

/**
 * Returns the name of the stream that captures `subject`, or null if there is none. It sends the
 * request itself, so that the client's JetStream packages need not be loaded:
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference#streams
 *
 * @param options.domain that of the JetStream to ask. Default: the server's own
 * @param options.hasJetStream true if the server said at the connect that it has JetStream: then
 * silence, or a missing permission, is no answer
 * @throws {JetStreamUnavailableError} when the server, or the account, has no JetStream
 * @throws {LookupRefusedError} when this user may not ask
 * @throws {NoReplyError} when nobody answers in time
 */
export async function findStream(
  bus: MessageBus,
  subject: string,
  { hasJetStream, domain }: { hasJetStream: boolean; domain?: string },
): Promise<string | null> {
  const api = domain === undefined ? "$JS.API" : `$JS.${domain}.API`;
  const names = `${api}.STREAM.NAMES`;
  let reply: JsonObject;
  try {
    const isReply = ({ type }: JsonObject) => type === REPLY_TYPE;
    reply = (await bus.request(names, { subject }, LOOKUP_TIMEOUT_MS, { isReply })).data;
  } catch (cause) {
    if (cause instanceof BusClosedError) throw cause;
    const isRefused = !(cause instanceof NoReplyError);
    if (!isRefused && (hasJetStream || cause.reason === "timeout")) throw cause;
    if (isRefused && hasJetStream) {
      throw new LookupRefusedError(
        `This user may not ask for streams on "${names}": ${errorText(cause)}`,
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
