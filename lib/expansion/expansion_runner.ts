import { errorText } from "../internal/error_text.ts";
import type { OutputLog } from "./expansion_output.ts";
import {
  type ExpansionRequest,
  type Failed,
  type Failure,
  parseReply,
  type Reply,
  type Returned,
  SEND,
  type ToWorker,
} from "./expansion_protocol.ts";
import type { ExpansionResult } from "./expansion_result.ts";

/** Where user code runs, as the scheduler sees it: a process of its own, or a thread. */
export interface UserPlace {
  /** Resolves once nothing of it is left, with how it ended, in words. Never rejects. */
  readonly ended: Promise<string>;
  send(message: ToWorker): void;
  /** Ends it at once. */
  kill(): void;
}

export interface ExpansionRunnerOptions {
  /** Starts the place; what it throws comes out of the constructor. */
  start(onReply: (reply: Uint8Array) => void): UserPlace;
  /** Where what is printed in it goes. */
  output: OutputLog;
  /** Told when user code ends its place while no call is under way. */
  onCrash(reason: string): void;
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

/** A call of a function. */
export class ExpansionCall {
  readonly #returned = Promise.withResolvers<Returned>();
  readonly #received = Promise.withResolvers<void>();
  /** What has come of it so far; null until it is asked for. */
  #result: ExpansionResult | null = null;
  #isReturned = false;
  readonly #send: (message: ToWorker) => void;

  constructor(send: (message: ToWorker) => void) {
    this.#send = send;
    // Whoever gave up waiting has said why.
    this.#returned.promise.catch(() => {});
    this.#received.promise.catch(() => {});
  }

  /**
   * Resolves once the function has returned, with how much.
   *
   * @throws {CallFailure} where it gives no objects
   */
  get returned(): Promise<Returned> {
    return this.#returned.promise;
  }

  /** Fetches what was returned into `result`. */
  receive(result: ExpansionResult): Promise<void> {
    this.#result = result;
    this.#send(SEND);
    return this.#received.promise;
  }

  /**
   * Takes a reply, which `bytes` hold; returns whether it was the last one.
   *
   * @throws where it is not what is to come
   */
  take(reply: Exclude<Reply, Failed>, bytes: Uint8Array): boolean {
    if (Array.isArray(reply)) {
      if (this.#result === null) throw new TypeError("nobody asked for objects");
      this.#result.add(bytes, reply.length);
      if (this.#result.isComplete) this.#received.resolve();
      return this.#result.isComplete;
    }
    if (this.#isReturned) throw new TypeError("it has returned already");
    this.#isReturned = true;
    this.#returned.resolve(reply.returned);
    return reply.returned.count === 0;
  }

  fail(failure: Failure): void {
    const error = new CallFailure(failure);
    this.#returned.reject(error);
    this.#received.reject(error);
  }
}

/** Runs expansion functions, one call at a time. Trusts nothing that comes back. */
export class ExpansionRunner {
  readonly output: OutputLog;
  /** Resolves once nothing of it is left. Never rejects. */
  readonly ended: Promise<void>;
  readonly #place: UserPlace;
  readonly #onCrash: (reason: string) => void;
  #call: ExpansionCall | null = null;
  #alive = true;

  constructor({ start, output, onCrash }: ExpansionRunnerOptions) {
    this.output = output;
    this.#onCrash = onCrash;
    this.#place = start((reply) => this.#take(reply));
    this.ended = this.#place.ended.then((how) => this.#end(how));
  }

  /** Whether it may be called. False for ever once it has ended. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Calls a function. */
  call(request: ExpansionRequest): ExpansionCall {
    this.#call = new ExpansionCall((message) => this.#place.send(message));
    this.#place.send(request);
    return this.#call;
  }

  /** Ends it at once, and with it a call under way. */
  kill(): void {
    this.#alive = false;
    this.#place.kill();
  }

  #take(bytes: Uint8Array): void {
    if (!this.#alive) return;
    try {
      const reply = parseReply(bytes);
      if ("failure" in reply) return this.#fail(reply.failure);
      if (this.#call === null) throw new TypeError("nobody called it");
      if (this.#call.take(reply, bytes)) this.#call = null;
    } catch (error) {
      const reason = `its process sent what is no answer: ${errorText(error)}`;
      this.#fail({ kind: "call", reason, fatal: true });
    }
  }

  /** Between two calls nothing is to come but the end of user code. */
  #fail(failure: Failure): void {
    const call = this.#call;
    this.#call = null;
    if (call === null || failure.fatal === true) this.kill();
    if (call === null) this.#onCrash(failure.reason);
    else call.fail(failure);
  }

  #end(how: string): void {
    this.output.flush();
    if (this.#call !== null || this.#alive) {
      this.#fail({ kind: "call", reason: how, fatal: true });
    }
  }
}
