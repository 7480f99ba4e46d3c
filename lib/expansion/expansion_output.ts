import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";

/** Printed lines that are logged, per second and runner; the rest is counted. */
export const MAX_LINES_PER_SECOND = 50;

/** Longer lines are cut, in characters. */
export const MAX_TEXT_CHARACTERS = 2000;

/** What user code prints is read at this rate, and as much at once, in bytes; it waits meanwhile. */
const MAX_BYTES_PER_SECOND = 4 * 2 ** 20;
const MAX_BURST_MS = 100;

/** Writes what user code prints to the log, `scheduler.expansion_output` a line, within bounds. */
export class OutputLog {
  /** Whose output it is; between two calls, that of the one before. */
  firingId: string | undefined;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #fields: Record<string, unknown>;
  #second = -Infinity;
  #lines = 0;
  #dropped = 0;
  /** By when as much as was read comes at the rate that is allowed. */
  #paid = -Infinity;

  /** @param fields stand in every line: the schedule's name, say */
  constructor(logger: Logger, clock: Clock, fields: Record<string, unknown>) {
    this.#logger = logger;
    this.#clock = clock;
    this.#fields = fields;
  }

  /** @param line in UTF-8 or as a text; left undecoded where it is not logged */
  line(stream: "stdout" | "stderr", line: string | Uint8Array): void {
    const now = this.#clock.monotonic();
    if (now - this.#second >= 1000) {
      this.flush();
      this.#second = now;
      this.#lines = 0;
    }
    if (this.#lines >= MAX_LINES_PER_SECOND) {
      this.#dropped++;
      return;
    }
    this.#lines++;
    const text = typeof line === "string" ? line : new TextDecoder().decode(line);
    this.#logger.info("scheduler.expansion_output", {
      ...this.#fields,
      ...(this.firingId !== undefined && { firing_id: this.firingId }),
      stream,
      text: text.length > MAX_TEXT_CHARACTERS ? `${text.slice(0, MAX_TEXT_CHARACTERS)}…` : text,
    });
  }

  /** Says how many lines were left out since it was last said. */
  flush(): void {
    if (this.#dropped === 0) return;
    this.#logger.warning("scheduler.expansion_output_dropped", {
      ...this.#fields,
      ...(this.firingId !== undefined && { firing_id: this.firingId }),
      lines: this.#dropped,
    });
    this.#dropped = 0;
  }

  /** Waits until more may be read, `bytes` having been. */
  async paced(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonic();
    this.#paid = Math.max(now, this.#paid) + bytes / MAX_BYTES_PER_SECOND * 1000;
    if (this.#paid - now > MAX_BURST_MS) await this.#clock.sleep(this.#paid - now, signal);
  }
}
