import type { ConfigProblem } from "./config_problem.ts";

/** A configuration that cannot be used, with every problem found in it. */
export class ConfigError extends Error {
  /** The name of this class. */
  override name = "ConfigError";

  /** Whether there is no file that can be read, rather than a wrong one. */
  get isUnread(): boolean {
    return this.problems.some(({ unread }) => unread);
  }

  /**
   * Makes the error of all that was found.
   *
   * @param configPath the path of its file; null for an object of the embedding program
   */
  constructor(readonly configPath: string | null, readonly problems: readonly ConfigProblem[]) {
    const errors = problems.filter(({ severity }) => severity === "error");
    const first = errors[0]?.message ?? "unknown";
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    const named = configPath === null ? "the configuration" : `configuration "${configPath}"`;
    super(`Cannot use ${named}: ${first}${more}`);
  }
}
