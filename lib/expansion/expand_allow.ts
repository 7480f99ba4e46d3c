/**
 * What `expand_allow` grants to expansion functions. The configuration's check and the scheduler read
 * it here.
 *
 * @module
 */
import { posix } from "node:path";

/** What expansion functions may reach beside their own directory. */
export interface ExpandAllow {
  /** Files and directories that they may read too; a relative path counts from the expansion root. */
  readonly read: readonly string[];
  /** All that they may reach over the network; null where nothing is said, which is everything. */
  readonly net: readonly string[] | null;
}

export const DEFAULT_EXPAND_ALLOW: ExpandAllow = { read: [], net: null };

/** A host or an address, and a port; without a port every port of it. */
const ADDRESS =
  /^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*)(?::(\d{1,5}))?$/i;
const MAX_PORT = 65_535;

/** Returns what is wrong with a path of `expand_allow.read`, to follow its place and a colon. */
export function readProblem(path: unknown): string | null {
  if (typeof path !== "string" || path === "") return "expected the path of a file or a directory";
  if (/\p{Cc}/u.test(path)) return "a path cannot hold control characters";
  if (path.startsWith("~")) return "write the home directory out";
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return "expected a path, not a URL";
  // The environment of every process of the user is in it, passwords included.
  if (/^\/(?:$|proc(?:\/|$))/.test(posix.normalize(path))) {
    return "it holds /proc, and with that the scheduler's own environment: name the directories " +
      "that are needed";
  }
  return null;
}

/** Returns what is wrong with an address of `expand_allow.net`, to follow its place and a colon. */
export function netProblem(address: unknown): string | null {
  const wanted = "expected 'host:port', 'host' or '[IPv6]:port'";
  if (typeof address !== "string") return wanted;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) return `${wanted}, not a URL`;
  const match = ADDRESS.exec(address);
  if (match === null) return wanted;
  const port = match[1] === undefined ? MAX_PORT : Number(match[1]);
  return port >= 1 && port <= MAX_PORT ? null : `a port is between 1 and ${MAX_PORT}`;
}
