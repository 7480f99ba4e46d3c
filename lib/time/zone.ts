import { nearest } from "../internal/suggestion.ts";

/** A time zone is unknown. `suggestion` is a similar name, where there is one. */
export class TimeZoneError extends Error {
  /** The name of this class. */
  override readonly name = "TimeZoneError";

  /** Makes the error for an unknown zone. */
  constructor(readonly timezone: string, readonly suggestion?: string) {
    const hint = suggestion === undefined ? "" : ` (did you mean "${suggestion}"?)`;
    super(
      `Unknown time zone ${JSON.stringify(timezone)}: expected an IANA name such as ` +
        `Europe/Berlin or UTC${hint}`,
    );
  }
}

/**
 * A stretch of time in which a zone's offset does not change. Instants and wall-clock times are whole
 * seconds since 1970-01-01 00:00:00, in UTC and on the zone's clocks; at an instant of the stretch
 * the clocks show `instant + offset`.
 */
export interface Segment {
  /** The first instant. */
  readonly start: number;
  /** The first instant after it. */
  readonly end: number;
  /** Seconds east of UTC. */
  readonly offset: number;
  /** The first wall-clock time of it that the clocks have not shown before. */
  readonly freshFrom: number;
  /** Wall-clock times from here up to that of `start` were skipped, and are due at `start`. */
  readonly dueFrom: number;
}

/** The offsets of a time zone. */
export interface Zone {
  /** Returns the segment that contains `instant`, in seconds since the epoch. */
  segmentAt(instant: number): Segment;
}

/** A change of three hours or more is not daylight saving time; its occurrences are skipped. */
const MAX_GAP_SECONDS = 3 * 3600;

/** No zone changed before this: the first to leave local mean time did so in 1847. */
const MIN_CHANGE_SECONDS = Date.UTC(1800, 0, 1) / 1000;

/** Segments are computed and cached in pieces of about a year. */
const PIECE_SECONDS = 2 ** 25;

/** The number of pieces that a zone caches, which bounds the memory of a walk through centuries. */
const MAX_PIECES = 256;

/** Two changes of a zone were never closer than 6.9 days, so probes this far apart miss none. */
const PROBE_SECONDS = 3 * 86_400;

/** Longer than any change has set a clock back (23 h, Kwajalein 1969). */
const MAX_REPEAT_SECONDS = 2 * 86_400;

const UTC_SEGMENT: Segment = {
  start: -Infinity,
  end: Infinity,
  offset: 0,
  freshFrom: -Infinity,
  dueFrom: -Infinity,
};

const UTC: Zone = { segmentAt: () => UTC_SEGMENT };

/** Caches zones by the lower-case names that were asked for, at most those that ICU has: `Intl`
 * takes fifty times as long, and 10 ms the first time. */
const zones = new Map<string, Zone>([["utc", UTC]]);

/**
 * Returns the zone of an IANA name, in any case; the same object for the same zone.
 *
 * @throws {TimeZoneError} for anything else, such as an offset (`+02:00`) or an abbreviation
 */
export function zoneNamed(name: string): Zone {
  const key = name.toLowerCase();
  const known = NAME.test(name) ? zones.get(key) : undefined;
  if (known) return known;
  const resolved = resolve(name);
  if (resolved === undefined) throw new TimeZoneError(name, meantBy(name));
  let zone = resolved === "UTC" ? UTC : zones.get(resolved.toLowerCase());
  if (!zone) zones.set(resolved.toLowerCase(), zone = new IntlZone(resolved));
  zones.set(key, zone);
  return zone;
}

/** Reports whether `name` is an IANA time zone, in any case. */
export function isTimeZone(name: string): boolean {
  return resolve(name) !== undefined;
}

/** Allows ASCII letters only, since other letters may have one of them as their lower case. */
const NAME = /^[a-z][\w+/-]*$/i;

/** The three-letter names that the IANA database has. */
const THREE_LETTERS = /^(CET|EET|EST|GMT|HST|MET|MST|PRC|ROC|ROK|UCT|UTC|WET)$/i;

function resolve(name: string): string | undefined {
  // ICU also accepts offsets, and Java's old abbreviations, where BST is Bangladesh.
  if (!NAME.test(name) || /^[a-z]{3}$/i.test(name) && !THREE_LETTERS.test(name)) {
    return undefined;
  }
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined; // a RangeError; Intl has no other check
  }
}

/** Returns the known name that ends in `name` (`Berlin`), or is similar to it. */
function meantBy(name: string): string | undefined {
  const known = ["UTC", ...Intl.supportedValuesOf("timeZone")];
  const end = `/${name.trim().toLowerCase().replaceAll(" ", "_")}`;
  return known.find((each) => each.toLowerCase().endsWith(end)) ?? nearest(name, known);
}

/** A zone whose offsets come from `Intl.DateTimeFormat`, one probe at a time. */
class IntlZone implements Zone {
  readonly #name: string;
  readonly #beforeChanges: Segment;
  readonly #pieces = new Map<number, readonly Segment[]>();

  constructor(name: string) {
    this.#name = name;
    const offset = offsetsOf(name)(MIN_CHANGE_SECONDS);
    this.#beforeChanges = { ...UTC_SEGMENT, end: MIN_CHANGE_SECONDS, offset };
  }

  segmentAt(instant: number): Segment {
    if (instant < MIN_CHANGE_SECONDS) return this.#beforeChanges;
    const index = Math.floor(instant / PIECE_SECONDS);
    let piece = this.#pieces.get(index);
    if (!piece) {
      if (this.#pieces.size >= MAX_PIECES) this.#pieces.clear();
      this.#pieces.set(index, piece = segmentsOf(this.#name, index));
    }
    let at = piece.length - 1;
    while (at > 0 && instant < (piece[at]?.start ?? 0)) at--;
    return piece[at] ?? UTC_SEGMENT;
  }
}

function segmentsOf(name: string, index: number): Segment[] {
  const offsetAt = offsetsOf(name);
  const from = index * PIECE_SECONDS, to = from + PIECE_SECONDS;
  const segments: Segment[] = [];
  let start = Math.max(from, MIN_CHANGE_SECONDS) - MAX_REPEAT_SECONDS;
  let offset = offsetAt(start);
  let shown = start + offset; // the clocks have shown every wall-clock time up to this
  let dueFrom = shown;
  const close = (end: number) => {
    if (end > from) {
      const opened = Math.max(start, from);
      const freshFrom = Math.max(opened + offset, shown);
      const segment = { start: opened, end, offset, freshFrom };
      segments.push({
        ...segment,
        dueFrom: opened === start ? Math.min(dueFrom, freshFrom) : freshFrom,
      });
    }
    shown = end + offset;
  };
  for (let probe = start; probe < to; probe += PROBE_SECONDS) {
    const next = Math.min(probe + PROBE_SECONDS, to);
    if (offsetAt(next) === offset) continue;
    let low = probe, high = next;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetAt(middle) === offset) low = middle;
      else high = middle;
    }
    if (high >= to) break; // part of the next piece
    close(high);
    const changed = offsetAt(high);
    start = high;
    dueFrom = changed - offset < MAX_GAP_SECONDS ? shown : Infinity;
    offset = changed;
  }
  close(to);
  return segments;
}

/** Returns a function from an instant to the zone's offset, both in seconds. */
function offsetsOf(timeZone: string): (instant: number) => number {
  // Made for each piece: a formatter takes tens of kilobytes, and is needed once a year.
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (instant) => {
    const numbers = format.format(instant * 1000).match(/\d+/g)?.map(Number) ?? [];
    const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = numbers;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - instant;
  };
}
