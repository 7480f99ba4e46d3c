import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** Debian's suites, each with a newer nats-server than the one before. */
export const SUITES: readonly string[] = ["bookworm", "trixie", "forky"];

/** Where Debian's package puts it, which is not on everybody's PATH. */
const DEBIAN_PATH = "/usr/sbin/nats-server";

/** Where `nats_server_setup.ts` unpacks the machine's own package, or that of the suite. */
export function cacheDirectory(suite: string | null): string {
  const home = homedir();
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(home, ".cache");
  const directory = join(cache, "heddle-scheduler", "nats-server");
  return suite === null ? directory : `${directory}-${suite}`;
}

/** Returns the suite that `NATS_SERVER` names, or null where it names none. */
export function namedSuite(): string | null {
  const named = Deno.env.get("NATS_SERVER") ?? "";
  return SUITES.includes(named) ? named : null;
}

/**
 * The nats-server to use: the file or the Debian suite that `NATS_SERVER` names, else the first on
 * `PATH`, in `/usr/sbin`, in the cache.
 *
 * @returns its path, or null when there is none
 * @throws {Error} when `NATS_SERVER` names something else
 */
export function findNatsServer(): string | null {
  const suite = namedSuite();
  const cached = join(cacheDirectory(suite), DEBIAN_PATH);
  if (suite !== null) return isExecutable(cached) ? cached : null;
  const named = Deno.env.get("NATS_SERVER");
  if (named) {
    if (isExecutable(named)) return named;
    const suites = SUITES.join(", ");
    throw new Error(
      `Cannot use NATS_SERVER "${named}": it is no executable file, and none of ${suites}`,
    );
  }
  const name = Deno.build.os === "windows" ? "nats-server.exe" : "nats-server";
  const onPath = (Deno.env.get("PATH") ?? "").split(delimiter)
    .filter((directory) => directory !== "").map((directory) => join(directory, name));
  return [...onPath, DEBIAN_PATH, cached].find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && (mode === null || (mode & 0o111) !== 0);
  } catch {
    return false;
  }
}
