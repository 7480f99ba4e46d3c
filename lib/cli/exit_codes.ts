/** Exit codes; `docs/cli.md` lists them. */
export const EXIT = {
  /** Done, or shut down cleanly. */
  ok: 0,
  /** A failure at run time. */
  failure: 1,
  /** Wrong usage, or an invalid configuration. */
  usage: 2,
} as const;

/** How a command says what the process is to exit with. */
export type SetExitCode = (code: number) => void;

/** Wrong usage that is only found out when a command runs; the message is all that is printed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
