import { cronCadence } from "../../time/cron/cron_cadence.ts";
import type { LintFinding } from "./finding.ts";
import type { ScheduleEntry } from "../../config/schedule_entry.ts";
import { CronTiming } from "../../config/timing/cron_timing.ts";

/** The years from one 29 February to the next. */
const YEARS = 4;
const DAY_MS = 86_400_000;

/** Finds the expressions that skip months because these lack the day. */
export function rareDayFindings(
  entries: readonly ScheduleEntry[],
  from: number,
): LintFinding[] {
  const messages = new Map<string, string | null>();
  const findings: LintFinding[] = [];
  for (const { name, timing } of entries) {
    if (!(timing instanceof CronTiming)) continue;
    const cron = timing.value;
    if (!/\b(29|30|31)\b/.test(cron)) continue;
    let message = messages.get(cron);
    if (message === undefined) messages.set(cron, message = describe(cron, from));
    if (message !== null) findings.push({ kind: "rare_day", entry: name, message });
  }
  return findings;
}

function describe(cron: string, from: number): string | null {
  const wallClock = cronCadence(cron);
  const days = new Set<number>();
  const months = new Set<number>();
  let dates = 0;
  for (let at = from; at < from + YEARS * 366 * DAY_MS;) {
    const next = wallClock.next(new Date(at));
    if (next === null) break;
    days.add(next.getUTCDate());
    if (Math.min(...days) < 29) return null;
    months.add(next.getUTCMonth() + 1);
    dates++;
    // One occurrence a day is enough.
    at = Math.floor(next.getTime() / DAY_MS) * DAY_MS + DAY_MS - 1;
  }
  const [day] = days;
  if (dates === 0 || day === undefined) return null;
  if (months.size === 1) {
    // Only February lacks the day in some years; one other month was written on purpose.
    return months.has(2) ? "it fires on 29 February only: once in four years" : null;
  }
  const list = [...days].sort((a, b) => a - b).join(" and ");
  const left = 12 - months.size;
  if (left === 0) return null;
  const fields = cron.trim().split(/\s+/);
  const isEveryMonth = fields.length < 5 || fields.includes("*");
  if (!isEveryMonth) return null;
  return `it fires on day ${list} only, so not in the ${left} months that have none: ` +
    "`L` is the last day of each month";
}
