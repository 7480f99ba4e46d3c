import type { Clock } from "../time/clock.ts";

/** The requester of a firing has stopped waiting for it. */
export class DeadlineError extends Error {
  override name = "DeadlineError";
  constructor() {
    super("The request's time-out passed before it was done: nothing more of it is sent");
  }
}

/**
 * Aborts `controller` with a {@link DeadlineError} at `until`, in milliseconds since the epoch.
 *
 * @param until undefined for never
 * @returns a function that cancels the deadline
 */
export function abortAt(
  controller: AbortController,
  until: number | undefined,
  clock: Clock,
): () => void {
  if (until === undefined) return () => {};
  const done = new AbortController();
  void clock.sleep(until - clock.now(), done.signal).then(() => {
    if (!done.signal.aborted) controller.abort(new DeadlineError());
  });
  return () => done.abort();
}
