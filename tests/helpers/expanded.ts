import type { Expanded } from "../../lib/expansion/expansion.ts";

const MAX_LIST_OBJECTS = 500;

/** What an expander gives for a function that returned `objects`. */
export function expandedOf(objects: readonly Record<string, unknown>[]): Expanded {
  const lists = [];
  for (let from = 0; from < objects.length; from += MAX_LIST_OBJECTS) {
    lists.push(objects.slice(from, from + MAX_LIST_OBJECTS));
  }
  return { count: objects.length, lists };
}
