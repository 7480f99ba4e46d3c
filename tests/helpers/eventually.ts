/**
 * Waits until `condition` holds, asking every 5 ms.
 *
 * @throws {Error} when it does not hold within `within` ms; `what` says what was waited for
 */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  within = 10_000,
): Promise<void> {
  const end = performance.now() + within;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Still not so after ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
