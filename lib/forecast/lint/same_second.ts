import { entryCadence, nextAfter } from "../../schedule/entry_cadence.ts";
import { type Alike, alike, occurrencesOf, type Recurrence } from "../recurrence.ts";
import type { LintFinding } from "./finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";

const DAY_MS = 86_400_000;
/** The number of entries in one second from which on there is a finding. */
const MIN_ENTRIES = 20;
/** The number of firings a second that the advice aims at. */
const SPREAD = 5;
/** The number of occurrences that are computed at most. */
const MAX_LOOKUPS = 300_000;

interface Member extends Recurrence {
  readonly entry: ScheduleEntry;
}

type Group = Alike<Member>;

/** Finds the second of the next 24 hours in which most entries are due, if there are many. */
export function sameSecondFindings(
  entries: readonly ScheduleEntry[],
  from: number,
): LintFinding[] {
  const seconds = new Map<number, Group[]>();
  let lookups = MAX_LOOKUPS;
  for (const group of alike(withoutJitter(entries, from), from + DAY_MS)) {
    for (const at of occurrencesOf(group)) {
      if (lookups-- <= 0) break;
      const second = Math.floor(at / 1000);
      const groups = seconds.get(second);
      if (groups === undefined) seconds.set(second, [group]);
      else if (groups.at(-1) !== group) groups.push(group);
      // Evenly spaced occurrences meet the others at the first or never.
      if (group.timing.periodMs !== null) break;
    }
  }
  let largest: { second: number; members: ScheduleEntry[] } | null = null;
  const size = (groups: readonly Group[]) =>
    groups.reduce((sum, each) => sum + each.members.length, 0);
  let most = MIN_ENTRIES - 1;
  for (const [second, groups] of seconds) {
    if (size(groups) <= most) continue;
    most = size(groups);
    largest = {
      second,
      members: groups.flatMap(({ members }) => members.map(({ entry }) => entry)),
    };
  }
  return largest === null ? [] : [finding(largest.second, largest.members, from)];
}

function finding(second: number, members: ScheduleEntry[], from: number): LintFinding {
  const [first] = members as [ScheduleEntry];
  const names = members.slice(0, 3).map(({ name }) => `"${name}"`).join(", ");
  const spacing = Math.min(...members.map((entry) => spacingOf(entry, from)));
  const seconds = Math.min(
    Math.ceil(members.length / SPREAD),
    Math.max(1, Math.floor(spacing / 2)),
  );
  return {
    kind: "same_second",
    entry: first.name,
    entries: [first.name],
    advice: true,
    message: `${members.length} entries are due in the same second, ` +
      `${new Date(second * 1000).toISOString()} (${names} …): ` +
      `\`jitter_seconds: ${seconds}\` on each would spread them`,
  };
}

function* withoutJitter(entries: readonly ScheduleEntry[], from: number): Generator<Member> {
  for (const entry of entries) {
    const { timing, jitterSeconds, endAt } = entry;
    if (jitterSeconds > 0) continue;
    const next = nextAfter(entryCadence(entry, new Date(from)), from);
    yield { entry, timing, endAt: endAt?.getTime() ?? null, next };
  }
}

/** The time between the first two occurrences, in seconds. */
function spacingOf(entry: ScheduleEntry, from: number): number {
  const cadence = entryCadence(entry, new Date(from));
  const first = nextAfter(cadence, from);
  return first === Infinity ? Infinity : (nextAfter(cadence, first) - first) / 1000;
}
