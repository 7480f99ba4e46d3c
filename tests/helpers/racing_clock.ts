import { setImmediate } from "node:timers";
import { ManualClock, settle, type Sleeper } from "../../lib/time/manual_clock.ts";

/** What one look at the clock costs, in milliseconds: work on some 200 entries fills a slice. */
const LEAST_LOOK_MS = 0.001;
const MOST_LOOK_MS = 0.05;

/** How long a pause (a sleep of 0) takes at most, in milliseconds: others wake meanwhile. */
const MOST_PAUSE_MS = 2;

/** A sleeper that looked at the clock before it slept is late by so little, in milliseconds. */
const SLACK_MS = 0.5;

/** Outside of `advance` a pause takes so many turns of the event loop at most. */
const MOST_TURNS = 3;

/**
 * A manual clock on which interleavings happen that a machine has and a {@link ManualClock} has not:
 * each look costs time, so that a long work is over its slice and pauses; a pause takes a while, in
 * which other sleepers wake; and those who are to wake at one time do so in any order, in one turn or
 * in several. Which of all that happens follows from the seed alone.
 *
 * `advance` ends where the advances so far add up to, as on a manual clock: what looks and pauses
 * cost is part of it. Who pauses then still finishes. Outside of `advance` only pauses end.
 */
export class RacingClock extends ManualClock {
  readonly #random: () => number;
  readonly #pausing = new Set<Sleeper>();
  /** Where the advances so far end. */
  #target = 0;
  #isAdvancing = false;

  constructor(start: string | number, seed: number) {
    super(start);
    this.#random = randomFrom(seed);
  }

  override now(): number {
    this.#look();
    return super.now();
  }

  override until(instant: number): number {
    this.#look();
    return instant - this.wall;
  }

  override monotonic(): number {
    this.#look();
    return super.monotonic();
  }

  override sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds > 0 || signal?.aborted) return super.sleep(milliseconds, signal);
    const paused = super.sleep(this.#random() * MOST_PAUSE_MS, signal);
    const sleeper = this.sleepers.at(-1)!;
    this.#pausing.add(sleeper);
    void this.#endAlone(sleeper);
    return paused;
  }

  override async advance(milliseconds: number): Promise<void> {
    this.#target += milliseconds;
    const end = this.#target;
    this.#isAdvancing = true;
    await settle();
    for (let next; (next = this.#nextUntil(end)) !== undefined;) {
      this.moveTo(Math.max(next.at, this.elapsed));
      this.#wake(next);
      const isAlone = this.sleepers.every(({ at }) => at > this.elapsed);
      if (isAlone || this.#random() < 0.5) await settle();
    }
    this.moveTo(Math.max(end, this.elapsed));
    this.#isAdvancing = false;
  }

  override stop(milliseconds: number): void {
    this.#target += milliseconds;
    super.stop(milliseconds);
  }

  #look(): void {
    const cost = LEAST_LOOK_MS + this.#random() * (MOST_LOOK_MS - LEAST_LOOK_MS);
    this.moveTo(this.elapsed + cost);
  }

  /** Who wakes next: any of those whose time has come, else any of those who are first. */
  #nextUntil(end: number): Sleeper | undefined {
    const open = this.sleepers.filter((each) => this.#mayWake(each, end));
    const at = Math.max(this.elapsed, Math.min(...open.map((each) => each.at)));
    const ripe = open.filter((each) => each.at <= at);
    return ripe[Math.floor(this.#random() * ripe.length)];
  }

  #mayWake(sleeper: Sleeper, end: number): boolean {
    return sleeper.at <= end + SLACK_MS || this.#pausing.has(sleeper);
  }

  #wake(sleeper: Sleeper): void {
    this.#pausing.delete(sleeper);
    sleeper.wake();
  }

  /** Nobody may be advancing the clock: time passes by itself, though. */
  async #endAlone(sleeper: Sleeper): Promise<void> {
    const turns = 1 + Math.floor(this.#random() * MOST_TURNS);
    for (let turn = 0; turn < turns || this.#isAdvancing; turn++) {
      if (!this.sleepers.includes(sleeper)) return void this.#pausing.delete(sleeper);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!this.sleepers.includes(sleeper)) return void this.#pausing.delete(sleeper);
    this.moveTo(Math.max(sleeper.at, this.elapsed));
    this.#wake(sleeper);
  }
}

/** Numbers of [0, 1), the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
