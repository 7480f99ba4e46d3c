/**
 * Sleeps until a job is due, hands over what is due, and notices clocks that are set.
 *
 * @module
 */
import type { Logger } from "../log/logger.ts";
import type { Due } from "../schedule/occurrences.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { Job } from "./job.ts";
import type { JobTable } from "./job_table.ts";
import type { NamesAhead } from "./names_ahead.ts";

/** The dispatches of what is due next are named in this time before it is due, in milliseconds. */
const MAX_NAMED_AHEAD_MS = 1500;
const MIN_NAMED_AHEAD_MS = 20;

export interface TimerLoopOptions {
  clock: Clock;
  logger: Logger;
  table: JobTable;
  /**
   * A clock that was set, or a machine that slept, is noticed within this many milliseconds.
   * Default: 1000
   */
  maxSleepMs?: number;
  /** Where dispatches are named ahead of time, and how. Default: they are not. */
  naming?: { names: NamesAhead; nameAhead(job: Job, scheduledFor: number): void };
  /** Called for each due occurrence, in due order, then file order. */
  onDue(job: Job, due: Due): void;
  /** Called when the wall clock was set, by how much. Default: nothing. */
  onClockSet?(jumpMs: number): void;
}

/**
 * A clock that was set, a machine or a process that stood still: each is noticed within a second and
 * logged `scheduler.clock_jumped` with `jump_ms`, how far the wall clock is from where it was
 * expected; `late_ms` is the part of it in which the machine ran and this process did not.
 */
export class TimerLoop {
  readonly #options: TimerLoopOptions;
  readonly #clockWatch: ClockWatch;
  #wake = () => {};
  /** The due time of what was named last. */
  #namedFor = NaN;

  constructor(options: TimerLoopOptions) {
    this.#options = options;
    this.#clockWatch = new ClockWatch(options.clock);
  }

  /** Ends the sleep: the table has changed. */
  wake(): void {
    this.#wake();
  }

  /** Hands over what is due until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, table, maxSleepMs = 1000 } = this.#options;
    const slice = new Slice(clock);
    while (!signal.aborted) {
      this.watchClock();
      await this.#takeDue(slice, signal);
      await this.#nameNext(slice, signal);
      if (signal.aborted) return; // meanwhile: nobody would wake it any more
      const untilDue = clock.until(table.nextDue);
      if (untilDue <= 0) continue;
      const sleep = Math.min(untilDue, maxSleepMs);
      this.#clockWatch.sleeping(sleep);
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      signal.addEventListener("abort", this.#wake, { once: true });
      await clock.sleep(sleep, wake.signal);
      signal.removeEventListener("abort", this.#wake);
      slice.begin();
    }
  }

  /** Looks whether the clock was set. A reload does it first: new entries are on the clock as it is. */
  watchClock(): void {
    const { logger, table, onClockSet } = this.#options;
    const fault = this.#clockWatch.look();
    if (fault === null) return;
    const { jump, late } = fault;
    logger.warning("scheduler.clock_jumped", { jump_ms: jump + late, late_ms: late });
    if (jump === 0) return;
    table.followClock(jump);
    onClockSet?.(jump);
  }

  /** Hands over what is due by now, pausing so that signals, the bus and requests are served too. */
  async #takeDue(slice: Slice, signal: AbortSignal): Promise<void> {
    const { clock, table, onDue } = this.#options;
    const now = clock.now();
    while (table.takeDue(now, onDue)) {
      if (!slice.isOver()) continue;
      await slice.pause();
      if (signal.aborted) return;
    }
  }

  /** Names the dispatches of what is due next, so that a burst has less to do once it is due. */
  async #nameNext(slice: Slice, signal: AbortSignal): Promise<void> {
    const { clock, table, naming } = this.#options;
    const { nextDue } = table;
    const isSoon = () => {
      const left = nextDue - clock.now();
      return left > MIN_NAMED_AHEAD_MS && left < MAX_NAMED_AHEAD_MS;
    };
    if (naming === undefined || nextDue === this.#namedFor || !isSoon()) return;
    this.#namedFor = nextDue;
    naming.names.clear();
    for (const job of table.dueNext) {
      naming.nameAhead(job, job.irregular?.late?.scheduledFor ?? job.next);
      if (!slice.isOver()) continue;
      await slice.pause();
      if (signal.aborted || table.nextDue !== nextDue || !isSoon()) return;
    }
  }
}
