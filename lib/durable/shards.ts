/**
 * Assigns entries to leases, and leases to replicas. Pure: replicas that know the same come to the
 * same result.
 *
 * @module
 */

/**
 * The number of documents that hold the checkpoints. Each document belongs to one lease, whatever
 * the number of leases. It can never change, since it decides where the checkpoint of an entry is.
 */
export const PARTITIONS = 128;

/** Returns the document that holds the entry's checkpoint. */
export function partitionOf(entryName: string): number {
  return hashOf(entryName) % PARTITIONS;
}

/** Returns the page of its document, of `pages` pages, that holds the entry's checkpoint. */
export function pageOf(entryName: string, pages: number): number {
  return Math.floor(hashOf(entryName) / PARTITIONS) % pages;
}

/** FNV-1a of the name's UTF-16 code units, mixed. */
function hashOf(entryName: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < entryName.length; at++) {
    hash = Math.imul(hash ^ entryName.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Returns the lease, of `shards` leases, that an entry belongs to. */
export function shardOf(entryName: string, shards: number): number {
  return partitionOf(entryName) % shards;
}

/** Returns the documents that belong to a lease. */
export function partitionsOf(shard: number, shards: number): number[] {
  const partitions: number[] = [];
  for (let each = shard; each < PARTITIONS; each += shards) partitions.push(each);
  return partitions;
}

/**
 * Spreads leases evenly: no replica gets two more than another, and none loses one that it may
 * keep.
 *
 * @param holders the holder of each lease, null for none
 * @param replicas those that are present; at least one
 * @returns the replica that is to hold each lease
 */
export function assign(holders: readonly (string | null)[], replicas: readonly string[]): string[] {
  const counts = new Map(replicas.map((replica) => [replica, 0]));
  for (const holder of holders) {
    if (holder !== null && counts.has(holder)) counts.set(holder, counts.get(holder)! + 1);
  }
  // The replica that holds most may keep most; among equals the names decide.
  const ordered = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const least = Math.floor(holders.length / replicas.length);
  const larger = holders.length % replicas.length;
  const room = new Map(ordered.map(([replica], place) => [replica, least + +(place < larger)]));
  const take = (replica: string) => room.set(replica, room.get(replica)! - 1);
  const kept = holders.map((holder) => {
    if (holder === null || !room.get(holder)) return null;
    take(holder);
    return holder;
  });
  return kept.map((holder) => {
    if (holder !== null) return holder;
    const [next] = ordered.find(([replica]) => room.get(replica)! > 0)!;
    take(next);
    return next;
  });
}
