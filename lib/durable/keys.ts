/** The names of what is kept in JetStream. */

/** The key-value bucket of all schedulers of an account. */
export const BUCKET = "heddle-scheduler";

/** A key's first part: the scheduler's name in the characters that a key may have. */
export function keyPrefix(scheduler: string): string {
  return encodeURIComponent(scheduler.toWellFormed())
    .replace(/[.!~*'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%", "=");
}

/** Who fires a shard's entries. */
export function leaseKey(scheduler: string, shard: number | "*"): string {
  return `${keyPrefix(scheduler)}.lease.${shard}`;
}

/** What is remembered of the entries of a partition. */
export function memoryKey(scheduler: string, partition: number): string {
  return `${keyPrefix(scheduler)}.memory.${partition}`;
}

/** Which entries a person has paused. */
export function pausesKey(scheduler: string): string {
  return `${keyPrefix(scheduler)}.pauses`;
}
