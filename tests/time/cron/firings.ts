import { cronCadence } from "../../../lib/time/cron/cron_cadence.ts";

/** The first `count` occurrences after `after`, as `2025-03-30T01:00:00Z`, fewer if there are no more. */
export function firings(
  expression: string,
  timezone: string,
  after: string,
  count: number,
): string[] {
  const cadence = cronCadence(expression, timezone);
  const list: string[] = [];
  let at: Date | null = new Date(after);
  while (list.length < count && (at = cadence.next(at))) {
    list.push(at.toISOString().replace(".000Z", "Z"));
  }
  return list;
}
