import type { ConfigProblem } from "../config/config_problem.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";

/** The number of lines about problems of one kind, of one reading of the configuration. */
const MAX_LINES_OF_A_KIND = 20;

/** The number of kinds; all others count as one, since what a value is in a message may not show. */
const MAX_KINDS = 10;

/** What differs between two problems of one kind: values, which are quoted, places and numbers. */
const VALUES = /"(?:[^"\\]|\\.)*"|'[^']*'|\d+/g;

/** What changes in a problem when something else is inserted before it. */
const PLACES = /\[\d+\]|\bline \d+/g;

export interface ProblemLogOptions {
  /** The path of the configuration's file; null for an object. */
  path: string | null;
  clock: Clock;
  logger: Logger;
}

/**
 * Logs what is wrong, or doubtful, in a configuration. What the reading before it had too is not said
 * again: a file may be read each minute, and is right or wrong by what it holds.
 */
export class ProblemLog {
  readonly #options: ProblemLogOptions;
  #said: ReadonlySet<string> = new Set();

  constructor(options: ProblemLogOptions) {
    this.#options = options;
  }

  /** Logs the problems of one reading, in their order, but of a kind the first ones only. */
  async log(problems: readonly ConfigProblem[]): Promise<void> {
    const slice = new Slice(this.#options.clock);
    const said = new Set<string>();
    const kinds = new Map<string, { severity: ConfigProblem["severity"]; count: number }>();
    for (const problem of problems) {
      if (slice.isOver()) await slice.pause();
      const { severity, message } = problem;
      const text = message.replace(PLACES, "");
      said.add(text);
      if (this.#said.has(text)) continue;
      const name = `${severity} ${message.replace(VALUES, "")}`;
      const known = kinds.has(name) || kinds.size < MAX_KINDS ? name : severity;
      const kind = kinds.get(known) ?? { severity, count: 0 };
      kinds.set(known, kind);
      if (++kind.count <= MAX_LINES_OF_A_KIND) this.#line(problem);
    }
    this.#said = said;
    for (const { severity, count } of kinds.values()) {
      const more = count - MAX_LINES_OF_A_KIND;
      if (more > 0) this.#line({ severity, path: "", message: this.#others(more) });
    }
  }

  #others(count: number): string {
    const { path } = this.#options;
    const who = path === null ? "validateSchedulerConfig()" : "`heddle-scheduler validate`";
    return `and ${count.toLocaleString("en")} more: ${who} shows them`;
  }

  #line({ severity, message, path, line, column }: ConfigProblem): void {
    const { logger, path: config_path } = this.#options;
    logger[severity]("scheduler.config_error", {
      config_path,
      severity,
      path,
      line: line ?? null,
      column: column ?? null,
      message,
    });
  }
}
