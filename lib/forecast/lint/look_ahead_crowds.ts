import { entryCadence, nextAfter } from "../../schedule/entry_cadence.ts";
import { type Alike, alike, occurrencesOf, type Recurrence } from "../recurrence.ts";
import type { LookAheadFinding } from "./look_ahead_finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";

const DAY = 86_400_000;
/** So many entries in one second are worth a word. */
const MIN_CROWD_ENTRIES = 20;
/** So many a second are none, in the mean. */
const SPREAD = 5;
/** How many occurrences are looked up at most. */
const MAX_LOOKUPS = 300_000;

interface Member extends Recurrence {
  readonly entry: ScheduleEntry;
}

type Group = Alike<Member>;

/** The second of the next day in which most entries are due at once, where those are many. */
export function crowdFindings(
  entries: readonly ScheduleEntry[],
  from: number,
): LookAheadFinding[] {
  const crowds = new Map<number, Group[]>();
  let lookups = MAX_LOOKUPS;
  for (const group of alike(withoutJitter(entries, from), from + DAY)) {
    for (const at of occurrencesOf(group)) {
      if (lookups-- <= 0) break;
      const second = Math.floor(at / 1000);
      const crowd = crowds.get(second);
      if (crowd === undefined) crowds.set(second, [group]);
      else if (crowd.at(-1) !== group) crowd.push(group);
      // Where they are evenly spaced the first is enough: it goes on as it begins.
      if (group.timing.periodMs !== null) break;
    }
  }
  let largest: { second: number; members: ScheduleEntry[] } | null = null;
  const size = (crowd: readonly Group[]) =>
    crowd.reduce((sum, each) => sum + each.members.length, 0);
  let most = MIN_CROWD_ENTRIES - 1;
  for (const [second, crowd] of crowds) {
    if (size(crowd) <= most) continue;
    most = size(crowd);
    largest = {
      second,
      members: crowd.flatMap(({ members }) => members.map(({ entry }) => entry)),
    };
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

function* withoutJitter(entries: readonly ScheduleEntry[], from: number): Generator<Member> {
  for (const entry of entries) {
    const { timing, jitterSeconds, endAt } = entry;
    if (jitterSeconds > 0) continue;
    const next = nextAfter(entryCadence(entry, new Date(from)), from);
    yield { entry, timing, endAt: endAt?.getTime() ?? null, next };
  }
}

/** Between the first two occurrences, in seconds. */
function spacingOf(entry: ScheduleEntry, from: number): number {
  const cadence = entryCadence(entry, new Date(from));
  const first = nextAfter(cadence, from);
  return first === Infinity ? Infinity : (nextAfter(cadence, first) - first) / 1000;
}
