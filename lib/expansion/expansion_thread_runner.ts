import type { OutputLog } from "./expansion_output.ts";
import { decodeReply, type ExpansionRequest } from "./expansion_protocol.ts";
import { type ExpansionRunner, PendingCall } from "./expansion_runner.ts";
import { ExpansionThread } from "./host/expansion_thread.ts";

export interface ThreadRunnerOptions {
  output: OutputLog;
  onCrash(reason: string): void;
}

/**
 * Runs expansion functions in a worker of this process, where a program cannot start itself: on
 * anything but Linux. What that cannot do: a busy loop goes on after its time-out and burns a core
 * until the scheduler ends; one that eats all memory ends the scheduler; user code may do what the
 * scheduler may, and only what it prints with `console` goes to the log.
 */
export class ThreadRunner implements ExpansionRunner {
  readonly ended: Promise<void>;
  readonly #thread: ExpansionThread;
  readonly #options: ThreadRunnerOptions;
  readonly #end: () => void;
  #pending: PendingCall | null = null;
  #alive = true;

  constructor(options: ThreadRunnerOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#thread = new ExpansionThread({ captureConsole: true }, (reply) => this.#take(reply));
  }

  get output(): OutputLog {
    return this.#options.output;
  }

  get alive(): boolean {
    return this.#alive;
  }

  call(request: ExpansionRequest): Promise<Record<string, unknown>[]> {
    this.#pending = new PendingCall();
    this.#thread.call(request);
    return this.#pending.result;
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#thread.terminate();
    this.#pending?.fail({ kind: "call", reason: "its thread was ended", fatal: true });
    this.#options.output.flush();
    this.#end();
  }

  #take(text: string): void {
    if (!this.#alive) return;
    const reply = decodeReply(text);
    if (reply.type === "printed") {
      for (const line of reply.text.split("\n")) this.#options.output.line("stdout", line);
      return;
    }
    const fatal = reply.type === "failed" && reply.failure.fatal === true;
    if (this.#pending === null) {
      if (fatal) this.#options.onCrash(reply.failure.reason);
    } else if (!this.#pending.take(text)) {
      this.#pending = null;
    }
    if (fatal) this.kill();
  }
}
