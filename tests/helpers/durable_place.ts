/**
 * A place for the real program: a nats-server with JetStream, a stream for its dispatches, a file, and
 * what the server keeps of both.
 *
 * @module
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "./nats_client.ts";
import { BUCKET, checkpointKey, leaseKey } from "../../lib/durable/keys.ts";
import { partitionOf } from "../../lib/durable/shards.ts";
import { type NatsServer, startNatsServer } from "./nats_server.ts";
import { Program, type ProgramOptions } from "./program.ts";
import { holdToSchema } from "./wire_schemas.ts";

/** The scheduler's name in the files that are written here. */
export const SCHEDULER = "durable";
const STREAM = "HEDDLE";
const SUBJECTS = ["heddle.goals.incoming", "heddle.tasks.incoming"];
/** As `stream create` has it. */
const DUPLICATE_WINDOW_NS = 600 * 1_000_000_000;

/** A dispatch as the stream has it. Instants in milliseconds since the epoch. */
export interface Stored {
  schedule: string;
  scheduledFor: number;
  storedAt: number;
  term: string;
  id: string;
  data: Record<string, unknown>;
}

/** What a checkpoint document says of an entry: timing, since, last, and what may follow. */
export type Checkpoint = [timing: string, since: number, last: number | null, ...unknown[]];

/** So many messages are asked for at once. */
const READ_AT_ONCE = 100;

/** Returns all dispatches that the stream has, in its order. */
export async function storedIn(client: NatsConnection): Promise<Stored[]> {
  const manager = await jetstreamManager(client);
  const { state: { first_seq, last_seq, messages } } = await manager.streams.info(STREAM);
  const read = async (seq: number): Promise<Stored[]> => {
    const message = await manager.streams.getMessage(STREAM, { seq });
    if (message === null) return [];
    const { subject, header, time } = message;
    const data = message.json<Record<string, unknown>>();
    if (header.has("Heddle-Schedule")) holdToSchema(subject, data);
    return [{
      schedule: header.get("Heddle-Schedule"),
      scheduledFor: Date.parse(header.get("Heddle-Scheduled-For")),
      storedAt: time.getTime(),
      term: header.get("Heddle-Term"),
      id: header.get("Nats-Msg-Id"),
      data,
    }];
  };
  const found: Stored[] = [];
  for (let seq = first_seq; messages > 0 && seq <= last_seq; seq += READ_AT_ONCE) {
    const count = Math.min(READ_AT_ONCE, last_seq - seq + 1);
    const some = await Promise.all(Array.from({ length: count }, (_, at) => read(seq + at)));
    found.push(...some.flat());
  }
  return found;
}

export interface PlaceOptions {
  /** Which subjects the stream captures from the start; none: there is no stream. Default: both. */
  subjects?: readonly string[];
  /** Text of the server's configuration. Default: none. */
  config?: string;
}

export class Place implements AsyncDisposable {
  readonly server: NatsServer;
  /** The file that the programs read. */
  readonly config: string;
  readonly directory: string;
  readonly #programs: Program[] = [];
  #client: NatsConnection | null = null;

  private constructor(server: NatsServer, directory: string) {
    this.server = server;
    this.directory = directory;
    this.config = `${directory}/schedules.yaml`;
  }

  static async open(
    schedules: readonly string[],
    { subjects = SUBJECTS, config }: PlaceOptions = {},
  ): Promise<Place> {
    const server = await startNatsServer({ jetstream: true, config });
    const place = new Place(server, await Deno.makeTempDir({ prefix: "heddle-place-" }));
    try {
      if (subjects.length > 0) await place.createStream(subjects);
      await place.write(schedules);
    } catch (error) {
      await place[Symbol.asyncDispose]();
      throw error;
    }
    return place;
  }

  /** Starts the program with the file, on the server. */
  start(...args: string[]): Program {
    return this.startWith({}, ...args);
  }

  startWith(options: ProgramOptions, ...args: string[]): Program {
    const all = ["--config", this.config, "--nats-url", this.server.url, ...args];
    const program = new Program(all, options);
    this.#programs.push(program);
    return program;
  }

  /** Writes the file: entries without what they dispatch get a task. */
  async write(schedules: readonly string[], to = this.config): Promise<void> {
    const lines = schedules.map((each) => {
      const rest = each.includes("dispatch_type") ? "" : ", dispatch_type: task";
      const task = each.includes("task:") || each.includes("goal:")
        ? ""
        : ", task: { worker_type: w }";
      return `  - { ${each}${rest}${task} }`;
    });
    const head = [`name: ${SCHEDULER}`, lines.length === 0 ? "schedules: []" : "schedules:"];
    await Deno.writeTextFile(to, [...head, ...lines, ""].join("\n"));
  }

  /** A client of the server; connected anew where the server was away. */
  async client(): Promise<NatsConnection> {
    if (this.#client === null || this.#client.isClosed()) {
      this.#client = await connect({ servers: this.server.url, reconnect: false });
    }
    return this.#client;
  }

  async createStream(subjects: readonly string[] = SUBJECTS): Promise<void> {
    const manager = await jetstreamManager(await this.client());
    await manager.streams.add({
      name: STREAM,
      subjects: [...subjects],
      duplicate_window: DUPLICATE_WINDOW_NS,
    });
  }

  async stored(): Promise<Stored[]> {
    return await storedIn(await this.client());
  }

  /** The bucket of checkpoints, leases and pauses; made as the program makes it. */
  async bucket(): Promise<KV> {
    const client = jetstream(await this.client());
    return await new Kvm(client).create(BUCKET, { history: 1, allow_direct: false });
  }

  /** Writes a value of the bucket as it is. */
  async put(key: string, value: string): Promise<void> {
    await (await this.bucket()).put(key, value);
  }

  /** Writes checkpoints as a scheduler leaves them: some documents, each with its entries. */
  async checkpoint(entries: Readonly<Record<string, Checkpoint>>): Promise<void> {
    const documents = new Map<number, Record<string, Checkpoint>>();
    for (const [name, checkpoint] of Object.entries(entries)) {
      const partition = partitionOf(name);
      documents.set(partition, { ...documents.get(partition), [name]: checkpoint });
    }
    const bucket = await this.bucket();
    await Promise.all(
      [...documents].map(([partition, entries]) =>
        bucket.put(checkpointKey(SCHEDULER, partition), JSON.stringify({ term: null, entries }))
      ),
    );
  }

  /** What the bucket has of an entry; null: nothing. */
  async checkpointOf(name: string): Promise<Checkpoint | null> {
    const found = await (await this.bucket()).get(checkpointKey(SCHEDULER, partitionOf(name)));
    if (found === null || found.operation !== "PUT") return null;
    return found.json<{ entries: Record<string, Checkpoint> }>().entries[name] ?? null;
  }

  /** The lease's record as it stands in the bucket. */
  async lease(shard: number): Promise<Record<string, unknown> | null> {
    return (await (await this.bucket()).get(leaseKey(SCHEDULER, shard)))?.json() ?? null;
  }

  /** Asks the scheduler over the bus. */
  async ask(request: Record<string, unknown>): Promise<Record<string, unknown>> {
    const client = await this.client();
    const reply = await client.request(`heddle.scheduler.${SCHEDULER}`, JSON.stringify(request));
    return reply.json();
  }

  /** How often each outcome came, by what `status` says of an entry. */
  async counts(entry: string): Promise<Record<string, number>> {
    const { entries } = await this.ask({ action: "status", entry });
    return (entries as { counts: Record<string, number> }[])[0]!.counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) {
      program.kill("SIGCONT");
      await program[Symbol.asyncDispose]();
    }
    this.server.signal("SIGCONT");
    await this.#client?.close().catch(() => {});
    await this.server.stop();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** How long lies between the due instants of one and the next, in milliseconds. */
export function gaps(messages: readonly Pick<Stored, "scheduledFor">[]): number[] {
  return messages.slice(1).map(({ scheduledFor }, at) => scheduledFor - messages[at]!.scheduledFor);
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
