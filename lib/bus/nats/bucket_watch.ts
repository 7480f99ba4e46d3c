/**
 * Watches keys of a bucket. The client's own watch does not notice that the bucket is deleted, does
 * not report what a new bucket holds, and leaves its consumer on the server for five minutes.
 *
 * @module
 */
import { AckPolicy, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream";
import type { KvEntry } from "@nats-io/kv";
import { createInbox, type Msg, nanos, type NatsConnection, nuid } from "@nats-io/nats-core";
import type { Clock } from "../../time/clock.ts";

/** One version of a value. */
export interface BucketEntry {
  readonly key: string;
  readonly revision: number;
  readonly created: Date;
  readonly operation: KvEntry["operation"];
  readonly value: Uint8Array;
}

export interface BucketWatchOptions {
  client: NatsConnection;
  manager: JetStreamManager;
  clock: Clock;
  bucket: string;
  /** The keys, with wildcards. */
  pattern: string;
  onEntry(entry: BucketEntry): void;
  signal: AbortSignal;
}

/** The interval between the server's heartbeats while nothing changes. */
const HEARTBEAT_MS = 5000;
/** After this time without a message, or up to twice that, the consumer is considered lost. */
const MAX_SILENCE_MS = 2.5 * HEARTBEAT_MS;
/** The server removes a consumer without a subscriber after this time. */
const INACTIVE_THRESHOLD_MS = 10_000;

/**
 * Reports the present values, then each change.
 *
 * @returns when the connection is gone, or `signal` aborts
 * @throws {Error} with the server's reason, or when the server stopped reporting changes
 */
export async function watchBucket(options: BucketWatchOptions): Promise<void> {
  const { client, manager, clock, bucket, pattern, onEntry, signal } = options;
  const prefix = `$KV.${bucket}.`;
  const ended = Promise.withResolvers<void>();
  const done = new AbortController();
  let delivered = 0;
  let heard = 0;
  /** Ends the watch when the server is silent for too long. */
  const guard = async () => {
    for (let before = -1; before !== heard && !done.signal.aborted;) {
      before = heard;
      await clock.sleep(MAX_SILENCE_MS, done.signal);
    }
    ended.reject(new Error("the server does not tell of changes any more"));
  };
  const inbox = createInbox(manager.getOptions().watcherPrefix);
  const subscription = client.subscribe(inbox, {
    callback: (error, message) => {
      if (error) return ended.reject(error);
      heard++;
      const entry = message.subject.startsWith(prefix) ? entryOf(message, prefix.length) : null;
      if (entry === null) return; // a heartbeat
      if (entry.delivery !== ++delivered) return ended.reject(new Error("a change is missing"));
      onEntry(entry);
    },
  });
  const stop = () => ended.resolve();
  signal.addEventListener("abort", stop, { once: true });
  void client.closed().then(stop);
  void subscription.closed.then(stop);
  try {
    if (signal.aborted) return;
    const added = manager.consumers.add(`KV_${bucket}`, {
      name: `KV_WATCHER_${nuid.next()}`,
      deliver_subject: inbox,
      deliver_policy: DeliverPolicy.LastPerSubject,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      filter_subject: prefix + pattern,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      inactive_threshold: nanos(INACTIVE_THRESHOLD_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    // From then on the server sends at least its heartbeats.
    await Promise.race([added.then(() => void guard()), ended.promise]);
    await ended.promise;
  } finally {
    done.abort();
    signal.removeEventListener("abort", stop);
    ended.promise.catch(() => {});
    subscription.unsubscribe();
  }
}

/**
 * Reads the numbers in the reply subject, `$JS.ACK.STREAM.CONSUMER.DELIVERIES.REVISION.DELIVERY.TIME.PENDING`;
 * newer servers put domain and account in front.
 */
function entryOf(message: Msg, prefixLength: number): BucketEntry & { delivery: number } {
  const tokens = (message.reply ?? "").split(".");
  const [revision, delivery, nanoseconds] = tokens.slice(tokens.length === 9 ? 5 : 7).map(Number);
  return {
    key: message.subject.slice(prefixLength),
    revision: revision!,
    delivery: delivery!,
    created: new Date(Math.floor(nanoseconds! / 1_000_000)),
    operation: (message.headers?.get("KV-Operation") || "PUT") as BucketEntry["operation"],
    value: message.data,
  };
}
