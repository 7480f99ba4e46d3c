/**
 * Advice about a valid configuration: when its entries fire, and that this may not be meant.
 *
 * @module
 */
import type { ScheduleEntry } from "../../config/schedule_entry.ts";
import { CronTiming } from "../../config/timing/cron_timing.ts";
import { type CronExpression, parseCronExpression } from "../../time/cron/cron_expression.ts";
import { CronFields } from "../../time/cron/cron_sets.ts";
import { bothDayFields } from "./both_day_fields.ts";
import { DaylightSaving } from "./daylight_saving.ts";
import type { Advice, LintFinding } from "./finding.ts";
import { neverDue } from "./never_due.ts";
import { rareDays } from "./rare_days.ts";
import { sameSecondFindings } from "./same_second.ts";
import { weekdayNumbers } from "./weekday_numbers.ts";

/**
 * Returns the findings about the enabled entries, by kind, then in file order. Entries of which the
 * same is to be said share one.
 *
 * @param from milliseconds since the epoch
 */
export function lint(entries: readonly ScheduleEntry[], from: number): LintFinding[] {
  const enabled = entries.filter((entry) => entry.enabled);
  const daylightSaving = new DaylightSaving(from);
  const crons = new Map<CronTiming, CronExpression>();
  const fields = new CronFields();
  for (const { timing } of enabled) {
    if (!(timing instanceof CronTiming) || crons.has(timing)) continue;
    crons.set(timing, parseCronExpression(timing.value, fields));
  }

  /** Asks once for each cron timing, which many entries may share. */
  function ofCron(
    kind: LintFinding["kind"],
    check: (cron: CronExpression, timezone: string) => Advice | null,
  ): LintFinding[] {
    const known = new Map<CronTiming, Advice | null>();
    return shared(kind, enabled, ({ timing }) => {
      if (!(timing instanceof CronTiming)) return null;
      let advice = known.get(timing);
      if (advice === undefined) {
        known.set(timing, advice = check(crons.get(timing)!, timing.timezone));
      }
      return advice;
    });
  }

  return [
    ...ofCron("daylight_saving", (cron, timezone) => daylightSaving.advice(cron, timezone)),
    ...sameSecondFindings(enabled, from),
    ...ofCron("rare_day", (cron) => rareDays(cron, from)),
    ...ofCron("both_day_fields", bothDayFields),
    ...ofCron("weekday_numbers", weekdayNumbers),
    ...shared("never_due", enabled, (entry) => neverDue(entry, from)),
  ];
}

/** Makes one finding of all advice that has one cause. */
function shared(
  kind: LintFinding["kind"],
  entries: readonly ScheduleEntry[],
  check: (entry: ScheduleEntry) => Advice | null,
): LintFinding[] {
  const groups = new Map<string, { entries: string[]; messages: Set<string>; common: string }>();
  for (const entry of entries) {
    const advice = check(entry);
    if (advice === null) continue;
    const { message, common = { cause: message, message } } = advice;
    const group = groups.get(common.cause);
    if (group === undefined) {
      groups.set(common.cause, {
        entries: [entry.name],
        messages: new Set([message]),
        common: common.message,
      });
    } else {
      group.entries.push(entry.name);
      group.messages.add(message);
    }
  }
  return [...groups.values()].map(({ entries, messages: [message, another], common }) => ({
    kind,
    entry: entries[0]!,
    entries,
    message: another === undefined ? message! : common,
    advice: true,
  }));
}
