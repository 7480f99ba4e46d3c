import type { Logger } from "../log/logger.ts";

/**
 * Reports the spans that are lost: by one warning for an outage, when the first are lost, and by a
 * line with the number of all where that became higher. An outage lasts until spans are exported
 * twice in succession and none is lost between, so that a collector that fails every other time is
 * one outage.
 */
export class Losses {
  readonly #logger: Logger;
  readonly #endpoint: string;
  #lost = 0;
  #reported = 0;
  #isRecovering = false;

  /** @param endpoint the collector's, which the lines name */
  constructor(logger: Logger, endpoint: string) {
    this.#logger = logger;
    this.#endpoint = endpoint;
  }

  /** Counts spans that are lost; `error` says why, for the first of an outage. */
  lost(count: number, error: string): void {
    this.#lost += count;
    this.#isRecovering = false;
    if (this.#reported > 0) return;
    this.#reported = count;
    const fields = { endpoint: this.#endpoint, error, spans_lost: count };
    this.#logger.warning("tracing.export_failed", fields);
  }

  /** Notes that spans were exported. */
  exported(): void {
    if (this.#isRecovering) this.end();
    else this.#isRecovering = this.#lost > 0;
  }

  /** Ends an outage. */
  end(): void {
    if (this.#lost > this.#reported) {
      const fields = { endpoint: this.#endpoint, spans_lost: this.#lost };
      this.#logger.info("tracing.spans_lost", fields);
    }
    this.#lost = this.#reported = 0;
    this.#isRecovering = false;
  }
}
