import type { Cadence } from "../cadence.ts";
import { CronCalendar, dayNumber, LAST_YEAR } from "./cron_calendar.ts";
import {
  type CronExpression,
  CronExpressionError,
  parseCronExpression,
} from "./cron_expression.ts";
import { type Segment, type Zone, zoneNamed } from "../zone.ts";

export { CronExpressionError, cronFieldCount, describeSixFields } from "./cron_expression.ts";

const FIRST_WALL_CLOCK_TIME = dayNumber(1, 1) * 86_400;
const LAST_INSTANT = dayNumber(LAST_YEAR + 1, 1) * 86_400 - 1;

/** No zone was ever further from UTC (Manila before 1845: 15:56 west), in seconds. */
const MAX_OFFSET_SECONDS = 16 * 3600;

/**
 * When a cron expression is due in a time zone, an IANA name in any case.
 *
 * The grammar is crontab(5)'s with seconds in front of six fields and a year at the end of seven,
 * wrapping ranges, `L`, `#`, `W`, `?` and the nicknames. Daylight saving follows Debian cron: an
 * expression whose minute or hour field begins with `*` fires at every real minute whose wall clock
 * matches; any other names particular wall-clock times, each of which fires once: one that a change
 * of less than three hours skips at the first instant after the gap, one that comes twice the first
 * time.
 *
 * `next` answers null from the end of the year 9999 on, and after the last year of a seventh field.
 * It throws a `RangeError` for an invalid date.
 *
 * @throws {CronExpressionError} for a text that is no expression, or one that can never fire
 * @throws {TimeZoneError} for a name that is no time zone
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

/** As {@link cronCadence}, for an expression that has been parsed. */
export function parsedCadence(expression: CronExpression, timezone: string): Cadence {
  const calendar = new CronCalendar(expression);
  if (calendar.next(FIRST_WALL_CLOCK_TIME) === Infinity) {
    throw new CronExpressionError(
      expression.source,
      "it can never fire: no day matches its day, month and year fields",
    );
  }
  return new CronCadence(calendar, expression.wildcard, zoneNamed(timezone));
}

class CronCadence implements Cadence {
  readonly #calendar: CronCalendar;
  readonly #wildcard: boolean;
  readonly #zone: Zone;
  /** The segment last looked at, where the next question most often belongs. */
  #segment: Segment;

  constructor(calendar: CronCalendar, wildcard: boolean, zone: Zone) {
    this.#calendar = calendar;
    this.#wildcard = wildcard;
    this.#zone = zone;
    this.#segment = { start: 0, end: 0, offset: 0, freshFrom: 0, dueFrom: 0 };
  }

  next(after: Date): Date | null {
    let instant = Math.floor(after.getTime() / 1000) + 1;
    if (Number.isNaN(instant)) {
      throw new RangeError("Cannot find what is due after an invalid date");
    }
    let segment = this.#segment;
    while (instant <= LAST_INSTANT) {
      if (instant < segment.start || instant >= segment.end) {
        this.#segment = segment = this.#zone.segmentAt(instant);
      }
      const match = this.#calendar.next(this.#earliest(instant, segment));
      const due = Math.max(match - segment.offset, instant);
      if (due < segment.end) return due <= LAST_INSTANT ? new Date(due * 1000) : null;
      // Clocks that a change sets back can show a match again, but only within two days. Past that,
      // nothing is due before `match`, whatever the zone's offset is by then.
      instant = segment.end - instant > 2 * MAX_OFFSET_SECONDS
        ? Math.max(segment.end, match - MAX_OFFSET_SECONDS)
        : segment.end;
    }
    return null;
  }

  /** The earliest wall-clock time that, if it matches, is due at `instant` or later in `segment`. */
  #earliest(instant: number, segment: Segment): number {
    const shown = instant + segment.offset;
    if (this.#wildcard) return shown;
    return instant === segment.start ? segment.dueFrom : Math.max(shown, segment.freshFrom);
  }
}
