import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";

/** A sleep that has not ended. */
export interface Sleeper {
  /** The end of the sleep by the monotonic clock, in milliseconds. */
  readonly at: number;
  /** Ends the sleep. */
  wake(): void;
}

/**
 * A clock that only its methods move. `advance` lets time pass: sleepers wake in order, each at its
 * own instant, and everything they cause has settled before the next one wakes. `jump` sets the
 * wall clock alone, as NTP, an operator or a suspended machine does; `stop` lets time pass while
 * no sleeper can wake.
 */
export class ManualClock implements Clock {
  /** The rate of the wall clock: 0 is frozen, 1.0005 is slewed by 500 ppm. */
  wallRate = 1;
  /** The wall-clock time, in milliseconds since the epoch with fractions. */
  protected wall: number;
  /** The monotonic time, in milliseconds. */
  protected elapsed = 0;
  /** The sleeps that have not ended. */
  protected sleepers: Sleeper[] = [];

  /** Makes a clock that shows `start`: a date's text, or milliseconds since the epoch. */
  constructor(start: string | number) {
    this.wall = new Date(start).getTime();
  }

  now(): number {
    return Math.floor(this.wall);
  }

  until(instant: number): number {
    return instant - this.now();
  }

  monotonic(): number {
    return this.elapsed;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        at: this.elapsed + Math.max(0, milliseconds),
        wake: () => {
          this.sleepers.splice(this.sleepers.indexOf(sleeper), 1);
          signal?.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.sleepers.push(sleeper);
      signal?.addEventListener("abort", sleeper.wake, { once: true });
    });
  }

  /** Lets `milliseconds` pass on both clocks. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.elapsed + milliseconds;
    await settle();
    for (;;) {
      const next = this.sleepers.reduce<Sleeper | null>(
        (first, each) => first === null || each.at < first.at ? each : first,
        null,
      );
      if (next === null || next.at > end) break;
      this.moveTo(Math.max(next.at, this.elapsed));
      next.wake();
      await settle();
    }
    this.moveTo(end);
  }

  /** Sets the wall clock forward (or back, when negative) without any time passing. */
  jump(milliseconds: number): void {
    this.wall += milliseconds;
  }

  /** Lets `milliseconds` pass while no sleeper can wake: a blocked event loop, or a SIGSTOP. */
  stop(milliseconds: number): void {
    this.moveTo(this.elapsed + milliseconds);
  }

  /** Sets the monotonic clock, and the wall clock by its rate. */
  protected moveTo(monotonic: number): void {
    this.wall += (monotonic - this.elapsed) * this.wallRate;
    this.elapsed = monotonic;
  }
}

/** Resolves when every promise that needs no I/O has settled. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
