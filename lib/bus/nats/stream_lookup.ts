import { eachOf } from "../../internal/each_of.ts";
import { errorText } from "../../internal/error_text.ts";
import { BusClosedError, type JsonObject, type MessageBus, NoReplyError } from "../message_bus.ts";
import { JetStreamUnavailableError, LookupRefusedError, StreamError } from "../stream_bus.ts";
import { matches } from "../subject.ts";

const LOOKUP_TIMEOUT_MS = 3000;
/** A cluster waits 4 s for the leaders of the streams before it lists those that it knows of. */
const LIST_TIMEOUT_MS = 5000;
/** So many subjects are asked for one by one: that needs no right to list streams. */
const MAX_SINGLE_LOOKUPS = 8;

/**
 * Finds the streams that capture subjects. It sends the requests itself, so that the client's
 * JetStream packages need not be loaded:
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference#streams
 */
export class StreamLookup {
  readonly #bus: MessageBus;
  readonly #api: string;
  /** The connection on which the server refused to list the streams. */
  #refusedOn: unknown = null;

  /** @param domain that of the JetStream to ask. Default: the server's own */
  constructor(bus: MessageBus, domain?: string) {
    this.#bus = bus;
    this.#api = domain === undefined ? "$JS.API" : `$JS.${domain}.API`;
  }

  /**
   * Looks for many subjects in the list of all streams, and asks for the others one by one.
   *
   * @param server.connection the present one
   * @param server.hasJetStream true if the server said at the connect that it has JetStream: then
   * silence, or a missing permission, is no answer
   * @throws {JetStreamUnavailableError} when the server, or the account, has no JetStream
   */
  async find(
    subjects: readonly string[],
    server: { connection: unknown; hasJetStream: boolean },
  ): Promise<ReadonlyMap<string, string | null | Error>> {
    const found = new Map<string, string | null | Error>();
    if (subjects.length > MAX_SINGLE_LOOKUPS && this.#refusedOn !== server.connection) {
      try {
        await this.#findInList(subjects, server.hasJetStream, found);
      } catch (error) {
        if (isFinal(error)) throw error;
        if (error instanceof LookupRefusedError) this.#refusedOn = server.connection;
      }
    }
    let forAll: Error | null = null;
    await eachOf(subjects.filter((subject) => !found.has(subject)), async (subject) => {
      try {
        found.set(subject, forAll ?? await this.#nameOf(subject, server.hasJetStream));
      } catch (error) {
        if (isFinal(error)) throw error;
        // The others would get the same, which for thousands would last minutes.
        if (error instanceof NoReplyError || error instanceof LookupRefusedError) forAll = error;
        found.set(subject, error as Error);
      }
    });
    return found;
  }

  async #nameOf(subject: string, hasJetStream: boolean): Promise<string | null> {
    const { streams } = await this.#ask("NAMES", { subject }, hasJetStream) as {
      streams?: string[] | null;
    };
    // Streams of one account do not overlap: there is one at most, on the first page.
    return streams?.[0] ?? null;
  }

  /**
   * Fills in what the list of all streams says; that there is none only where no stream is missing
   * from the list, and it did not change between two pages.
   */
  async #findInList(
    subjects: readonly string[],
    hasJetStream: boolean,
    found: Map<string, string | null | Error>,
  ): Promise<void> {
    /** The patterns of streams by what is before their first wildcard: there may be thousands. */
    const byPrefix = new Map<string, [pattern: string, stream: string][]>();
    let isComplete = true;
    let offset = 0;
    for (let total = Infinity; offset < total;) {
      const page = await this.#ask("LIST", { offset }, hasJetStream) as {
        total?: number;
        missing?: string[] | null;
        streams?: { config: { name: string; subjects?: string[] | null } }[] | null;
      };
      const { streams, missing } = page;
      for (const { config: { name, subjects } } of streams ?? []) {
        for (const pattern of subjects ?? []) {
          const prefix = pattern.replace(/(?:^|\.)[*>](?:\..*)?$/, "");
          const others = byPrefix.get(prefix);
          if (others === undefined) byPrefix.set(prefix, [[pattern, name]]);
          else others.push([pattern, name]);
        }
      }
      const count = (streams?.length ?? 0) + (missing?.length ?? 0);
      const isChanged = offset > 0 && page.total !== total;
      total = page.total ?? 0;
      offset += count;
      if (isChanged || missing?.length || (count === 0 && total > 0)) isComplete = false;
      if (count === 0) break;
    }
    for (const subject of subjects) {
      const words = subject.split(".");
      const stream = ["", ...words.map((_, at) => words.slice(0, at + 1).join("."))]
        .flatMap((prefix) => byPrefix.get(prefix) ?? [])
        .find(([pattern]) => matches(pattern, subject))?.[1];
      if (stream !== undefined) found.set(subject, stream);
      else if (isComplete) found.set(subject, null);
    }
  }

  async #ask(what: "NAMES" | "LIST", data: JsonObject, hasJetStream: boolean): Promise<JsonObject> {
    const subject = `${this.#api}.STREAM.${what}`;
    // Others may answer on the same subject, and would seem to say that there is no stream.
    const type = `io.nats.jetstream.api.v1.stream_${what.toLowerCase()}_response`;
    const isReply = (reply: JsonObject) => reply.type === type;
    const timeout = what === "LIST" ? LIST_TIMEOUT_MS : LOOKUP_TIMEOUT_MS;
    let reply: JsonObject;
    try {
      reply = (await this.#bus.request(subject, data, timeout, { isReply })).data;
    } catch (cause) {
      if (cause instanceof BusClosedError) throw cause;
      const isRefused = !(cause instanceof NoReplyError);
      if (!isRefused && (hasJetStream || cause.reason === "timeout")) throw cause;
      if (isRefused && hasJetStream) {
        throw new LookupRefusedError(
          `This user may not ask for streams on "${subject}": ${errorText(cause)}`,
          { cause },
        );
      }
      const text = "The server has no JetStream: start nats-server with -js";
      throw new JetStreamUnavailableError(text, { cause });
    }
    const { error } = reply as { error?: { err_code?: number; description?: string } };
    if (error?.err_code === NOT_ENABLED || error?.err_code === NOT_FOR_ACCOUNT) {
      throw new JetStreamUnavailableError(`No JetStream: ${error.description}`);
    }
    if (error !== undefined) {
      const text = `Cannot find streams: ${error.description}`;
      throw new StreamError(text, error.err_code ?? 0);
    }
    return reply;
  }
}

/** Whether another request would be answered in the same way. */
function isFinal(error: unknown): boolean {
  return error instanceof BusClosedError || error instanceof JetStreamUnavailableError;
}

export const NOT_ENABLED = 10076;
export const NOT_FOR_ACCOUNT = 10039;
