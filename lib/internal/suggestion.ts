import leven from "leven";

/** A longer word is not compared: it is no typing error, and comparing it takes time. */
const MAX_WORD_CHARACTERS = 50;

/** Returns ` (did you mean "…"?)` with the {@link nearest} of `allowed`, or nothing. */
export function suggestion(word: unknown, allowed: readonly string[]): string {
  const found = nearest(word, allowed);
  return found === undefined ? "" : ` (did you mean ${JSON.stringify(found)}?)`;
}

/** Returns the member of `allowed` that differs from `word` by a typing error, if any does. */
export function nearest(word: unknown, allowed: readonly string[]): string | undefined {
  if (typeof word !== "string" || word.length > MAX_WORD_CHARACTERS) return undefined;
  const plain = normalized(word);
  let found: string | undefined;
  let best = (word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1;
  for (const candidate of allowed) {
    const distance = leven(plain, normalized(candidate), { maxDistance: best });
    if (distance < best) [found, best] = [candidate, distance];
  }
  return found;
}

/** `intervalSeconds`, `Interval-Seconds` and `interval_seconds` are the same word: the last. */
export function normalized(word: string): string {
  return word.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase().replaceAll(/[\s-]/g, "_");
}
