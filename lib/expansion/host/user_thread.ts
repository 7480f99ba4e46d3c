import {
  failedReply,
  type Failure,
  MAX_REPLY_BYTES,
  type ToWorker,
} from "../expansion_protocol.ts";
import { workerEntry } from "../../internal/worker_entry.ts";
// This import puts the worker's entry into an executable that is compiled without bundling.
import { END, TAKEN, type WorkerStart } from "./expansion_worker.ts";

export interface UserThreadOptions {
  /** What user code may do; never more than this process. */
  permissions: Deno.PermissionOptionsObject;
  /** Takes a reply; the next ones wait meanwhile. */
  onReply(reply: Uint8Array): void | Promise<void>;
  /** Told what user code prints with `console`; left out, that goes to this process' own output. */
  onPrinted?(text: string): void;
}

/**
 * Starts the worker that user code runs in, and speaks to it. Runs in the main thread of its process:
 * a child of the scheduler, or the scheduler where no child can be started. A worker in a busy loop
 * goes on until that process ends: nothing can stop it.
 */
export class UserThread {
  /** Resolves once it has been told to end, with that in words. */
  readonly ended: Promise<string>;
  /** Resolves once the worker is gone, after it was told to end; never while it is in a busy loop. */
  readonly gone: Promise<void>;
  /** Whether it was told to end. */
  isTold = false;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #end: (how: string) => void;

  constructor({ permissions, onReply, onPrinted }: UserThreadOptions) {
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers<string>());
    const gone = Promise.withResolvers<void>();
    this.gone = gone.promise;
    void this.gone.then(() => this.terminate());
    this.#worker = new Worker(workerEntry("expansion_worker", import.meta.url), {
      type: "module",
      name: "expansion",
      deno: { permissions },
    });
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const fail = (failure: Omit<Failure, "kind">) =>
      onReply(failedReply({ kind: "call", ...failure, fatal: true }));
    // User code can get hold of the port and send anything.
    port1.onmessage = async ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array && data.length > 0 && data.length <= MAX_REPLY_BYTES) {
        await onReply(data.slice()); // what it is in may be shared with user code
        port1.postMessage(TAKEN);
      } else if (onPrinted !== undefined && typeof data === "string") {
        onPrinted(data);
      } else if (isLastWord(data)) {
        gone.resolve();
      } else {
        await fail({ reason: "it sent what is no answer" });
      }
    };
    port1.onmessageerror = () => void fail({ reason: "it sent what cannot be read" });
    // User code threw outside of a call.
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const { message, filename, lineno, colno } = event;
      gone.resolve();
      void fail({
        reason: message.replace(/^Uncaught (\(in promise\) )?/, "uncaught "),
        at: filename ? `${filename}:${lineno}:${colno}` : undefined,
      });
    };
    const start: WorkerStart = { captureConsole: onPrinted !== undefined };
    this.#worker.postMessage(start, [port2]);
  }

  send(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  kill(): void {
    this.isTold = true;
    this.#port.postMessage(END);
    this.#end("its thread was ended");
  }

  /** Lets go of the worker, whatever it does. */
  terminate(): void {
    this.#port.close();
    this.#worker.terminate();
  }
}

function isLastWord(data: unknown): boolean {
  return typeof data === "object" && data !== null && "ended" in data;
}
