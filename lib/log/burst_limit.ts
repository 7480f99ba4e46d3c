import type { Logger } from "./logger.ts";

const MAX_LINES_PER_SECOND = 10;

/** Limits log lines that others cause: the next line that is written counts those that were not. */
export class BurstLimit {
  readonly #logger: Logger;
  readonly #monotonic: () => number;
  #second = -Infinity;
  #lines = 0;
  #left = 0;

  /** @param monotonic returns the monotonic time, in milliseconds */
  constructor(logger: Logger, monotonic: () => number) {
    this.#logger = logger;
    this.#monotonic = monotonic;
  }

  /** Logs a warning; its field `left_out` counts the lines that were not written since the last. */
  warning(event: string, fields: Record<string, unknown>): void {
    this.#write("warning", event, fields);
  }

  /** The same for an error. */
  error(event: string, fields: Record<string, unknown>): void {
    this.#write("error", event, fields);
  }

  #write(level: "warning" | "error", event: string, fields: Record<string, unknown>): void {
    const now = this.#monotonic();
    if (now - this.#second >= 1000) {
      this.#second = now;
      this.#lines = 0;
    }
    if (this.#lines >= MAX_LINES_PER_SECOND) {
      this.#left++;
      return;
    }
    this.#lines++;
    const left = this.#left > 0 ? { left_out: this.#left } : {};
    this.#left = 0;
    this.#logger[level](event, { ...fields, ...left });
  }
}
