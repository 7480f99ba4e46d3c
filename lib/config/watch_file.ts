import { errorText } from "../internal/error_text.ts";
import { readRegularFile } from "../internal/read_file.ts";
import type { Clock } from "../time/clock.ts";
import { MAX_FILE_BYTES } from "./config_file.ts";

/** How often the file is looked at, in milliseconds. */
const PERIOD_MS = 1000;
/** A file that never stays the same is read after so long all the same. */
export const MAX_UNSETTLED_MS = 5000;

export interface WatchFileOptions {
  clock: Clock;
  /** The {@link fileVersion} that is in use: a change since then counts, also one before the start. */
  since: string | null;
  /** Ends the watch. */
  signal: AbortSignal;
  /**
   * Called once for each change, when the file has been the same for a second, or has kept changing
   * for {@link MAX_UNSETTLED_MS}: then it may be read half written.
   */
  onChange(change: { isSettled: boolean }): void;
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
  let unsettledMs = 0;
  for (let candidate = known; !signal.aborted;) {
    await clock.sleep(PERIOD_MS, signal);
    const current = await fileVersion(path);
    unsettledMs = current === known ? 0 : unsettledMs + PERIOD_MS;
    const isSettled = current === candidate;
    candidate = current;
    // For a moment there may be no file, between the old one and the new one.
    if (current === null || current === known || signal.aborted) continue;
    if (!isSettled && unsettledMs < MAX_UNSETTLED_MS) continue;
    known = current;
    unsettledMs = 0;
    onChange({ isSettled });
  }
}

/**
 * What differs between two versions of a file; null when there is none. Never throws. Where the
 * system does not say which file it is and when it last changed, as on some network shares and file
 * systems of Windows, the text tells them apart.
 */
export async function fileVersion(path: string): Promise<string | null> {
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
