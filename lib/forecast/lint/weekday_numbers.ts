import { type CronExpression, parseCronExpression } from "../../time/cron/cron_expression.ts";
import { dayFieldTexts, weekdayWords } from "../../time/cron/day_fields.ts";
import { quartzWeekdays } from "../../time/cron/quartz_weekdays.ts";
import type { Advice } from "./finding.ts";

/** Finds numbers of weekdays beside a `?`, which comes from schedulers that count from Sunday, 1. */
export function weekdayNumbers(cron: CronExpression): Advice | null {
  const [dayOfMonth, dayOfWeek] = dayFieldTexts(cron.source);
  if (dayOfMonth !== "?") return null;
  const there = quartzWeekdays(dayOfWeek);
  if (there === null) return null;
  const { daysOfWeek } = parseCronExpression(`0 0 * * ${there}`);
  const [here, meant] = [weekdayWords(cron.daysOfWeek), weekdayWords(daysOfWeek)];
  if (here === meant) return null;
  return {
    message: `day of week ${dayOfWeek} is ${here} here; Quartz and AWS, which write ? for the ` +
      `other day field, count from 1 for Sunday: write \`${there}\` for ${meant}`,
  };
}
