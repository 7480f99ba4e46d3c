import { Semaphore } from "../internal/semaphore.ts";
import { unlessAborted } from "../internal/unless_aborted.ts";
import type { Clock } from "../time/clock.ts";
import type { ExpansionRunner } from "./expansion_runner.ts";

export interface ExpansionPoolOptions {
  clock: Clock;
  /** The most runners at once, of those too that are busy, warm or ending. */
  size: number;
  /** Starts a runner; what it throws comes out of {@link ExpansionPool.use}. */
  start(key: string): ExpansionRunner;
}

/** A runner without work is given up after this long, in milliseconds. */
export const IDLE_TIMEOUT_MS = 60_000;

interface Idle {
  runner: ExpansionRunner;
  taken: AbortController;
}

/**
 * The runners under way and those kept warm: the warm one that waited longest makes room for a new
 * one, and where all are busy a call waits its turn. A busy one never gets a second call, and one
 * that is warm only serves the key it served before, so nothing that a function leaves behind can
 * touch another schedule.
 */
export class ExpansionPool {
  readonly #options: ExpansionPoolOptions;
  readonly #idle = new Map<string, Idle>();
  /** Every runner of which something may be left. */
  readonly #runners = new Set<ExpansionRunner>();
  readonly #places: Semaphore;
  #generation = 0;

  constructor(options: ExpansionPoolOptions) {
    this.#options = options;
    this.#places = new Semaphore(options.size);
  }

  /**
   * Gives `work` a runner of its own. Where that rejects with something that `spoils` the runner,
   * it is killed, else kept warm.
   *
   * @param signal ends the waiting for a free place, and rejects with its reason
   */
  async use<Result>(
    key: string,
    signal: AbortSignal,
    work: (runner: ExpansionRunner) => Promise<Result>,
    spoils: (error: unknown) => boolean,
  ): Promise<Result> {
    await this.#places.take(1, signal);
    let runner: ExpansionRunner | undefined;
    let generation = 0;
    let good = false;
    try {
      while (!this.#idle.get(key)?.runner.alive && this.#runners.size >= this.#options.size) {
        await unlessAborted(this.#oneEnds(), signal);
        signal.throwIfAborted();
      }
      runner = this.#take(key);
      generation = this.#generation;
      const result = await work(runner);
      good = true;
      return result;
    } catch (error) {
      good = !spoils(error);
      throw error;
    } finally {
      if (runner !== undefined) {
        if (good && runner.alive && generation === this.#generation) this.#keep(key, runner);
        else runner.kill();
      }
      this.#places.give(1);
    }
  }

  /** Gives up every runner: the idle ones now, each busy one once its call has ended. */
  renew(): void {
    this.#generation++;
    for (const key of [...this.#idle.keys()]) this.#giveUp(key);
  }

  /** Kills every runner at once, busy or not. */
  kill(): void {
    this.renew();
    for (const runner of this.#runners) runner.kill();
  }

  /** Resolves once no runner is left. */
  async ended(): Promise<void> {
    await Promise.all([...this.#runners].map((runner) => runner.ended));
  }

  /** Makes room for one more, which is there once nothing of a runner is left. */
  async #oneEnds(): Promise<void> {
    const runners = [...this.#runners];
    // Whoever waits has a place, so one of them is not busy.
    if (runners.every(({ alive }) => alive)) this.#giveUp(this.#idle.keys().next().value!);
    await Promise.race(runners.map(({ ended }) => ended));
  }

  #take(key: string): ExpansionRunner {
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    idle?.taken.abort();
    if (idle?.runner.alive) return idle.runner;
    const runner = this.#options.start(key);
    this.#runners.add(runner);
    void runner.ended.then(() => this.#runners.delete(runner));
    return runner;
  }

  #keep(key: string, runner: ExpansionRunner): void {
    this.#giveUp(key);
    const taken = new AbortController();
    this.#idle.set(key, { runner, taken });
    void this.#options.clock.sleep(IDLE_TIMEOUT_MS, taken.signal).then(() => {
      if (!taken.signal.aborted) this.#giveUp(key);
    });
    void runner.ended.then(() => {
      if (!taken.signal.aborted) this.#giveUp(key);
    });
  }

  #giveUp(key: string): void {
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    idle?.taken.abort();
    idle?.runner.kill();
  }
}
