import { quoted } from "../internal/excerpt.ts";
import { nearest } from "../internal/suggestion.ts";
import { borrowedZone } from "./zones/borrowed_names.ts";
import { type Changes, readTzif } from "./zones/tzif.ts";
import { findZoneSource, ownZoneNames, zoneFiles, type ZoneSource } from "./zones/zone_data.ts";

/** A time zone is unknown. `suggestion` is a similar name, where there is one. */
export class TimeZoneError extends Error {
  /** The name of this class. */
  override readonly name = "TimeZoneError";

  /** Makes the error for an unknown zone. */
  constructor(readonly timezone: string, readonly suggestion?: string) {
    const what = borrowedZone(timezone)?.what;
    const hint = suggestion === undefined ? "" : ` (did you mean "${suggestion}"?)`;
    super(
      `Unknown time zone ${quoted(timezone)}${what === undefined ? "" : `, ${what}`}: ` +
        `expected an IANA name such as Europe/Berlin or UTC${hint}`,
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

/** More than any change has set a clock back (23 h, Kwajalein 1969). */
const MAX_REPEAT_SECONDS = 2 * 86_400;

const UTC_SEGMENT: Segment = {
  start: -Infinity,
  end: Infinity,
  offset: 0,
  freshFrom: -Infinity,
  dueFrom: -Infinity,
};

const UTC: Zone = { segmentAt: () => UTC_SEGMENT };

/** The data in use; null before the first question. */
let source: ZoneSource | null = null;

/** What is known of each zone, by every lower-case name it was asked for. */
let zones = new Map<string, Zone>([["utc", UTC]]);

/** The same by the files that they were made of: names of one zone share what is known of it. */
let zonesByFile = new Map<string, Zone>();

/** Returns where the data in use comes from. */
export function zoneSource(): ZoneSource {
  return source ??= findZoneSource();
}

/** Returns what data is in use, for people. */
export function zoneSourceText({ directory, version }: ZoneSource = zoneSource()): string {
  const which = `tzdata ${version ?? "of an unknown version"}`;
  return directory === null ? `${which} built in` : `${which} from ${directory}`;
}

/**
 * Looks for newer data. A zone whose file has changed is another object from now on, which
 * {@link zoneNamed} returns; what was made with the one before goes on with that.
 */
export function renewZones(): ZoneSource {
  source = findZoneSource();
  const [names, before] = [[...zones.keys()], zonesByFile];
  zones = new Map([["utc", UTC]]);
  zonesByFile = new Map();
  for (const name of names) find(name, before);
  return source;
}

/**
 * Returns the zone of an IANA name, in any case; the same object for the same zone.
 *
 * @throws {TimeZoneError} for anything else, such as an offset (`+02:00`) or an abbreviation
 */
export function zoneNamed(name: string): Zone {
  const zone = find(name);
  if (zone === undefined) throw new TimeZoneError(name, zoneMeantBy(name)?.name);
  return zone;
}

/**
 * Returns the zone that `name` is, or most likely means: what it is elsewhere (`PST`), a name that
 * ends in it (`Berlin`), or one that is similar. Undefined for none.
 *
 * @returns its name, and whether it is more than similar
 */
export function zoneMeantBy(name: string): { name: string; isSure: boolean } | undefined {
  if (isTimeZone(name)) return { name, isSure: true };
  const borrowed = borrowedZone(name);
  if (borrowed !== undefined) {
    return borrowed.zone === undefined ? undefined : { name: borrowed.zone, isSure: true };
  }
  const known = ["UTC", ...ownZoneNames()];
  const end = `/${name.trim().toLowerCase().replaceAll(" ", "_")}`;
  const whole = known.find((each) => each.toLowerCase().endsWith(end));
  if (whole !== undefined) return { name: whole, isSure: true };
  const similar = nearest(name, known);
  return similar === undefined ? undefined : { name: similar, isSure: false };
}

/** Reports whether `name` is an IANA time zone, in any case. */
export function isTimeZone(name: string): boolean {
  return find(name) !== undefined;
}

/** Allows ASCII letters only, since other letters may have one of them as their lower case. */
const NAME = /^[a-z][\w+/-]*$/i;

/** @param known zones by their files, which need not be made again */
function find(name: string, known: ReadonlyMap<string, Zone> = zonesByFile): Zone | undefined {
  if (!NAME.test(name)) return undefined;
  const key = name.toLowerCase();
  const found = zones.get(key);
  if (found) return found;
  for (const file of zoneFiles(zoneSource(), name)) {
    const zone = known.get(file) ?? zoneOf(file);
    if (zone === null) continue;
    zonesByFile.set(file, zone);
    zones.set(key, zone);
    return zone;
  }
}

/** Returns null for a file that cannot be read. */
function zoneOf(file: string): Zone | null {
  try {
    const changes = readTzif(Uint8Array.fromBase64(file));
    return changes.isUtc ? UTC : new DataZone(changes);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A zone as its file tells it, one piece at a time. */
class DataZone implements Zone {
  readonly #changes: Changes;
  readonly #beforeChanges: Segment;
  readonly #pieces = new Map<number, readonly Segment[]>();

  constructor(changes: Changes) {
    this.#changes = changes;
    const offset = changes.offsetAt(MIN_CHANGE_SECONDS);
    this.#beforeChanges = { ...UTC_SEGMENT, end: MIN_CHANGE_SECONDS, offset };
  }

  segmentAt(instant: number): Segment {
    if (instant < MIN_CHANGE_SECONDS) return this.#beforeChanges;
    const index = Math.floor(instant / PIECE_SECONDS);
    let piece = this.#pieces.get(index);
    if (!piece) {
      if (this.#pieces.size >= MAX_PIECES) this.#pieces.clear();
      this.#pieces.set(index, piece = segmentsOf(this.#changes, index));
    }
    let at = piece.length - 1;
    while (at > 0 && instant < (piece[at]?.start ?? 0)) at--;
    return piece[at] ?? UTC_SEGMENT;
  }
}

function segmentsOf(changes: Changes, index: number): Segment[] {
  const from = index * PIECE_SECONDS, to = from + PIECE_SECONDS;
  const segments: Segment[] = [];
  let start = Math.max(from, MIN_CHANGE_SECONDS) - MAX_REPEAT_SECONDS;
  let offset = changes.offsetAt(start);
  let shown = start + offset; // the wall-clock time up to which the clocks have shown everything
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
  for (const { at, offset: changed } of changes.between(start, to)) {
    close(at);
    start = at;
    dueFrom = changed - offset < MAX_GAP_SECONDS ? shown : Infinity;
    offset = changed;
  }
  close(to);
  return segments;
}
