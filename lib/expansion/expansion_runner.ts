import type { OutputLog } from "./expansion_output.ts";
import {
  type ExpansionRequest,
  type Failure,
  MAX_OBJECTS,
  MAX_RESULT_CHARACTERS,
  parseReply,
  type Reply,
} from "./expansion_protocol.ts";

/** Where user code runs, as the scheduler sees it: a process of its own, or a thread. */
export interface UserPlace {
  /** Resolves once nothing of it is left, with how it ended, in words. Never rejects. */
  readonly ended: Promise<string>;
  send(request: ExpansionRequest): void;
  /** Ends it at once. */
  kill(): void;
}

export interface ExpansionRunnerOptions {
  /** Starts the place; what it throws comes out of the constructor. */
  start(onReply: (reply: string) => void): UserPlace;
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

/** A call under way, and what has come of it so far. */
interface Call extends PromiseWithResolvers<Record<string, unknown>[]> {
  readonly objects: Record<string, unknown>[];
  size: number;
}

/** Runs expansion functions, one call at a time. Trusts nothing that comes back. */
export class ExpansionRunner {
  readonly output: OutputLog;
  /** Resolves once nothing of it is left. Never rejects. */
  readonly ended: Promise<void>;
  readonly #place: UserPlace;
  readonly #onCrash: (reason: string) => void;
  #call: Call | null = null;
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

  /**
   * Calls a function and returns its objects.
   *
   * @throws {CallFailure} where it gives none
   */
  call(request: ExpansionRequest): Promise<Record<string, unknown>[]> {
    const call = { ...Promise.withResolvers<Record<string, unknown>[]>(), objects: [], size: 0 };
    call.promise.catch(() => {}); // whoever gave up waiting has said why
    this.#call = call;
    this.#place.send(request);
    return call.promise;
  }

  /** Ends it at once, and with it a call under way. */
  kill(): void {
    this.#alive = false;
    this.#place.kill();
  }

  #take(text: string): void {
    if (!this.#alive) return;
    const reply = readReply(text);
    const call = this.#call;
    if (call === null) return this.#takeBetweenCalls(reply);
    if (Array.isArray(reply)) {
      call.size += text.length;
      for (const each of reply) call.objects.push(each);
      // Twice the size: what stands between the objects counts here and not there.
      if (call.objects.length <= MAX_OBJECTS && call.size <= 2 * MAX_RESULT_CHARACTERS) return;
      return this.#fail(call, unreadable("more than was agreed"));
    }
    if (reply.type === "failed") return this.#fail(call, reply.failure);
    this.#call = null;
    call.resolve(call.objects);
  }

  #fail(call: Call, failure: Failure): void {
    this.#call = null;
    call.reject(new CallFailure(failure));
    if (failure.fatal === true) this.kill();
  }

  /** Nothing is to come then but the end of user code. */
  #takeBetweenCalls(reply: Reply): void {
    this.kill();
    if ("failure" in reply) this.#onCrash(reply.failure.reason);
  }

  #end(how: string): void {
    this.output.flush();
    const failure: Failure = { kind: "call", reason: how, fatal: true };
    if (this.#call !== null) this.#call.reject(new CallFailure(failure));
    else if (this.#alive) this.#onCrash(how);
    this.#call = null;
    this.#alive = false;
  }
}

function readReply(text: string): Reply {
  try {
    return parseReply(text);
  } catch (error) {
    return { type: "failed", failure: unreadable(error) };
  }
}

function unreadable(reason: unknown): Failure {
  const text = `its process gave an answer that cannot be read: ${reason}`;
  return { kind: "call", reason: text, fatal: true };
}
