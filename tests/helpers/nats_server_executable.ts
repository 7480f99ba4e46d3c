import { join } from "node:path";

/** Where Debian's package puts it, which is not on everybody's PATH. */
const DEBIAN_PATH = "/usr/sbin/nats-server";

/** Where `nats_server_setup.ts` unpacks a server of its own. */
export function cacheDirectory(): string {
  const home = Deno.env.get("HOME") ?? "/tmp";
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(home, ".cache");
  return join(cache, "heddle-scheduler", "nats-server");
}

/**
 * The nats-server to use: `NATS_SERVER`, else the first on `PATH`, in `/usr/sbin`, in the cache.
 *
 * @returns its path, or null when there is none
 * @throws {Error} when `NATS_SERVER` names something that is no executable file
 */
export function findNatsServer(): string | null {
  const named = Deno.env.get("NATS_SERVER");
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`Cannot use NATS_SERVER "${named}": it is no executable file`);
  }
  const onPath = (Deno.env.get("PATH") ?? "").split(":").filter((directory) => directory !== "")
    .map((directory) => join(directory, "nats-server"));
  const places = [...onPath, DEBIAN_PATH, join(cacheDirectory(), "usr/sbin/nats-server")];
  return places.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && (mode === null || (mode & 0o111) !== 0);
  } catch {
    return false;
  }
}
