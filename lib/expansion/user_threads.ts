import type { Clock } from "../time/clock.ts";
import { CallFailure } from "./expansion_runner.ts";
import { UserThread, type UserThreadOptions } from "./host/user_thread.ts";

/** A thread that was told to end has so long, in milliseconds. */
const MAX_END_MS = 1000;

/**
 * The threads that user code runs in where no process can be started. Nothing can end a function in
 * a busy loop there: it keeps a processor busy for ever, so its schedule gets no second thread.
 */
export class UserThreads {
  readonly #clock: Clock;
  readonly #threads = new Map<UserThread, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(key: string, options: UserThreadOptions): UserThread {
    const thread = new UserThread(options);
    this.#threads.set(thread, key);
    void thread.gone.then(() => this.#threads.delete(thread));
    return thread;
  }

  /**
   * Waits until what was told to end has.
   *
   * @throws {CallFailure} where it does not
   */
  async ended(key: string): Promise<void> {
    const told = [...this.#threads].filter(([thread, its]) => its === key && thread.isTold);
    if (told.length === 0) return;
    const over = new AbortController();
    const gone = Promise.all(told.map(([thread]) => thread.gone)).then(() => true);
    const limit = this.#clock.sleep(MAX_END_MS, over.signal).then(() => false);
    const isFree = await Promise.race([gone, limit]);
    over.abort();
    if (isFree) return;
    throw new CallFailure({
      kind: "call",
      reason: "an earlier call is still in a loop, which nothing can end on this system " +
        `(${Deno.build.os}): it is not called again until the scheduler was started anew`,
    });
  }

  /** Lets go of all of them. */
  terminate(): void {
    for (const thread of this.#threads.keys()) thread.terminate();
    this.#threads.clear();
  }
}
