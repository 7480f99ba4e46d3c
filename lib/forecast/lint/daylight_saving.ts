import { nextAfter, occurrencesFrom } from "../../schedule/entry_cadence.ts";
import { parsedCadence } from "../../time/cron/cron_cadence.ts";
import { type CronExpression, parseCronExpression } from "../../time/cron/cron_expression.ts";
import { CronFields } from "../../time/cron/cron_sets.ts";
import { zoneNamed } from "../../time/zone.ts";
import { instantInZone } from "../../time/instant_in_zone.ts";
import type { LintFinding } from "./finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";
import { CronTiming } from "../../config/timing/cron_timing.ts";

const YEAR_SECONDS = 366 * 86_400;
/** A larger change of the offset is not daylight saving time: its occurrences are skipped. */
const MAX_GAP_SECONDS = 3 * 3600;
/** The number of occurrences in one gap that are computed at most. */
const MAX_TIMES = 100;

/** Wall-clock times that a zone's clock skips, in seconds as if they were UTC. */
interface Gap {
  readonly from: number;
  readonly to: number;
  /** When the clock is changed, in seconds since the epoch. */
  readonly at: number;
}

/** Finds the occurrences that daylight saving time moves or merges within a year. */
export function daylightSavingFindings(
  entries: readonly ScheduleEntry[],
  from: number,
): LintFinding[] {
  const gaps = new Map<string, Gap[]>();
  const messages = new Map<CronTiming, string | null>();
  const findings: LintFinding[] = [];
  const fields = new CronFields();
  for (const { name, timing } of entries) {
    if (!(timing instanceof CronTiming)) continue;
    const { value: cron, timezone } = timing;
    let message = messages.get(timing);
    if (message === undefined) {
      const known = gaps.get(timezone) ?? gapsWithin(timezone, Math.floor(from / 1000));
      gaps.set(timezone, known);
      messages.set(timing, message = describe(parseCronExpression(cron, fields), timezone, known));
    }
    if (message !== null) findings.push({ kind: "daylight_saving", entry: name, message });
  }
  return findings;
}

function gapsWithin(timezone: string, from: number): Gap[] {
  const zone = zoneNamed(timezone);
  const gaps: Gap[] = [];
  for (let segment = zone.segmentAt(from); segment.end < from + YEAR_SECONDS;) {
    const next = zone.segmentAt(segment.end);
    const change = next.offset - segment.offset;
    if (change > 0 && change < MAX_GAP_SECONDS) {
      gaps.push({
        from: segment.end + segment.offset,
        to: segment.end + next.offset,
        at: segment.end,
      });
    }
    segment = next;
  }
  return gaps;
}

/** Describes what happens to the times in the first gap that matters; null where none does. */
function describe(cron: CronExpression, timezone: string, gaps: readonly Gap[]): string | null {
  if (gaps.length === 0 || cron.wildcard) return null;
  const wallClock = parsedCadence(cron, "UTC");
  for (const { from, to, at } of gaps) {
    // The times in the gap, and the one at its end.
    const first = nextAfter(wallClock, (from - 1) * 1000);
    const times = [...occurrencesFrom(wallClock, first, to * 1000).take(MAX_TIMES)];
    const skipped = times.filter((time) => time < to * 1000);
    if (skipped.length === 0) continue;
    const few = skipped.slice(0, 3).map((time) => new Date(time).toISOString().slice(11, 16));
    const more = skipped.length > 3 ? ` and ${skipped.length - 3} more` : "";
    const date = new Date(from * 1000).toISOString().slice(0, 10);
    const fired = instantInZone(at * 1000, timezone);
    const what = times.length > 1
      ? `${times.length} occurrences become one, at ${fired}`
      : `it fires at ${fired}`;
    return `on ${date} the clock in ${timezone} skips ${few.join(", ")}${more}: ${what}`;
  }
  return null;
}
