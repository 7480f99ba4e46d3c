import type { Cadence } from "../cadence.ts";
import { CronCalendar, dayNumber, LAST_YEAR } from "./cron_calendar.ts";
import {
  type CronExpression,
  CronExpressionError,
  parseCronExpression,
} from "./cron_expression.ts";
import { type Segment, type Zone, zoneNamed } from "../zone.ts";

export { CronExpressionError, cronFieldCount, describeSixFields } from "./cron_expression.ts";

const MIN_WALL_CLOCK_SECONDS = dayNumber(1, 1) * 86_400;
const MAX_INSTANT_SECONDS = dayNumber(LAST_YEAR + 1, 1) * 86_400 - 1;

/** An instant at which each zone has its present rules, or will get them later. */
const RECENT = new Date("2026-01-01T00:00:00Z");

/** No file of a zone lists changes after this; its rule repeats them from then on. */
const MAX_LISTED_SECONDS = dayNumber(2100, 1) * 86_400;

/** After 400 years the days of the week repeat, and with them a rule's changes of the clocks. */
const PERIOD_SECONDS = 146_097 * 86_400;

/** No zone was ever further from UTC (Manila before 1845: 15:56 west). */
const MAX_OFFSET_SECONDS = 16 * 3600;

/**
 * Returns the cadence of a cron expression in a time zone, an IANA name in any case.
 *
 * The grammar is that of crontab(5) with the nicknames, wrapping ranges, and `L`, `#`, `W` and `?`
 * of Quartz. Six fields begin with seconds; seven also end with a year. Daylight saving time
 * follows Debian cron. An expression whose minute or hour field begins with `*`, or names every
 * value, is due at every real minute whose wall-clock time matches. Each wall-clock time of any other expression is due
 * once: at the first instant after the gap where a change of less than three hours skips it, and
 * the first time where it is repeated.
 *
 * `next` returns null from the end of the year 9999 on, and after the last year of a seventh field.
 * It throws a `RangeError` for an invalid date.
 *
 * @throws {CronExpressionError} for an invalid expression, or one that can never fire
 * @throws {TimeZoneError} for an unknown time zone
 *
 * @example
 * ```ts
 * const cadence = cronCadence("30 2 * * MON-FRI", "Europe/Berlin");
 * cadence.next(new Date("2025-03-28T12:00:00Z")); // 2025-03-31T00:30:00.000Z
 * ```
 */
export function cronCadence(expression: string, timezone = "UTC"): Cadence {
  return parsedCadence(parseCronExpression(expression), timezone);
}

/** Returns the cadence of a parsed expression, as {@link cronCadence} does. */
export function parsedCadence(expression: CronExpression, timezone: string): Cadence {
  const calendar = new CronCalendar(expression);
  if (calendar.next(MIN_WALL_CLOCK_SECONDS) === Infinity) {
    throw new CronExpressionError(
      expression.source,
      "it can never fire: no day matches its day, month and year fields; for an entry that is " +
        "fired by hand only, write enabled: false and an expression that can fire, and `fire NAME`",
    );
  }
  const cadence = new CronCadence(calendar, expression, zoneNamed(timezone));
  // Only what a change of the clocks skips can be due nowhere, and only all of a wildcard job.
  if (expression.wildcard && expression.years === null && cadence.next(RECENT) === null) {
    throw new CronExpressionError(
      expression.source,
      `it can never fire in ${timezone}, where a change of the clocks skips all of its times`,
    );
  }
  return cadence;
}

class CronCadence implements Cadence {
  readonly #calendar: CronCalendar;
  readonly #wildcard: boolean;
  readonly #isPeriodic: boolean;
  readonly #zone: Zone;
  /** The last segment that was used, which most often contains the next instant too. */
  #segment: Segment;

  constructor(calendar: CronCalendar, { wildcard, years }: CronExpression, zone: Zone) {
    this.#calendar = calendar;
    this.#wildcard = wildcard;
    this.#isPeriodic = years === null;
    this.#zone = zone;
    this.#segment = { start: 0, end: 0, offset: 0, freshFrom: 0, dueFrom: 0 };
  }

  next(after: Date): Date | null {
    let instant = Math.floor(after.getTime() / 1000) + 1;
    if (Number.isNaN(instant)) {
      throw new RangeError("Cannot find what is due after an invalid date");
    }
    let segment = this.#segment;
    const last = this.#isPeriodic
      ? Math.min(MAX_INSTANT_SECONDS, Math.max(instant, MAX_LISTED_SECONDS) + PERIOD_SECONDS)
      : MAX_INSTANT_SECONDS;
    while (instant <= last) {
      if (instant < segment.start || instant >= segment.end) {
        this.#segment = segment = this.#zone.segmentAt(instant);
      }
      const match = this.#calendar.next(this.#earliest(instant, segment));
      const due = Math.max(match - segment.offset, instant);
      if (due < segment.end) return due <= MAX_INSTANT_SECONDS ? new Date(due * 1000) : null;
      // A change that sets clocks back can repeat a match, but only within two days. Beyond that,
      // nothing is due before `match`, whatever offset the zone has by then.
      instant = segment.end - instant > 2 * MAX_OFFSET_SECONDS
        ? Math.max(segment.end, match - MAX_OFFSET_SECONDS)
        : segment.end;
    }
    return null;
  }

  /** Returns the earliest wall-clock time that would be due in `segment` at `instant` or later. */
  #earliest(instant: number, segment: Segment): number {
    const shown = instant + segment.offset;
    if (this.#wildcard) return shown;
    return instant === segment.start ? segment.dueFrom : Math.max(shown, segment.freshFrom);
  }
}
