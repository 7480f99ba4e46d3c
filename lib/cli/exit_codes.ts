/** Exit codes; `docs/cli.md` lists them. */
export const EXIT = {
  /** Done, or shut down cleanly. */
  ok: 0,
  /** A failure at run time. */
  failure: 1,
  /** Wrong usage, or an invalid configuration. */
  usage: 2,
} as const;

/** Sets the exit code of the process. */
export type SetExitCode = (code: number) => void;

/** Wrong usage that is found out when a command runs; its message alone is printed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
