import type { ComingFiring } from "../engine/coming_firings.ts";
import { instantInZone } from "../time/instant_in_zone.ts";
import { gistOf, notesOf, type ScheduleEntry } from "../config/schedule_entry.ts";
import { expansionText } from "../schedule/expansion_text.ts";
import { span } from "./spans.ts";
import { table } from "./text_table.ts";

/** Longer instructions and notes are cut. */
const MAX_TEXT_CHARACTERS = 60;

const GIST_KEYS = { goal: "instruction", task: "worker_type", message: "subject" } as const;

const HEADINGS = ["local", "UTC", "in", "zone", "entry", "dispatches", "notes"] as const;

/**
 * Returns the table of upcoming firings, without notes where no entry has any.
 *
 * @param from the instant that "in" counts from, in milliseconds since the epoch
 */
export function upcomingTable(
  firings: readonly ComingFiring[],
  entries: ReadonlyMap<string, ScheduleEntry>,
  from: number,
): string[] {
  const rows = firings.map((each) => rowOf(entries.get(each.entry)!, each, from));
  const columns = HEADINGS.length - (rows.some((row) => row.at(-1) !== "") ? 0 : 1);
  return table(HEADINGS.slice(0, columns), rows.map((row) => row.slice(0, columns)));
}

function rowOf(entry: ScheduleEntry, firing: ComingFiring, from: number): string[] {
  const { scheduledFor } = firing;
  return [
    instantInZone(scheduledFor, entry.timezone),
    new Date(scheduledFor).toISOString().replace(".000Z", "Z"),
    span(untilFiring(firing, from)),
    entry.timezone,
    entry.name,
    whatOf(entry),
    cut(notesOf(entry)),
  ];
}

export function upcomingJson(entry: ScheduleEntry, firing: ComingFiring, from: number) {
  const { scheduledFor } = firing;
  return {
    entry: entry.name,
    at: new Date(scheduledFor).toISOString(),
    local: instantInZone(scheduledFor, entry.timezone),
    timezone: entry.timezone,
    in_seconds: untilFiring(firing, from) / 1000,
    dispatch_type: entry.dispatchType,
    [GIST_KEYS[entry.dispatchType]]: gistOf(entry),
    jitter_seconds: entry.jitterSeconds,
    expand_from: entry.expandFrom,
    for_each: entry.forEach?.length ?? null,
    description: entry.description,
    labels: entry.labels,
  };
}

/**
 * Returns the time until a firing; one that its jitter still holds back is sent after it was due.
 */
function untilFiring({ scheduledFor, fireAt }: ComingFiring, from: number): number {
  return (scheduledFor > from ? scheduledFor : fireAt) - from;
}

function whatOf(entry: ScheduleEntry): string {
  const line = `${entry.dispatchType}: ${gistOf(entry)}`.replaceAll(/\s+/g, " ");
  const expansion = expansionText(entry);
  const notes = [
    ...(expansion === null ? [] : [`for each of ${expansion}`]),
    ...(entry.jitterSeconds === 0 ? [] : [`up to ${entry.jitterSeconds} s later`]),
  ];
  return notes.length === 0 ? cut(line) : `${cut(line)} (${notes.join(", ")})`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT_CHARACTERS ? `${text.slice(0, MAX_TEXT_CHARACTERS)}…` : text;
}
