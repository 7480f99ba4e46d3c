const MIN_WAIT_MS = 1000;
const MAX_WAIT_MS = 30_000;

/**
 * Returns the wait after `failures` failed attempts, in milliseconds. It doubles from 1 s to 30 s.
 * A wait of more than 1 s is up to a fifth shorter, at random, so that the clients of a server
 * that comes back do not all connect at the same time.
 */
export function backoff(failures: number, random: () => number = Math.random): number {
  const full = Math.min(MIN_WAIT_MS * 2 ** failures, MAX_WAIT_MS);
  return Math.max(MIN_WAIT_MS, Math.round(full * (1 - random() / 5)));
}
