/**
 * JetStream by the client's own packages: streams and key-value buckets. Loaded only where it is
 * used. Dispatches do not pass here, see `stream_acks.ts`.
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
import type { Clock } from "../../time/clock.ts";
import type { JsonObject } from "../message_bus.ts";
import { decodePayload } from "../payload.ts";
import {
  ConflictError,
  type JetStream,
  JetStreamUnavailableError,
  type KeyValue,
  NoStreamError,
  type Revised,
  StreamError,
  type StreamInfo,
  type StreamLimits,
} from "../stream_bus.ts";
import { watchBucket } from "./bucket_watch.ts";
import { NOT_ENABLED, NOT_FOR_ACCOUNT } from "./stream_lookup.ts";

/** For an answer of the server, in milliseconds. */
const TIMEOUT = 3000;
const NANOSECONDS = 1_000_000_000;
/** "Wrong last sequence", as older and newer servers number it. */
const CONFLICT_CODES: readonly number[] = [10071, 10164];
const UNAVAILABLE_CODES: readonly number[] = [NOT_ENABLED, NOT_FOR_ACCOUNT];

export interface NatsJetStreamOptions {
  /** @throws {Error} while there is no connection */
  client(): NatsConnection;
  clock: Clock;
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
      duplicate_window: duplicateWindow * NANOSECONDS,
      max_age: maxAge * NANOSECONDS,
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
    { replicas, timeout = TIMEOUT }: { replicas: number; timeout?: number },
  ): KeyValue {
    return new NatsKeyValue(bucket, { replicas, timeout, jetStream: this });
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** The client of the connection of the moment; null without one. */
  get connection(): NatsConnection | null {
    try {
      return this.#options.client();
    } catch {
      return null;
    }
  }

  /** What belongs to the connection of the moment. */
  session(): Promise<Session> {
    let client: NatsConnection;
    try {
      client = this.#options.client();
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#session === null || this.#client !== client) {
      this.#client = client;
      this.#session = open(client);
      this.#session.catch(() => {
        if (this.#client === client) this.#session = null; // another attempt may be made
      });
    }
    return this.#session;
  }
}

async function open(client: NatsConnection): Promise<Session> {
  const options = { timeout: TIMEOUT };
  return await explained("use JetStream", async () => ({
    client,
    js: jetstream(client, options),
    manager: await jetstreamManager(client, options),
  }));
}

interface NatsKeyValueOptions {
  readonly replicas: number;
  readonly timeout: number;
  readonly jetStream: NatsJetStream;
}

interface OpenedBucket {
  readonly session: Session;
  readonly kv: Promise<KV>;
}

/** For the headers of a write, in bytes. */
const HEADER_BYTES = 256;
const DEFAULT_MAX_PAYLOAD_BYTES = 1 << 20;
const STREAM_NOT_FOUND = 10059;

class NatsKeyValue implements KeyValue {
  readonly #bucket: string;
  readonly #options: NatsKeyValueOptions;
  #opened: OpenedBucket | null = null;

  constructor(bucket: string, options: NatsKeyValueOptions) {
    this.#bucket = bucket;
    this.#options = options;
  }

  get connection(): unknown {
    return this.#options.jetStream.connection;
  }

  get maxValueBytes(): number {
    const { connection } = this.#options.jetStream;
    return (connection?.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_BYTES) - HEADER_BYTES;
  }

  async get(key: string): Promise<Revised | null> {
    return await this.#do(`read "${key}" of`, async (kv) => {
      const entry = await kv.get(key);
      return entry === null ? null : revised(entry);
    });
  }

  async put(key: string, value: JsonObject, revision: number): Promise<number> {
    const { timeout } = this.#options;
    const text = JSON.stringify(value);
    return await this.#do(`write "${key}" of`, async (kv) => {
      try {
        return await kv.put(key, text, { previousSeq: revision, timeout });
      } catch (cause) {
        if (!isNotEnabled(cause)) throw cause;
        throw new NoStreamError("it has no leader just now, or was deleted", { cause });
      }
    });
  }

  async watch(
    pattern: string,
    onValue: (key: string, revised: Revised) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#do(`watch "${pattern}" of`, (_kv, { client, manager }) =>
      watchBucket({
        client,
        manager,
        clock: this.#options.jetStream.clock,
        bucket: this.#bucket,
        pattern,
        onEntry: (entry) => onValue(entry.key, revised(entry)),
        signal,
      }));
  }

  /** Does something with the bucket, and once more where it was deleted, which creates it again. */
  async #do<T>(action: string, work: (kv: KV, session: Session) => Promise<T>): Promise<T> {
    const attempt = async ({ kv, session }: OpenedBucket) => {
      const opened = await kv;
      return await explained(
        `${action} the bucket "${this.#bucket}"`,
        () => work(opened, session),
      );
    };
    const opened = await this.#open();
    try {
      return await attempt(opened);
    } catch (error) {
      const isGone = error instanceof NoStreamError ||
        (error instanceof StreamError && error.code === STREAM_NOT_FOUND);
      if (!isGone) throw error;
      if (this.#opened === opened) this.#opened = null;
      return await attempt(await this.#open());
    }
  }

  async #open(): Promise<OpenedBucket> {
    const session = await this.#options.jetStream.session();
    if (this.#opened?.session === session) return this.#opened;
    const options = {
      replicas: this.#options.replicas,
      history: 1,
      timeout: TIMEOUT,
      // A replica of the bucket may answer a direct read with what has changed since.
      allow_direct: false,
    };
    const kv = explained(
      `open the bucket "${this.#bucket}"`,
      () => new Kvm(session.js).create(this.#bucket, options),
    );
    const opened = this.#opened = { session, kv };
    kv.catch(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    return opened;
  }
}

/** What is no JSON object, or was deleted, is read as one without fields. */
function revised(entry: Pick<KvEntry, "revision" | "created" | "operation" | "value">): Revised {
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
    duplicateWindow: config.duplicate_window / NANOSECONDS,
  };
}

/** Turns the client's errors into ours. */
async function explained<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const said = errorText(cause);
    const text = `Cannot ${action}: ${said}`;
    if (isNotEnabled(cause)) {
      throw new JetStreamUnavailableError(
        `The server has no JetStream, or this account may not use it: cannot ${action}: ${said}`,
        { cause },
      );
    }
    if (cause instanceof NoStreamError) throw new NoStreamError(text, { cause });
    if (!(cause instanceof JetStreamApiError)) throw new Error(text, { cause });
    if (CONFLICT_CODES.includes(cause.code)) throw new ConflictError(text, { cause });
    if (UNAVAILABLE_CODES.includes(cause.code)) {
      throw new JetStreamUnavailableError(text, { cause });
    }
    throw new StreamError(text, cause.code, { cause });
  }
}

/** Reports whether nobody takes what the client's JetStream sent, or the account may not send it. */
function isNotEnabled(error: unknown): boolean {
  return error instanceof Error && error.name === "JetStreamNotEnabled";
}
