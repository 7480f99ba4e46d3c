/**
 * Streams and key-value buckets, through the client's packages, which are loaded only when they are
 * used. Dispatches do not need them; `stream_acks.ts` handles their acknowledgements.
 *
 * @module
 */
import {
  jetstream,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  type StreamInfo as ServerStreamInfo,
} from "@nats-io/jetstream";
import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/nats-core";
import { errorText } from "../../internal/error_text.ts";
import type { JsonObject } from "../message_bus.ts";
import { decodePayload } from "../payload.ts";
import {
  ConflictError,
  type JetStream,
  JetStreamUnavailableError,
  type KeyValue,
  type Revised,
  StreamError,
  type StreamInfo,
  type StreamLimits,
} from "../stream_bus.ts";
import { NOT_ENABLED, NOT_FOR_ACCOUNT } from "./stream_lookup.ts";

const DEFAULT_TIMEOUT_MS = 3000;
const NANOSECONDS_PER_SECOND = 1_000_000_000;
/** The error codes of "wrong last sequence" in older and newer servers. */
const CONFLICT_CODES: readonly number[] = [10071, 10164];
const UNAVAILABLE_CODES: readonly number[] = [NOT_ENABLED, NOT_FOR_ACCOUNT];

export interface NatsJetStreamOptions {
  /** @throws {Error} if there is no connection */
  client(): NatsConnection;
  /** Default: that of the server. */
  readonly domain?: string;
}

interface Session {
  readonly client: NatsConnection;
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
}

export class NatsJetStream implements JetStream {
  readonly #options: NatsJetStreamOptions;
  #session: Promise<Session> | null = null;
  #client: NatsConnection | null = null;

  constructor(options: NatsJetStreamOptions) {
    this.#options = options;
  }

  async stream(name: string): Promise<StreamInfo | null> {
    const { manager } = await this.session();
    return await explained(`read the stream "${name}"`, async () => {
      const names = await manager.streams.names().next();
      return names.includes(name) ? infoOf(await manager.streams.info(name)) : null;
    });
  }

  async createStream(limits: StreamLimits): Promise<StreamInfo> {
    const { manager } = await this.session();
    const { name, replicas, duplicateWindow, maxAge, maxBytes } = limits;
    const config = {
      subjects: [...limits.subjects],
      num_replicas: replicas,
      duplicate_window: duplicateWindow * NANOSECONDS_PER_SECOND,
      max_age: maxAge * NANOSECONDS_PER_SECOND,
      max_bytes: maxBytes,
    };
    return await explained(`create the stream "${name}"`, async () => {
      const isNew = await this.stream(name) === null;
      const info = isNew
        ? await manager.streams.add({ name, ...config })
        : await manager.streams.update(name, config);
      return { ...infoOf(info), isNew };
    });
  }

  keyValue(
    bucket: string,
    { replicas, timeout = DEFAULT_TIMEOUT_MS }: { replicas: number; timeout?: number },
  ): KeyValue {
    return new NatsKeyValue(bucket, { replicas, timeout, jetStream: this });
  }

  /** Returns the client's interfaces for the present connection. */
  session(): Promise<Session> {
    let client: NatsConnection;
    try {
      client = this.#options.client();
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#session === null || this.#client !== client) {
      this.#client = client;
      this.#session = open(client, this.#options.domain);
      this.#session.catch(() => {
        if (this.#client === client) this.#session = null; // so that another call tries again
      });
    }
    return this.#session;
  }
}

async function open(client: NatsConnection, domain?: string): Promise<Session> {
  // The client changes the options that it is given.
  const options = () => ({ timeout: DEFAULT_TIMEOUT_MS, ...(domain !== undefined && { domain }) });
  return await explained("use JetStream", async () => ({
    client,
    js: jetstream(client, options()),
    manager: await jetstreamManager(client, options()),
  }));
}

interface NatsKeyValueOptions {
  readonly replicas: number;
  readonly timeout: number;
  readonly jetStream: NatsJetStream;
}

class NatsKeyValue implements KeyValue {
  readonly #bucket: string;
  readonly #options: NatsKeyValueOptions;
  #opened: { session: Session; kv: Promise<KV> } | null = null;

  constructor(bucket: string, options: NatsKeyValueOptions) {
    this.#bucket = bucket;
    this.#options = options;
  }

  async get(key: string): Promise<Revised | null> {
    const kv = await this.#open();
    return await explained(`read "${key}" of the bucket "${this.#bucket}"`, async () => {
      const entry = await kv.get(key);
      return entry === null ? null : revised(entry);
    });
  }

  async put(key: string, value: JsonObject, revision: number): Promise<number> {
    const kv = await this.#open();
    return await explained(`write "${key}" of the bucket "${this.#bucket}"`, () => {
      const { timeout } = this.#options;
      return kv.put(key, JSON.stringify(value), { previousSeq: revision, timeout });
    });
  }

  async watch(
    pattern: string,
    onValue: (key: string, revised: Revised) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const kv = await this.#open();
    await explained(`watch "${pattern}" of the bucket "${this.#bucket}"`, async () => {
      const entries = await kv.watch({ key: pattern });
      const stop = () => entries.stop();
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      for await (const entry of entries) onValue(entry.key, revised(entry));
      signal.removeEventListener("abort", stop);
    });
  }

  async #open(): Promise<KV> {
    const session = await this.#options.jetStream.session();
    if (this.#opened?.session !== session) {
      const options = {
        replicas: this.#options.replicas,
        history: 1,
        timeout: DEFAULT_TIMEOUT_MS,
        // A replica of the bucket may answer a direct read with an outdated value.
        allow_direct: false,
      };
      const kv = explained(
        `open the bucket "${this.#bucket}"`,
        () => new Kvm(session.js).create(this.#bucket, options),
      );
      const opened = { session, kv };
      this.#opened = opened;
      kv.catch(() => {
        if (this.#opened === opened) this.#opened = null;
      });
    }
    return await this.#opened.kv;
  }
}

/** Decodes an entry. A deleted value, or one that is not a JSON object, has no fields. */
function revised(entry: KvEntry): Revised {
  const { revision } = entry;
  const created = entry.created.getTime();
  if (entry.operation !== "PUT") return { value: {}, revision, created };
  try {
    return { value: decodePayload(entry.value), revision, created };
  } catch {
    return { value: {}, revision, created, isMalformed: true };
  }
}

function infoOf({ config }: ServerStreamInfo): StreamInfo {
  return {
    name: config.name,
    subjects: config.subjects ?? [],
    replicas: config.num_replicas,
    duplicateWindow: config.duplicate_window / NANOSECONDS_PER_SECOND,
  };
}

/** Converts the client's errors to those of `stream_bus.ts`. */
async function explained<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const said = errorText(cause);
    const text = `Cannot ${action}: ${said}`;
    if (cause instanceof Error && cause.name === "JetStreamNotEnabled") {
      throw new JetStreamUnavailableError(
        "The server has no JetStream, or this account may not use it",
        { cause },
      );
    }
    if (!(cause instanceof JetStreamApiError)) throw new Error(text, { cause });
    if (CONFLICT_CODES.includes(cause.code)) throw new ConflictError(text, { cause });
    if (UNAVAILABLE_CODES.includes(cause.code)) {
      throw new JetStreamUnavailableError(text, { cause });
    }
    throw new StreamError(text, cause.code, { cause });
  }
}
