import { errorText } from "../internal/error_text.ts";
import { readRegularFile } from "../internal/read_file.ts";
import type { Clock } from "../time/clock.ts";
import { MAX_FILE_BYTES } from "./config_file.ts";

/** How often the files are looked at, in milliseconds. */
const PERIOD_MS = 1000;
/** Files that never stay the same are read after so long all the same. */
export const MAX_UNSETTLED_MS = 5000;
/** There may be no file for a moment, between the old one and the new one; after so long it is gone. */
export const MAX_ABSENT_MS = 10_000;

/** A change of files. */
export interface FileChange {
  /** One of those that have changed. */
  readonly path: string;
  /**
   * They have been the same for a second since; or they have kept changing for
   * {@link MAX_UNSETTLED_MS}, so that `path` may be read half written; or all that changed have been
   * away for {@link MAX_ABSENT_MS}.
   */
  readonly how: "settled" | "unsettled" | "gone";
}

/** Of each file its version; null where there is none. */
export type FileVersions = ReadonlyMap<string, string | null>;

export interface WatchFilesOptions {
  clock: Clock;
  /** The versions that are in use: a change since then counts, also one before the start. */
  since: FileVersions;
  /** Ends the watch. */
  signal: AbortSignal;
  /** Called once for each change. */
  onChange(change: FileChange): void;
}

/**
 * Watches files until the signal aborts, following symbolic links: an editor that replaces a file, a
 * Kubernetes config map that swaps the directory behind it, one that is written bit by bit and
 * several that are written together each count as one change. It asks instead of being told, since
 * inotify does not see what happens behind a link or on a network share.
 *
 * @param paths returns those to watch now
 */
export async function watchFiles(
  paths: () => Iterable<string>,
  { clock, since, signal, onChange }: WatchFilesOptions,
): Promise<void> {
  const known = new Map(since);
  let sameMs = 0;
  let changingMs = 0;
  for (let before: FileVersions = known; !signal.aborted;) {
    await clock.sleep(PERIOD_MS, signal);
    const current = await fileVersions(paths());
    // One that is named from now on has been read as it is.
    for (const [path, version] of current) if (!known.has(path)) known.set(path, version);
    const differing = [...current.keys()].filter((path) => current.get(path) !== known.get(path));
    const isSame = differing.every((path) => current.get(path) === before.get(path));
    before = current;
    sameMs = isSame ? sameMs + PERIOD_MS : 0;
    changingMs = isSame ? 0 : changingMs + PERIOD_MS;
    if (differing.length === 0 || signal.aborted) continue;
    const present = differing.find((path) => current.get(path) !== null);
    if (present === undefined ? sameMs < MAX_ABSENT_MS : !isSame && changingMs < MAX_UNSETTLED_MS) {
      continue;
    }
    for (const path of differing) known.set(path, current.get(path)!);
    changingMs = 0;
    const how = present === undefined ? "gone" : isSame ? "settled" : "unsettled";
    onChange({ path: present ?? differing[0]!, how });
  }
}

/** Returns what differs between two versions of each file. Never throws. */
export async function fileVersions(paths: Iterable<string>): Promise<FileVersions> {
  const versions = new Map<string, string | null>();
  for (const path of paths) {
    if (!versions.has(path)) versions.set(path, await fileVersion(path));
  }
  return versions;
}

/**
 * What differs between two versions of a file; null when there is none. Never throws. Where the
 * system does not say which file it is and when it last changed, as on some network shares and file
 * systems of Windows, the text tells them apart.
 */
async function fileVersion(path: string): Promise<string | null> {
  try {
    const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
    const isKnown = Boolean(ino) && ctime !== null;
    const text = isKnown ? "" : await digest(path).catch(errorText);
    return [dev, ino, size, mtime?.getTime(), ctime?.getTime(), text].join();
  } catch {
    return null;
  }
}

async function digest(path: string): Promise<string> {
  const bytes = await readRegularFile(path, MAX_FILE_BYTES);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
