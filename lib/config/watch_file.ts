import type { Clock } from "../time/clock.ts";

/** How often the file is looked at, in milliseconds. */
const PERIOD_MS = 1000;
/** A file that never stays the same is read after so long all the same. */
export const MAX_UNSETTLED_MS = 5000;
/** There may be no file for a moment, between the old one and the new one; after so long it is gone. */
export const MAX_ABSENT_MS = 10_000;

/**
 * How a file has changed: it has been the same for a second since; or it has kept changing for
 * {@link MAX_UNSETTLED_MS}, so that it may be read half written; or it has been away for
 * {@link MAX_ABSENT_MS}.
 */
export type FileChange = "settled" | "unsettled" | "gone";

export interface WatchFileOptions {
  clock: Clock;
  /** The {@link fileVersion} that is in use: a change since then counts, also one before the start. */
  since: string | null;
  /** Ends the watch. */
  signal: AbortSignal;
  /** Called once for each change. */
  onChange(change: FileChange): void;
}

/**
 * Watches one file until the signal aborts, following symbolic links: an editor that replaces the
 * file, a Kubernetes config map that swaps the directory behind it and one that is written bit by
 * bit each count as one change. It asks instead of being told, since inotify does not see what
 * happens behind a link or on a network share.
 */
export async function watchFile(
  path: string,
  { clock, since, signal, onChange }: WatchFileOptions,
): Promise<void> {
  let known = since;
  let sameMs = 0;
  let changingMs = 0;
  for (let before = known; !signal.aborted;) {
    await clock.sleep(PERIOD_MS, signal);
    const current = await fileVersion(path);
    const isSame = current === before;
    before = current;
    sameMs = isSame ? sameMs + PERIOD_MS : 0;
    changingMs = isSame ? 0 : changingMs + PERIOD_MS;
    if (current === known || signal.aborted) continue;
    if (current === null ? sameMs < MAX_ABSENT_MS : !isSame && changingMs < MAX_UNSETTLED_MS) {
      continue;
    }
    known = current;
    changingMs = 0;
    onChange(current === null ? "gone" : isSame ? "settled" : "unsettled");
  }
}

/** What differs between two versions of a file; null when there is none. Never throws. */
export async function fileVersion(path: string): Promise<string | null> {
  try {
    const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
    return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join();
  } catch {
    return null;
  }
}
