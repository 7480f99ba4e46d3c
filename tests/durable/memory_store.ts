import { ConflictError, type KeyValue, type Revised } from "../../lib/bus/stream_bus.ts";
import type { JsonObject } from "../../lib/bus/message_bus.ts";
import { matches } from "../../lib/bus/subject.ts";

/** A bucket in memory, which the test can make unreachable, or lose the answers of. */
export class MemoryStore implements KeyValue {
  readonly values = new Map<string, Revised>();
  connection: unknown = {};
  maxValueBytes = 1 << 20;
  /** Every write that succeeded: `key=holder or text`. */
  writes = 0;
  isDown = false;
  /** Writes arrive, and nobody hears of it. */
  losesAnswers = false;
  /** The server's clock, in milliseconds since the epoch: what each revision is stamped with. */
  now: () => number = () => 0;
  #revision = 0;
  readonly #watchers = new Set<(key: string, revised: Revised) => void>();

  /** What is written next has the revision 1, as in a bucket that was made again. */
  forgetRevisions(): void {
    this.#revision = 0;
  }

  get(key: string): Promise<Revised | null> {
    if (this.isDown) return Promise.reject(new Error("The test took the bucket away"));
    return Promise.resolve(structuredClone(this.values.get(key) ?? null));
  }

  put(key: string, value: JsonObject, revision: number): Promise<number> {
    if (this.isDown) return Promise.reject(new Error("The test took the bucket away"));
    if ((this.values.get(key)?.revision ?? 0) !== revision) {
      return Promise.reject(new ConflictError("Another revision"));
    }
    const revised = {
      value: structuredClone(value),
      revision: ++this.#revision,
      created: this.now(),
    };
    this.values.set(key, revised);
    this.writes++;
    for (const tell of this.#watchers) tell(key, revised);
    if (this.losesAnswers) return Promise.reject(new Error("The test lost the answer"));
    return Promise.resolve(revised.revision);
  }

  watch(
    pattern: string,
    onValue: (key: string, revised: Revised) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const tell = (key: string, revised: Revised) => {
      if (matches(pattern, key)) onValue(key, structuredClone(revised));
    };
    this.#watchers.add(tell);
    for (const [key, revised] of this.values) tell(key, revised);
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        this.#watchers.delete(tell);
        resolve();
      }, { once: true });
    });
  }
}
