import type { OutputLog } from "./expansion_output.ts";
import {
  decodeReply,
  type ExpansionRequest,
  type Failure,
  MAX_OBJECTS,
  MAX_RESULT_SIZE,
} from "./expansion_protocol.ts";

/** A place where expansion functions run, one call at a time. */
export interface ExpansionRunner {
  /** Whether it may be called. False for ever once it has ended. */
  readonly alive: boolean;
  /** Where what is printed in it goes. */
  readonly output: OutputLog;
  /** Resolves once nothing of it is left. Never rejects. */
  readonly ended: Promise<void>;
  /**
   * Calls a function and returns its objects.
   *
   * @throws {CallFailure} where it gives none
   */
  call(request: ExpansionRequest): Promise<Record<string, unknown>[]>;
  /** Ends it at once, and with it a call under way. */
  kill(): void;
}

export class CallFailure extends Error {
  override name = "CallFailure";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.reason);
    this.failure = failure;
    // The user's own stack, for whoever logs the cause.
    if (failure.stack !== undefined) this.stack = failure.stack;
  }
}

/** Collects the replies to one call, and trusts none of them. */
export class PendingCall {
  readonly result: Promise<Record<string, unknown>[]>;
  readonly #settle: PromiseWithResolvers<Record<string, unknown>[]>;
  readonly #objects: Record<string, unknown>[] = [];
  #size = 0;
  #fatal = false;

  constructor() {
    this.#settle = Promise.withResolvers();
    this.result = this.#settle.promise;
    // Whoever gave up waiting has said why.
    this.result.catch(() => {});
  }

  /** Whether the place where it ran is of no further use. */
  get fatal(): boolean {
    return this.#fatal;
  }

  /** @returns whether more replies follow */
  take(text: string): boolean {
    try {
      const reply = decodeReply(text);
      if (reply.type === "objects") {
        this.#add(reply.json);
        return true;
      }
      if (reply.type === "failed") throw new CallFailure(reply.failure);
      this.#settle.resolve(this.#objects);
    } catch (error) {
      const failed = error instanceof CallFailure ? error : unreadable(error);
      this.#fatal = failed.failure.fatal === true;
      this.#settle.reject(failed);
    }
    return false;
  }

  fail(failure: Failure): void {
    this.#settle.reject(new CallFailure(failure));
  }

  #add(json: string): void {
    this.#size += json.length;
    const objects: unknown = JSON.parse(json);
    if (!Array.isArray(objects)) throw new TypeError("no list");
    for (const each of objects) {
      if (typeof each !== "object" || each === null || Array.isArray(each)) {
        throw new TypeError(`no object at index ${this.#objects.length}`);
      }
      this.#objects.push(each);
    }
    // Twice the size: what stands between the objects counts here and not there.
    if (this.#objects.length > MAX_OBJECTS || this.#size > 2 * MAX_RESULT_SIZE) {
      throw new RangeError("more than was agreed");
    }
  }
}

function unreadable(error: unknown): CallFailure {
  const reason = `its process gave an answer that cannot be read: ${error}`;
  return new CallFailure({ kind: "call", reason, fatal: true });
}
