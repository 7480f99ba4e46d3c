import type { Clock } from "../time/clock.ts";

/** A wall clock that is off by so many milliseconds within a second or two was set, not slewed. */
const JUMP = 250;

/** A wake-up that is late by so many milliseconds was not the scheduler's doing. */
const LATE = 1000;

/** Over a longer time, slewing would add up to what looks like a jump: milliseconds. */
const LONGEST_COMPARISON = 1000;

/** What happened to the clocks since they were last looked at; whole milliseconds. */
export interface ClockFault {
  /** What the wall clock was set forward by, or back where negative. */
  readonly jump: number;
  /** How long the machine ran and this process did not: stopped, or its event loop blocked. */
  readonly late: number;
}

/**
 * Notices what is wrong with the clocks, by comparing the wall clock with the monotonic one, and the
 * end of a sleep with when it was to end. The monotonic clock of a suspended machine stands still,
 * so that a suspension looks like a clock set forward.
 */
export class ClockWatch {
  readonly #clock: Clock;
  /** Wall clock less monotonic clock, as it was at a monotonic instant of the last second or two. */
  #reference: { offset: number; at: number };
  /** The monotonic instant at which the sleep is to end. */
  #wakeAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    const at = clock.monotonic();
    this.#reference = { offset: clock.now() - at, at };
  }

  /** To be called before a sleep of so many milliseconds. */
  sleeping(milliseconds: number): void {
    this.#wakeAt = this.#clock.monotonic() + milliseconds;
  }

  /** What happened since the last look, or null when nothing did. */
  look(): ClockFault | null {
    const at = this.#clock.monotonic();
    const offset = this.#clock.now() - at;
    const difference = offset - this.#reference.offset;
    const jump = Math.abs(difference) < JUMP ? 0 : Math.round(difference);
    const isOld = at - this.#reference.at >= LONGEST_COMPARISON;
    if (jump !== 0 || isOld) this.#reference = { offset, at };
    const overslept = Math.round(at - this.#wakeAt);
    const late = overslept < LATE ? 0 : overslept;
    if (overslept >= 0) this.#wakeAt = Infinity;
    return jump === 0 && late === 0 ? null : { jump, late };
  }
}
