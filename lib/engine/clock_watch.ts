import type { Clock } from "../time/clock.ts";

/** A wall clock that moves this much against the monotonic one in a second was set, not slewed. */
const MIN_JUMP_MS = 250;
/** A look that is this late was not delayed by the scheduler's own work, which has short slices. */
const MIN_LATE_MS = 1000;
/** The clocks are compared over this time at most, since slewing adds up to a seeming jump. */
const MAX_COMPARISON_MS = 1000;

/** The faults of the clocks since the last comparison, in whole milliseconds. */
export interface ClockFault {
  /** The time by which the wall clock was set forward; negative where it was set back. */
  readonly jump: number;
  /** The time in which this process did not run: it was stopped, or its event loop was blocked. */
  readonly late: number;
}

/**
 * Detects a wall clock that was set, by comparing it with the monotonic clock, and a process that
 * did not run, by comparing the time between two looks with the sleep that was planned between
 * them. The monotonic clock of a suspended machine stops, so a suspension looks like a clock that
 * was set forward.
 */
export class ClockWatch {
  readonly #clock: Clock;
  /** The wall clock minus the monotonic one, and the monotonic instant at which they were read. */
  #reference: { offset: number; at: number };
  /** The monotonic instant of the last look. */
  #lookedAt: number;
  /** The monotonic instant at which the next look should follow. */
  #expectedAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    const at = clock.monotonic();
    this.#reference = { offset: clock.now() - at, at };
    this.#lookedAt = at;
  }

  /**
   * Records that a sleep of `milliseconds` begins. It counts from the last look, so that a process
   * that was stopped between the two is noticed.
   */
  sleeping(milliseconds: number): void {
    this.#expectedAt = this.#lookedAt + milliseconds;
  }

  /** Returns the faults since the last call; null where there are none. */
  look(): ClockFault | null {
    const at = this.#clock.monotonic();
    const offset = this.#clock.now() - at;
    const difference = offset - this.#reference.offset;
    const jump = Math.abs(difference) < MIN_JUMP_MS ? 0 : Math.round(difference);
    const isOld = at - this.#reference.at >= MAX_COMPARISON_MS;
    if (jump !== 0 || isOld) this.#reference = { offset, at };
    const overdue = Math.round(at - this.#expectedAt);
    const late = overdue < MIN_LATE_MS ? 0 : overdue;
    if (overdue >= 0) this.#expectedAt = at;
    this.#lookedAt = at;
    return jump === 0 && late === 0 ? null : { jump, late };
  }
}
