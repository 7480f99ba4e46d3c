/** The result of {@link unlessAborted} where the signal came first. */
export const ABORTED = Symbol("aborted");

/**
 * Waits for `work`, at most until `signal` aborts. Then what becomes of the work is ignored, also its
 * error.
 */
export function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
): Promise<T | typeof ABORTED> {
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(ABORTED);
    const forget = () => signal.removeEventListener("abort", giveUp);
    work.then(resolve, reject).finally(forget);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}
