/**
 * Instants in the bucket, in milliseconds since the epoch, and how far they can be believed.
 *
 * @module
 */

/** The last instant that a `Date` can hold. */
export const MAX_INSTANT_MS = 8.64e15;

/**
 * The limit by which a writer's clock may be ahead of the server's. An instant that lies later than
 * the server's time stamp of its record by more than this was taken from a wrong clock.
 */
export const MAX_CLOCK_SKEW_MS = 60_000;

export function isInstant(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_INSTANT_MS;
}

/** Reports whether the clock that `instant` was taken from was wrong, by the server's time. */
export function isFromWrongClock(instant: number, serverTime: number): boolean {
  return instant - serverTime > MAX_CLOCK_SKEW_MS;
}

/** Returns the instant as text; a number where it is none. */
export function instantText(instant: number): string | number {
  return isInstant(instant) ? new Date(instant).toISOString() : instant;
}

/** Returns a value of unknown type as short text, for an error message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;
}

const MAX_SHOWN_CHARS = 100;
