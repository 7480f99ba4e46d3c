import type { KeyValue } from "../bus/stream_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import type { CheckpointDocument } from "./checkpoint_document.ts";
import type { CheckpointWriter } from "./checkpoint_writer.ts";
import { MAX_CLOCK_SKEW_MS } from "./instant.ts";
import { readServerTime, type ServerTime, type WrittenDocument } from "./server_clock.ts";

/** A clock that was set back. */
export interface ClockSetBack {
  /** In milliseconds, more than 0. */
  readonly by: number;
  /**
   * Returns the last occurrence of the entry's job, by the clock as it is now; undefined where
   * there is no such job.
   */
  lastOf(entryName: string): number | null | undefined;
}

/** The finding about a clock that was set back, by the server's time stamps. */
export interface ClockVerdict {
  /**
   * The instant at which it was set back, by the clock as it is since then; milliseconds since the
   * epoch.
   */
  readonly at: number;
  /** True where it had been ahead of the server's by more than `MAX_CLOCK_SKEW_MS`. */
  readonly wasAhead: boolean;
  /** Milliseconds that it had been ahead; negative where it was behind. */
  readonly aheadMs: number;
}

export interface ClockCheckOptions {
  store: KeyValue;
  clock: Clock;
  logger: Logger;
  /** Returns those that are open. */
  documents(): Iterable<CheckpointDocument>;
  writer: Pick<CheckpointWriter, "holdUntil" | "stopped">;
}

/** The wait before the server's time is asked for again. */
const RETRY_MS = 1000;

/** Finds out whether a clock that was set back had been ahead; if so, the checkpoints follow it. */
export class ClockCheck {
  readonly #options: ClockCheckOptions;
  /** Settles when the checks that were begun are done, one after the other. */
  #checks: Promise<unknown> = Promise.resolve();
  #verdict: ClockVerdict | null = null;

  constructor(options: ClockCheckOptions) {
    this.#options = options;
  }

  /** The last finding; null before that. */
  get verdict(): ClockVerdict | null {
    return this.#verdict;
  }

  /**
   * Finds out about the clock. To be called as soon as it was set back. Tries until the server
   * answers.
   *
   * @returns null where no document is open, or the writer was stopped
   */
  setBack(jump: ClockSetBack): Promise<ClockVerdict | null> {
    const { clock, documents, writer } = this.#options;
    const [at, monotonic] = [clock.now(), clock.monotonic()];
    const written = [...documents()]
      .map(({ key, writtenRevision, writtenAt }) => ({ key, writtenRevision, writtenAt }));
    const check = this.#checks.then(async () => {
      const server = await this.#serverTime(written);
      if (server === null) return null;
      this.#noteRewrite(server);
      const aheadMs = Math.round(at + jump.by - (server.time - (server.monotonic - monotonic)));
      const wasAhead = aheadMs > MAX_CLOCK_SKEW_MS;
      if (wasAhead) await this.#follow(jump, server.time);
      this.#verdict = { at, wasAhead, aheadMs };
      this.#options.logger.info("memory.clock_set_back", {
        set_back_ms: jump.by,
        was_ahead: wasAhead,
        ahead_ms: aheadMs,
      });
      return this.#verdict;
    });
    this.#checks = check.catch(() => {});
    // A write in the meantime would replace the time stamps from before.
    writer.holdUntil(check);
    return check;
  }

  async #serverTime(written: readonly WrittenDocument[]): Promise<ServerTime | null> {
    const { clock, documents, writer: { stopped } } = this.#options;
    const before = new Map(written.map((each) => [each.key, each]));
    while (!stopped.aborted) {
      const open = [...documents()].map((each) => before.get(each.key) ?? each);
      if (open.length === 0) return null;
      try {
        return await readServerTime(this.#options, open);
      } catch {
        await clock.sleep(RETRY_MS, stopped);
      }
    }
    return null;
  }

  #noteRewrite({ rewritten, monotonic }: ServerTime): void {
    if (rewritten === null) return;
    for (const document of this.#options.documents()) {
      if (document.key === rewritten.key) document.rewritten(rewritten, monotonic);
    }
  }

  async #follow({ by, lastOf }: ClockSetBack, serverTime: number): Promise<void> {
    const { clock, documents } = this.#options;
    const slice = new Slice(clock);
    for (const document of [...documents()]) {
      for (const name of [...document.checkpoints.keys()]) {
        document.follow(name, { lastOf, by, serverTime });
        if (slice.isOver()) await slice.pause();
      }
    }
  }
}
