import type { Logger } from "./logger.ts";

/** Lines of one event, per second. */
const PER_SECOND = 10;

/** What others cause us to say must not keep us busy: the log says the rest in a number. */
export class BurstLimit {
  readonly #logger: Logger;
  readonly #monotonic: () => number;
  #second = -Infinity;
  #lines = 0;
  #left = 0;

  /** @param monotonic the time, in milliseconds */
  constructor(logger: Logger, monotonic: () => number) {
    this.#logger = logger;
    this.#monotonic = monotonic;
  }

  /** Logs a warning, with `left_out`, how many lines were not written since the one before. */
  warning(event: string, fields: Record<string, unknown>): void {
    const now = this.#monotonic();
    if (now - this.#second >= 1000) {
      this.#second = now;
      this.#lines = 0;
    }
    if (this.#lines >= PER_SECOND) {
      this.#left++;
      return;
    }
    this.#lines++;
    const left = this.#left > 0 ? { left_out: this.#left } : {};
    this.#left = 0;
    this.#logger.warning(event, { ...fields, ...left });
  }
}
