import { nextAfter, occurrencesFrom } from "../../schedule/entry_cadence.ts";
import type { Cadence } from "../../time/cadence.ts";
import { parsedCadence } from "../../time/cron/cron_cadence.ts";
import type { CronExpression } from "../../time/cron/cron_expression.ts";
import { instantInZone } from "../../time/instant_in_zone.ts";
import { zoneNamed } from "../../time/zone.ts";
import type { Advice } from "./finding.ts";

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 366 * DAY_SECONDS;
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

/** Finds the occurrences that daylight saving time moves, merges or drops within a year. */
export class DaylightSaving {
  readonly #from: number;
  readonly #gaps = new Map<string, Gap[]>();

  /** @param from milliseconds since the epoch */
  constructor(from: number) {
    this.#from = Math.floor(from / 1000);
  }

  /** Describes what happens to the times in the first gap that matters; null where none does. */
  advice(cron: CronExpression, timezone: string): Advice | null {
    let gaps = this.#gaps.get(timezone);
    if (gaps === undefined) this.#gaps.set(timezone, gaps = gapsWithin(timezone, this.#from));
    if (gaps.length === 0) return null;
    const wallClock = parsedCadence(cron, "UTC");
    for (const gap of gaps) {
      const advice = inGap(wallClock, gap, { timezone, wildcard: cron.wildcard });
      if (advice !== null) return advice;
    }
    return null;
  }
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

function inGap(
  wallClock: Cadence,
  { from, to, at }: Gap,
  { timezone, wildcard }: { timezone: string; wildcard: boolean },
): Advice | null {
  // The times in the gap, and the one at its end.
  const first = nextAfter(wallClock, (from - 1) * 1000);
  const times = [...occurrencesFrom(wallClock, first, to * 1000).take(MAX_TIMES)];
  const skipped = times.filter((time) => time < to * 1000);
  if (skipped.length === 0) return null;
  const few = skipped.slice(0, 3).map(timeOfDay);
  const more = skipped.length > 3 ? ` and ${skipped.length - 3} more` : "";
  const date = new Date(from * 1000).toISOString().slice(0, 10);
  const change = `on ${date} the clock in ${timezone} skips`;
  const hours = `${change} ${timeOfDay(from * 1000)} to ${timeOfDay(to * 1000)}`;
  if (wildcard) {
    // What goes on after the gap keeps its spacing, which is what such an expression asks for.
    if (!isWholeDay(wallClock, from, to)) return null;
    const what = "it does not fire on that day";
    return {
      message: `${change} ${few.join(", ")}${more}: ${what}`,
      common: {
        cause: `${hours}, ${what}`,
        message: `${hours}: each of these has no other hour, ` +
          "and does not fire on that day",
      },
    };
  }
  const fired = instantInZone(at * 1000, timezone);
  const what = times.length > 1
    ? `${times.length} occurrences become one, at ${fired}`
    : `it fires at ${fired}`;
  return {
    message: `${change} ${few.join(", ")}${more}: ${what}`,
    common: { cause: hours, message: `${hours}: what is due there fires once, at ${fired}` },
  };
}

/** Reports whether a day on which the clock skips some time has no occurrence but in that time. */
function isWholeDay(wallClock: Cadence, from: number, to: number): boolean {
  const day = Math.floor(from / DAY_SECONDS) * DAY_SECONDS;
  return nextAfter(wallClock, (day - 1) * 1000) >= from * 1000 &&
    nextAfter(wallClock, (to - 1) * 1000) >= (day + DAY_SECONDS) * 1000;
}

/** Returns the time of day of a wall-clock time in milliseconds. */
function timeOfDay(time: number): string {
  return new Date(time).toISOString().slice(11, 16);
}
