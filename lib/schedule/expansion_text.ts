import type { ScheduleEntry } from "../config/schedule_entry.ts";

/** Longer ones are cut, in characters. */
const MAX_WITH_CHARACTERS = 80;

/** What an entry has one message for each of, in words; null for an entry with a single message. */
export function expansionText({ expandFrom, expandWith, forEach }: ScheduleEntry): string | null {
  if (forEach !== null) {
    return forEach.length === 1 ? "1 object" : `${forEach.length} objects`;
  }
  if (expandFrom === null || Object.keys(expandWith).length === 0) return expandFrom;
  const text = JSON.stringify(expandWith);
  const shown = text.length > MAX_WITH_CHARACTERS ? `${text.slice(0, MAX_WITH_CHARACTERS)}…` : text;
  return `${expandFrom} with ${shown}`;
}
