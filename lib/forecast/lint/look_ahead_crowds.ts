import type { Cadence } from "../../time/cadence.ts";
import { entryCadence } from "../../schedule/entry_cadence.ts";
import type { LookAheadFinding } from "./look_ahead_finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";

const DAY = 86_400_000;
/** So many entries in one second are worth a word. */
const MIN_CROWD_ENTRIES = 20;
/** So many a second are none, in the mean. */
const SPREAD = 5;
/** How many occurrences are looked up at most. */
const MAX_LOOKUPS = 300_000;

interface Group {
  readonly cadence: Cadence;
  readonly entries: ScheduleEntry[];
}

/** The second of the next day in which most entries are due at once, where those are many. */
export function crowdFindings(
  entries: readonly ScheduleEntry[],
  from: number,
): LookAheadFinding[] {
  const groups = new Map<string, Group>();
  for (const entry of entries) {
    if (entry.jitterSeconds > 0) continue;
    const { timing, startAt, endAt } = entry;
    const key = JSON.stringify([timing.text, startAt, endAt]);
    const group = groups.get(key);
    if (group !== undefined) group.entries.push(entry);
    else groups.set(key, { cadence: entryCadence(entry, new Date(from)), entries: [entry] });
  }
  const crowds = new Map<number, Group[]>();
  let lookups = MAX_LOOKUPS;
  for (const group of groups.values()) {
    // Where they are evenly spaced the first is enough: it goes on as it begins.
    const isEven = group.entries[0]!.timing.periodMs !== null;
    for (let at = new Date(from); lookups-- > 0;) {
      const next = group.cadence.next(at);
      if (next === null || next.getTime() > from + DAY) break;
      const second = Math.floor(next.getTime() / 1000);
      const crowd = crowds.get(second);
      if (crowd === undefined) crowds.set(second, [group]);
      else if (crowd.at(-1) !== group) crowd.push(group);
      if (isEven) break;
      at = next;
    }
  }
  let largest: { second: number; members: ScheduleEntry[] } | null = null;
  const size = (crowd: readonly Group[]) =>
    crowd.reduce((sum, each) => sum + each.entries.length, 0);
  let most = MIN_CROWD_ENTRIES - 1;
  for (const [second, crowd] of crowds) {
    if (size(crowd) <= most) continue;
    most = size(crowd);
    largest = { second, members: crowd.flatMap((group) => group.entries) };
  }
  return largest === null ? [] : [finding(largest.second, largest.members, from)];
}

function finding(second: number, members: ScheduleEntry[], from: number): LookAheadFinding {
  const [first] = members as [ScheduleEntry];
  const names = members.slice(0, 3).map(({ name }) => `"${name}"`).join(", ");
  const spacing = Math.min(...members.map((entry) => spacingOf(entry, from)));
  const seconds = Math.min(
    Math.ceil(members.length / SPREAD),
    Math.max(1, Math.floor(spacing / 2)),
  );
  return {
    kind: "crowd",
    entry: first.name,
    message: `${members.length} entries are due in the same second, ` +
      `${new Date(second * 1000).toISOString()} (${names} …): ` +
      `\`jitter_seconds: ${seconds}\` on each would spread them`,
  };
}

/** Between the first two occurrences, in seconds. */
function spacingOf(entry: ScheduleEntry, from: number): number {
  const cadence = entryCadence(entry, new Date(from));
  const first = cadence.next(new Date(from));
  const second = first && cadence.next(first);
  return second ? (second.getTime() - first.getTime()) / 1000 : Infinity;
}
