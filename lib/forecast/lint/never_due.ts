import type { ScheduleEntry } from "../../config/schedule_entry.ts";
import { entryCadence, nextAfter } from "../../schedule/entry_cadence.ts";
import type { Advice } from "./finding.ts";

/** Finds entries that are never due from `from` on. */
export function neverDue(entry: ScheduleEntry, from: number): Advice | null {
  const start = new Date(from);
  if (nextAfter(entryCadence(entry, start), from) !== Infinity) return null;
  const { timing, startAt, endAt } = entry;
  const end = endAt?.toISOString();
  if (endAt !== null && endAt.getTime() < from) {
    return { message: `it does not fire any more: its end_at, ${end}, has passed` };
  }
  const begin = startAt !== null && startAt > start ? startAt : null;
  if (nextAfter(timing.cadence(startAt ?? start), (begin?.getTime() ?? from) - 1) === Infinity) {
    return { message: `it does not fire any more: the years of "${timing.value}" are over` };
  }
  return {
    message: begin === null
      ? `it does not fire any more: nothing is due before its end_at, ${end}`
      : `it never fires: nothing is due between its start_at, ${begin.toISOString()}, and its ` +
        `end_at, ${end}`,
  };
}
