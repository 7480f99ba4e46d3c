import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";

/** Somebody who waits until the monotonic clock shows `at`. */
export interface Sleeper {
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
  /** Ends the wait. */
  wake(): void;
}

/**
 * A clock that moves only when told to. `advance` runs time: sleepers wake in order, each at its
 * own instant, and everything they cause has settled before the next one wakes. `jump` sets the
 * wall clock alone, as NTP, an operator or a suspended machine does; `stop` lets time pass without
 * the process.
 */
export class ManualClock implements Clock {
  /** How fast the wall clock runs: 0 is frozen, 1.0005 is slewed by 500 ppm. */
  wallRate = 1;
  /** What the wall clock shows, with fractions. */
  protected wall: number;
  /** What the monotonic clock shows. */
  protected elapsed = 0;
  /** Those who wait. */
  protected sleepers: Sleeper[] = [];

  /**
   * Makes a clock that stands still.
   *
   * @param start what the wall clock shows: a date's text, or milliseconds since the epoch
   */
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

  /** Both clocks go on while no sleeper can wake: a blocked event loop, or a SIGSTOP. */
  stop(milliseconds: number): void {
    this.moveTo(this.elapsed + milliseconds);
  }

  /** Sets the monotonic clock, and the wall clock by its rate. */
  protected moveTo(monotonic: number): void {
    this.wall += (monotonic - this.elapsed) * this.wallRate;
    this.elapsed = monotonic;
  }
}

/** Resolves when every promise that could go on without I/O has gone on. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
