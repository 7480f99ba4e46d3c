/**
 * Returns the delay of an occurrence in milliseconds, evenly distributed over [0, `limit`). Every
 * replica and retry gets the same, since it depends only on the entry's name and the occurrence.
 */
export function jitter(entryName: string, occurrence: Date, limit: number): number {
  // FNV-1a, then MurmurHash3's finalizer, since neighbouring instants differ in few bits.
  let hash = 0x811c9dc5;
  for (const char of `${entryName}\0${occurrence.getTime()}`) {
    hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return Math.floor(((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 * limit);
}
