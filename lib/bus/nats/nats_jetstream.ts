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
  type StreamConfig,
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
  type StreamChanges,
  StreamError,
  type StreamInfo,
  type StreamLimits,
} from "../stream_bus.ts";
import { watchBucket } from "./bucket_watch.ts";
import { NOT_ENABLED, NOT_FOR_ACCOUNT } from "./stream_lookup.ts";

const DEFAULT_TIMEOUT_MS = 3000;
const NANOSECONDS_PER_SECOND = 1_000_000_000;
/** The error codes of "wrong last sequence" in older and newer servers. */
const CONFLICT_CODES: readonly number[] = [10071, 10164];
/** "Stream not found". */
const NOT_FOUND = 10059;
const UNAVAILABLE_CODES: readonly number[] = [NOT_ENABLED, NOT_FOR_ACCOUNT];

export interface NatsJetStreamOptions {
  /** @throws {Error} if there is no connection */
  client(): NatsConnection;
  readonly clock: Clock;
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
      try {
        return infoOf(await manager.streams.info(name));
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === NOT_FOUND) return null;
        throw error;
      }
    });
  }

  async streamNames(subject: string): Promise<string[]> {
    const { manager } = await this.session();
    return await explained(`find the streams of "${subject}"`, async () => {
      const names: string[] = [];
      for await (const name of manager.streams.names(subject)) names.push(name); // of all pages
      return names;
    });
  }

  async createStream({ name, ...limits }: StreamLimits): Promise<StreamInfo> {
    const { manager } = await this.session();
    return await explained(
      `create the stream "${name}"`,
      async () => infoOf(await manager.streams.add({ name, ...configOf(limits) })),
    );
  }

  async updateStream(name: string, changes: StreamChanges): Promise<StreamInfo> {
    const { manager } = await this.session();
    const action = `change the stream "${name}"`;
    return await explained(action, async () => {
      const { replicas = 1 } = changes;
      // Older servers accept it, and lose the stream when they start again.
      if (replicas > 1 && !infoOf(await manager.streams.info(name)).isClustered) {
        throw new Error(`it cannot have ${replicas} copies, since its server is in no cluster`);
      }
      return infoOf(await manager.streams.update(name, configOf(changes)));
    });
  }

  keyValue(
    bucket: string,
    { replicas, timeout = DEFAULT_TIMEOUT_MS }: { replicas: number; timeout?: number },
  ): KeyValue {
    return new NatsKeyValue(bucket, { replicas, timeout, jetStream: this });
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Returns the client of the present connection; null without one. */
  get connection(): NatsConnection | null {
    try {
      return this.#options.client();
    } catch {
      return null;
    }
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

interface OpenedBucket {
  readonly session: Session;
  readonly kv: Promise<KV>;
}

/** For the headers of a write, in bytes. */
const HEADER_BYTES = 256;
const DEFAULT_MAX_PAYLOAD_BYTES = 1 << 20;

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
        (error instanceof StreamError && error.code === NOT_FOUND);
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
      timeout: DEFAULT_TIMEOUT_MS,
      // A replica of the bucket may answer a direct read with what has changed since.
      allow_direct: false,
    };
    const kv = explained(
      `open the bucket "${this.#bucket}"`,
      () => new Kvm(session.js).create(this.#bucket, options),
    ).catch((error) => {
      // The user may not create it.
      const isForbidden = errorText(error).includes(`.STREAM.CREATE.KV_${this.#bucket}`);
      if (!isForbidden) throw error;
      const text = `${errorText(error)}; create it with: heddle-scheduler stream create`;
      throw new Error(text, { cause: error });
    });
    const opened = this.#opened = { session, kv };
    kv.catch(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    return opened;
  }
}

/** Decodes an entry. A deleted value, or one that is not a JSON object, has no fields. */
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

function infoOf({ config, cluster }: ServerStreamInfo): StreamInfo {
  return {
    name: config.name,
    subjects: config.subjects ?? [],
    replicas: config.num_replicas,
    isClustered: cluster?.name !== undefined,
    duplicateWindow: config.duplicate_window / NANOSECONDS_PER_SECOND,
    maxAge: config.max_age / NANOSECONDS_PER_SECOND,
    maxBytes: config.max_bytes,
    maxMessages: config.max_msgs,
    maxMessagesPerSubject: config.max_msgs_per_subject,
    maxMessageBytes: config.max_msg_size,
    isAcknowledging: config.no_ack !== true,
    isSealed: config.sealed,
    refusesWhenFull: config.discard === "new",
    retention: config.retention,
  };
}

function configOf(changes: StreamChanges): Partial<StreamConfig> {
  const { subjects, replicas, duplicateWindow, maxAge, maxBytes } = changes;
  return {
    ...(subjects !== undefined && { subjects: [...subjects] }),
    ...(replicas !== undefined && { num_replicas: replicas }),
    ...(duplicateWindow !== undefined &&
      { duplicate_window: duplicateWindow * NANOSECONDS_PER_SECOND }),
    ...(maxAge !== undefined && { max_age: maxAge * NANOSECONDS_PER_SECOND }),
    ...(maxBytes !== undefined && { max_bytes: maxBytes }),
  };
}

/** Converts the client's errors to those of `stream_bus.ts`. */
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
