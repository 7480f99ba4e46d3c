import type { Clock } from "../time/clock.ts";

/** A wall clock that moves this much against the monotonic one in a second was set, not slewed. */
const MIN_JUMP_MS = 250;
/** A wake-up that is this late was not delayed by the scheduler's own work. */
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
 * did not run, by comparing the end of a sleep with its planned end. The monotonic clock of a
 * suspended machine stops, so a suspension looks like a clock that was set forward.
 */
export class ClockWatch {
  readonly #clock: Clock;
  /** The wall clock minus the monotonic one, and the monotonic instant at which they were read. */
  #reference: { offset: number; at: number };
  /** The monotonic instant at which the current sleep should end. */
  #wakeAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    const at = clock.monotonic();
    this.#reference = { offset: clock.now() - at, at };
  }

  /** Records that a sleep of `milliseconds` begins. */
  sleeping(milliseconds: number): void {
    this.#wakeAt = this.#clock.monotonic() + milliseconds;
  }

  /** Returns the faults since the last call; null where there are none. */
  look(): ClockFault | null {
    const at = this.#clock.monotonic();
    const offset = this.#clock.now() - at;
    const difference = offset - this.#reference.offset;
    const jump = Math.abs(difference) < MIN_JUMP_MS ? 0 : Math.round(difference);
    const isOld = at - this.#reference.at >= MAX_COMPARISON_MS;
    if (jump !== 0 || isOld) this.#reference = { offset, at };
    const overslept = Math.round(at - this.#wakeAt);
    const late = overslept < MIN_LATE_MS ? 0 : overslept;
    if (overslept >= 0) this.#wakeAt = Infinity;
    return jump === 0 && late === 0 ? null : { jump, late };
  }
}
