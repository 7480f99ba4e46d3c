/**
 * The entry of the worker that user code runs in. What is in `worker_*.ts` runs in it too.
 *
 * @module
 */
import { failedReply, SEND, type ToWorker } from "../expansion_protocol.ts";
import { callExpansion, type Channel } from "./worker_call.ts";

/** The first and only message to the worker itself; the port that comes with it carries the rest. */
export interface WorkerStart {
  /** Whether `console` is passed on, from a process whose output is not user code's. */
  captureConsole: boolean;
}

/** Said to the worker for each reply that was taken from it. */
export const TAKEN = "taken";

/** Tells the worker to end, once what user code has it do lets it. */
export const END = "end";
/** The worker's last word. */
export const ENDED = { ended: true };

/** Replies under way at once; more would pile up in memory. */
const MAX_REPLIES_UNDER_WAY = 8;

// User code may listen to and post messages of the worker itself: the port is out of its reach.
if (import.meta.main) {
  globalThis.addEventListener("message", (event) => {
    const { data, ports } = event as MessageEvent<WorkerStart>;
    serve(ports[0]!, data);
  }, { once: true });
}

function serve(port: MessagePort, { captureConsole }: WorkerStart): void {
  // User code may replace the prototype's.
  const postMessage: (message: Uint8Array | string | typeof ENDED) => void = port.postMessage.bind(
    port,
  );
  let underWay = 0;
  let makeRoom = () => {};
  let mayContinue = () => {};
  const post = (reply: Uint8Array) => {
    underWay++;
    postMessage(reply);
  };
  const channel: Channel = {
    async send(reply) {
      post(reply);
      if (underWay >= MAX_REPLIES_UNDER_WAY) {
        await new Promise<void>((resolve) => makeRoom = resolve);
      }
    },
    asked: () => new Promise((resolve) => mayContinue = resolve),
  };
  reportExits(post, () => postMessage(ENDED));
  if (captureConsole) capture(postMessage);
  port.onmessage = ({ data }: MessageEvent<ToWorker | typeof TAKEN | typeof END>) => {
    if (data === SEND) mayContinue();
    else if (data === END) postMessage(ENDED);
    else if (data !== TAKEN) void callExpansion(data, channel);
    else if (--underWay < MAX_REPLIES_UNDER_WAY) makeRoom();
  };
}

/** In a worker `Deno.exit()` ends the thread without a word to anyone. */
function reportExits(send: (reply: Uint8Array) => void, end: () => void): void {
  const report = (call: string) => {
    send(failedReply({ kind: "call", reason: `it called ${call}`, fatal: true }));
    end();
  };
  const { exit } = Deno;
  Deno.exit = (code) => {
    report(`Deno.exit(${code ?? ""})`);
    return exit(code);
  };
  const { close } = globalThis;
  globalThis.close = () => {
    report("close()");
    close.call(globalThis);
  };
}

function capture(print: (text: string) => void): void {
  for (const method of ["debug", "log", "info", "warn", "error", "trace", "dir"] as const) {
    console[method] = (...values: unknown[]) => {
      const text = values.map((value) => typeof value === "string" ? value : Deno.inspect(value));
      print(text.join(" "));
    };
  }
}
