import { type ExpansionRequest, failedReply } from "../expansion_protocol.ts";
import { workerEntry } from "../../internal/worker_entry.ts";
// This import puts the worker's entry into an executable that is compiled without bundling.
import { type FromWorker, TAKEN, type WorkerStart } from "./expansion_worker.ts";

export interface UserThreadOptions {
  /** What user code may do; never more than this process. */
  permissions: Deno.PermissionOptionsObject;
  onReply(reply: string): void;
  /** Told what user code prints with `console`; left out, that goes to this process' own output. */
  onPrinted?(text: string): void;
}

/**
 * Starts the worker that user code runs in, and speaks to it. Runs in the main thread of its process:
 * a child of the scheduler, or the scheduler where no child can be started. A worker in a busy loop
 * goes on until that process ends.
 */
export class UserThread {
  /** Resolves once it has been told to end, with that in words. */
  readonly ended: Promise<string>;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #end: (how: string) => void;

  constructor({ permissions, onReply, onPrinted }: UserThreadOptions) {
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers<string>());
    this.#worker = new Worker(workerEntry("expansion_worker", import.meta.url), {
      type: "module",
      name: "expansion",
      deno: { permissions },
    });
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (typeof data === "object") return onPrinted?.(data.printed);
      onReply(data);
      port1.postMessage(TAKEN);
    };
    // User code threw outside of a call.
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const { message, filename, lineno, colno } = event;
      onReply(failedReply({
        kind: "call",
        reason: message.replace(/^Uncaught (\(in promise\) )?/, "uncaught "),
        at: filename ? `${filename}:${lineno}:${colno}` : undefined,
        fatal: true,
      }));
    };
    const start: WorkerStart = { captureConsole: onPrinted !== undefined };
    this.#worker.postMessage(start, [port2]);
  }

  send(request: ExpansionRequest): void {
    this.#port.postMessage(request);
  }

  kill(): void {
    this.#port.close();
    this.#worker.terminate();
    this.#end("its thread was ended");
  }
}
