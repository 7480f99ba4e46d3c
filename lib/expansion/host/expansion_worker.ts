/**
 * The thread that user code runs in: the entry of a worker. In its own process on Linux
 * (expansion_host.ts), in the scheduler's elsewhere (expansion_thread_runner.ts).
 *
 * @module
 */
import { callExpansion } from "./expansion_call.ts";
import { encodeReply, type ExpansionRequest } from "../expansion_protocol.ts";

/** The first and only message to the worker itself; the port that comes with it carries the rest. */
export interface WorkerStart {
  /** Whether `console` is passed on as replies, for a process whose stdout is not user code's. */
  captureConsole: boolean;
}

/** Said to the worker for each reply that was taken from it. */
export const TAKEN = "taken";

/** Replies under way at once; more would pile up in memory. */
const WINDOW = 8;

// User code may listen to and post messages of the worker itself: the port is out of its reach.
if (import.meta.main) {
  globalThis.addEventListener("message", (event) => {
    const { data, ports } = event as MessageEvent<WorkerStart>;
    serve(ports[0]!, data);
  }, { once: true });
}

function serve(port: MessagePort, { captureConsole }: WorkerStart): void {
  let underWay = 0;
  let makeRoom = () => {};
  const post = (reply: string) => {
    underWay++;
    port.postMessage(reply);
  };
  const send = async (reply: string) => {
    post(reply);
    if (underWay >= WINDOW) await new Promise<void>((resolve) => makeRoom = resolve);
  };
  reportExits(post);
  if (captureConsole) capture(post);
  port.onmessage = ({ data }: MessageEvent<ExpansionRequest | typeof TAKEN>) => {
    if (data !== TAKEN) {
      void callExpansion(data, send);
    } else if (--underWay < WINDOW) {
      makeRoom();
    }
  };
}

/** In a worker `Deno.exit()` ends the thread without a word to anyone. */
function reportExits(send: (reply: string) => void): void {
  const report = (call: string) => {
    const failure = { kind: "call", reason: `it called ${call}`, fatal: true } as const;
    send(encodeReply({ type: "failed", failure }));
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

function capture(send: (reply: string) => void): void {
  for (const method of ["debug", "log", "info", "warn", "error", "trace", "dir"] as const) {
    console[method] = (...values: unknown[]) => {
      const text = values.map((value) => typeof value === "string" ? value : Deno.inspect(value));
      send(encodeReply({ type: "printed", text: text.join(" ") }));
    };
  }
}
