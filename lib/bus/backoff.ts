/** The first wait before trying again, and the longest, in milliseconds. */
const SHORTEST = 1000;
const LONGEST = 30_000;

/**
 * How long to wait before the attempt after `failures` failed ones, in milliseconds: doubling from
 * 1 s to 30 s, and up to a fifth shorter at random, so that a thousand clients of a server that
 * comes back do not knock at once.
 */
export function backoff(failures: number, random: () => number = Math.random): number {
  const full = Math.min(SHORTEST * 2 ** failures, LONGEST);
  return Math.max(SHORTEST, Math.round(full * (1 - random() / 5)));
}
