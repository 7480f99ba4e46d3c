/**
 * Where time zone data is read: `TZDIR`, else the machine's or the program's own, whichever is newer.
 *
 * @module
 */
import { TZDATA, TZDATA_VERSION } from "./tzdata.ts";

/** Where the data in use comes from. */
export interface ZoneSource {
  /** Its directory; null for the program's own copy. */
  readonly directory: string | null;
  /** Such as `2026f`; null where the directory does not say it. */
  readonly version: string | null;
  /** Why `TZDIR` is not used though it is set; null where there is nothing to say. */
  readonly problem: string | null;
}

/** Where systems keep their data. */
const SYSTEM_DIRECTORY = "/usr/share/zoneinfo";
/** Enough for the first line of `tzdata.zi`. */
const VERSION_LINE_BYTES = 100;
/** Far more than any zone needs. */
const MAX_ZONE_FILE_BYTES = 64 * 2 ** 10;

/** Copies of everything with leap seconds, or without, and files that are no zone of their own. */
const NO_ZONE = /^(?:(?:posix|right)\/|(?:posixrules|localtime)$)|\/\//i;

/** The part of a file that readers skip; left out of the own copy, where it would be the same for each. */
export const SKIPPED_PART = "VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAEAAAAAAAAA";

/** Finds the data to use. */
export function findZoneSource(): ZoneSource {
  const own = { directory: null, version: TZDATA_VERSION };
  const named = variable("TZDIR");
  if (named) {
    if (isDirectory(named)) {
      return { directory: named, version: versionIn(named), problem: null };
    }
    const problem = `TZDIR ${JSON.stringify(named)} cannot be read as a directory`;
    return { ...systemOr(own), problem };
  }
  return { ...systemOr(own), problem: null };
}

function systemOr(own: { directory: null; version: string }) {
  const version = versionIn(SYSTEM_DIRECTORY);
  const isNewer = version !== null && version > own.version;
  return isNewer ? { directory: SYSTEM_DIRECTORY, version } : own;
}

/**
 * Yields the files of a zone, in base64, the one to use first; nothing where there is no such zone.
 * The own copy stands behind a directory: what that lacks, such as the old names that Debian has in
 * a package of their own, or what cannot be read there.
 *
 * @param name in any case
 */
export function* zoneFiles({ directory }: ZoneSource, name: string): Generator<string, void> {
  const own = ownZones().get(name.toLowerCase());
  if (directory !== null && !NO_ZONE.test(name)) {
    const text = fileIn(directory, own?.name ?? name) ?? fileIn(directory, nameIn(directory, name));
    if (text !== null) yield text;
  }
  if (own !== undefined) yield own.file;
}

/** Returns the names of the own copy, without those that are other names of a zone. */
export function ownZoneNames(): string[] {
  return Array.from(ownZones().values()).flatMap(({ name, isLink }) => isLink ? [] : [name]);
}

interface OwnZone {
  readonly name: string;
  readonly isLink: boolean;
  readonly file: string;
}

let zones: Map<string, OwnZone> | null = null;

/** Returns the zones of the own copy, by their lower-case names. Slices: nothing is decoded. */
function ownZones(): Map<string, OwnZone> {
  if (zones !== null) return zones;
  zones = new Map();
  for (const line of TZDATA.trim().split("\n")) {
    const [name = "", data = "", target] = line.split(" ");
    const file = target === undefined ? SKIPPED_PART + data : zones.get(target.toLowerCase())!.file;
    zones.set(name.toLowerCase(), { name, isLink: target !== undefined, file });
  }
  return zones;
}

/** Returns a name as the directory spells it, or null. */
function nameIn(directory: string, name: string): string | null {
  const found: string[] = [];
  for (const part of name.toLowerCase().split("/")) {
    const match = namesIn([directory, ...found].join("/")).find((each) =>
      each.toLowerCase() === part
    );
    if (match === undefined) return null;
    found.push(match);
  }
  return found.join("/");
}

function namesIn(directory: string): string[] {
  if (!mayRead(directory)) return [];
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch {
    return [];
  }
}

/** Returns the file of a zone in base64; null where there is none. */
function fileIn(directory: string, name: string | null): string | null {
  const path = `${directory}/${name}`;
  if (name === null || !mayRead(path)) return null;
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile || size > MAX_ZONE_FILE_BYTES) return null;
    const bytes = Deno.readFileSync(path);
    const isZone = new TextDecoder("latin1").decode(bytes.subarray(0, 4)) === "TZif";
    return isZone ? bytes.toBase64() : null;
  } catch {
    return null;
  }
}

/** Returns the version that a directory's `tzdata.zi` begins with, or null. */
function versionIn(directory: string): string | null {
  const path = `${directory}/tzdata.zi`;
  if (!mayRead(path)) return null;
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(VERSION_LINE_BYTES);
    const text = new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
    return /^# version (\d{4}[a-z]+)\b/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

function isDirectory(path: string): boolean {
  try {
    return mayRead(path) && Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Asked first: a program that embeds this one, and may not, is not to be prompted for it. */
function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}
