/**
 * Sleeps until a job is due, dispatches due jobs, and detects changes of the clock.
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

/** The next due dispatches are named between these times before they are due. */
const MAX_NAMED_AHEAD_MS = 1500;
const MIN_NAMED_AHEAD_MS = 20;

export interface TimerLoopOptions {
  clock: Clock;
  logger: Logger;
  table: JobTable;
  /** The longest sleep, within which a clock that was set is detected. Default: 1000. */
  maxSleepMs?: number;
  /** Names dispatches ahead. Default: they are named when they are due. */
  naming?: { names: NamesAhead; nameAhead(job: Job, scheduledFor: number): void };
  /** Called for each due occurrence, in due order, then file order. */
  onDue(job: Job, due: Due): void;
  /** Called when the wall clock was set forward by `jumpMs`, or back where negative. */
  onClockSet?(jumpMs: number): void;
}

/**
 * Passes on due occurrences. A clock that was set, and a machine or process that did not run, are
 * detected within a second and logged `scheduler.clock_jumped`: `jump_ms` is the difference between
 * the wall clock and the expected time, `late_ms` the part in which only this process did not run.
 */
export class TimerLoop {
  readonly #options: TimerLoopOptions;
  readonly #clockWatch: ClockWatch;
  #wake = () => {};
  /** The due time of the dispatches that were named last. */
  #namedFor = NaN;

  constructor(options: TimerLoopOptions) {
    this.#options = options;
    this.#clockWatch = new ClockWatch(options.clock);
  }

  /** Ends the sleep, after a change of the table. */
  wake(): void {
    this.#wake();
  }

  /** Dispatches due jobs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, table, maxSleepMs = 1000 } = this.#options;
    const slice = new Slice(clock);
    while (!signal.aborted) {
      this.watchClock();
      await this.#takeDue(slice, signal);
      await this.#nameNext(slice, signal);
      if (signal.aborted) return; // meanwhile, when nothing would end the sleep
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

  /** Checks whether the clock was set. A reload does so first, since new entries follow it. */
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

  /** Dispatches the jobs that are due now, and pauses to let signals, bus and requests be served. */
  async #takeDue(slice: Slice, signal: AbortSignal): Promise<void> {
    const { clock, table, onDue } = this.#options;
    const now = clock.now();
    while (table.takeDue(now, onDue)) {
      if (!slice.isOver()) continue;
      await slice.pause();
      if (signal.aborted) return;
      this.watchClock();
    }
  }

  /** Names the next due dispatches, so that a burst has less work when it is due. */
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
      this.watchClock();
      if (signal.aborted || table.nextDue !== nextDue || !isSoon()) return;
    }
  }
}
