import { weekdayName } from "./day_fields.ts";

/**
 * Returns a day-of-week field with names in place of its numbers, as Quartz and AWS count them, from
 * 1 for Sunday to 7 for Saturday: `2-6` gives `MON-FRI`. Null for a field that has no such number.
 */
export function quartzWeekdays(text: string): string | null {
  let isQuartz = false;
  const named = text.split(",").map((item) => {
    const [, first, last, rest = ""] = /^([1-7])(?:-([1-7]))?(\/\d+|#\d+|L)?$/i.exec(item) ?? [];
    if (first === undefined) return /^\d/.test(item) ? null : item;
    isQuartz = true;
    const end = last === undefined ? "" : `-${weekdayName(Number(last) - 1)}`;
    return weekdayName(Number(first) - 1) + end + rest;
  });
  return isQuartz && !named.includes(null) ? named.join() : null;
}
