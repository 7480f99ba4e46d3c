/** The number of items that are worked on at once. */
const MAX_UNDER_WAY = 32;

/** Like `Promise.all` over `work`, but with a limited number at once. */
export async function eachOf<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_UNDER_WAY, items.length) }, worker));
  return results;
}
