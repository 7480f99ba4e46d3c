import type { ConfigProblem } from "./config_problem.ts";

/** A configuration that cannot be used, with every problem found in it. */
export class ConfigError extends Error {
  override name = "ConfigError";

  constructor(readonly configPath: string, readonly problems: readonly ConfigProblem[]) {
    const errors = problems.filter(({ severity }) => severity === "error");
    const first = errors[0]?.message ?? "unknown";
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    super(`Cannot use configuration "${configPath}": ${first}${more}`);
  }
}
