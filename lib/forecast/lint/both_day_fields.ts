import type { CronExpression } from "../../time/cron/cron_expression.ts";
import {
  dayFieldTexts,
  weekdayName,
  weekdaysIn,
  weekdayWords,
} from "../../time/cron/day_fields.ts";
import type { Advice } from "./finding.ts";

const WEEKS = ["first", "second", "third", "fourth"];
const WEEK_BITS = 0x7f;

/** Finds expressions that restrict both day fields, of which either is enough. */
export function bothDayFields(cron: CronExpression): Advice | null {
  const texts = dayFieldTexts(cron.source);
  if (texts.some((text) => ["*", "?", "*/1"].includes(text))) return null;
  const [dayOfMonth, dayOfWeek] = texts;
  return {
    message:
      `both day fields are restricted, and it fires on either: day of month ${dayOfMonth}, ` +
      `and also day of week ${dayOfWeek}; ` +
      (ofOneWeek(cron) ?? "write * in place of the one that is not to count"),
  };
}

/** Says how to write the days that the month's first (…) seven and the weekday have in common. */
function ofOneWeek({ daysOfMonth, daysOfWeek }: CronExpression): string | null {
  const { days, nearestWeekdays, last, lastWeekday } = daysOfMonth;
  const [plain, ...others] = daysOfWeek;
  const week = WEEKS.findIndex((_, n) => days === WEEK_BITS << (7 * n + 1));
  const hasMore = nearestWeekdays !== 0 || last || lastWeekday;
  if (week < 0 || hasMore || plain === WEEK_BITS || others.some((set) => set !== plain)) {
    return null;
  }
  const names = weekdaysIn(plain!).map((day) => `${weekdayName(day)}#${week + 1}`);
  return `the ${WEEKS[week]} ${weekdayWords(daysOfWeek)} is \`${names.join()}\``;
}
