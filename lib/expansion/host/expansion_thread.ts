import { encodeReply, type ExpansionRequest } from "../expansion_protocol.ts";
// Imported, the worker's entry is in what `deno compile` makes of these modules unbundled.
import { TAKEN, type WorkerStart } from "./expansion_worker.ts";
import { workerEntry } from "../../internal/worker_entry.ts";

/** A thread that user code runs in. What it throws outside of a call is a fatal failure. */
export class ExpansionThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;

  constructor(start: WorkerStart, onReply: (reply: string) => void) {
    this.#worker = new Worker(workerEntry("expansion_worker", import.meta.url), {
      type: "module",
      name: "expansion",
    });
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<string>) => {
      onReply(data);
      port1.postMessage(TAKEN);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const { message, filename, lineno, colno } = event;
      const failure = {
        kind: "call",
        reason: message.replace(/^Uncaught (\(in promise\) )?/, "uncaught "),
        at: filename ? `${filename}:${lineno}:${colno}` : undefined,
        fatal: true,
      } as const;
      onReply(encodeReply({ type: "failed", failure }));
    };
    this.#worker.postMessage(start, [port2]);
  }

  call(request: ExpansionRequest): void {
    this.#port.postMessage(request);
  }

  terminate(): void {
    this.#port.close();
    this.#worker.terminate();
  }
}
