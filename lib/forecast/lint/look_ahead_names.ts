import type { LookAheadFinding } from "./look_ahead_finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** What a word in a name promises, in seconds, and the expression that keeps it. */
const WORDS: readonly (readonly [RegExp, number, string])[] = [
  [/\bminutely\b|\b(each|every) minute\b/, MINUTE, "* * * * *"],
  [/\bhourly\b|\b(each|every) hour\b/, HOUR, "0 * * * *"],
  [/\bdaily\b|\b(each|every) day\b/, DAY, "0 0 * * *"],
  [/\bnightly\b|\b(each|every) night\b/, DAY, "0 2 * * *"],
  [/\b(each|every) morning\b/, DAY, "0 8 * * *"],
  [/\bweekly\b|\b(each|every) week\b/, 7 * DAY, "0 0 * * 1"],
];
/** Words for what no interval can be. */
const UNEVEN = [
  [/\bmonthly\b|\b(each|every) month\b/, "0 0 1 * *"],
  [/\byearly\b|\bannually\b/, "0 0 1 1 *"],
] as const;
/** `every_5_minutes`, `5min`, `poll 30 s`. */
const NUMBERED = /\b(\d+)\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b/;
const UNITS: Record<string, number> = { s: 1, m: MINUTE, h: HOUR, d: DAY };

/** Intervals that are not what their entries' names say. */
export function nameFindings(entries: readonly ScheduleEntry[]): LookAheadFinding[] {
  const findings: LookAheadFinding[] = [];
  for (const { name, intervalSeconds, startAt } of entries) {
    if (intervalSeconds === null) continue;
    const message = messageFor(
      wordsOf(name),
      intervalSeconds,
      startAt !== null,
    );
    if (message !== null) findings.push({ kind: "name", entry: name, message });
  }
  return findings;
}

function messageFor(words: string, interval: number, hasStart: boolean): string | null {
  for (const [pattern, cron] of UNEVEN) {
    const found = pattern.exec(words);
    if (found === null) continue;
    return `its name says "${found[0]}", which no interval can keep: \`cron: "${cron}"\` does`;
  }
  for (const [pattern, seconds, cron] of WORDS) {
    const found = pattern.exec(words);
    if (found === null) continue;
    if (interval !== seconds) {
      return `its name says "${found[0]}", and it fires every ${interval} s, ` +
        `which never aligns with ${seconds} s: \`cron: "${cron}"\` does`;
    }
    if (seconds < HOUR || hasStart) return null;
    return `its name says "${found[0]}", and its interval counts from when the scheduler starts, ` +
      `at whatever time that is: \`cron: "${cron}"\` does not`;
  }
  const [text, count, unit] = NUMBERED.exec(words) ?? [];
  if (text === undefined) return null;
  const seconds = Number(count) * UNITS[unit![0]!]!;
  if (seconds === 0 || interval === seconds) return null;
  return `its name says "${text}", and it fires every ${interval} s, not every ${seconds} s`;
}

/** `hourlySummary`, `hourly-summary` and `hourly_summary` are the same words. */
function wordsOf(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().replaceAll(/[\s_.:/-]+/g, " ");
}
