/** The keys of the JetStream bucket. */

/** The key-value bucket, which all schedulers of an account share. */
export const BUCKET = "heddle-scheduler";
/** The stream behind it. */
export const BUCKET_STREAM = `KV_${BUCKET}`;

/** Returns a key's first part: the scheduler's name in the characters that a key may have. */
export function keyPrefix(scheduler: string): string {
  return encodeURIComponent(scheduler.toWellFormed())
    .replace(/[.!~*'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%", "=");
}

/** Returns the key of a shard's lease. */
export function leaseKey(scheduler: string, shard: number | "*"): string {
  return `${keyPrefix(scheduler)}.lease.${shard}`;
}

/** Returns the key of the document with the checkpoints of a partition. */
export function checkpointKey(scheduler: string, partition: number): string {
  return `${keyPrefix(scheduler)}.memory.${partition}`;
}

/** Returns the key of a page of a document; the first has the document's own key. */
export function pageKey(documentKey: string, page: number): string {
  return page === 0 ? documentKey : `${documentKey}.${page}`;
}

/** Returns the key of the document with the paused entries. */
export function pausesKey(scheduler: string): string {
  return `${keyPrefix(scheduler)}.pauses`;
}
