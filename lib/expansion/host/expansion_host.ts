/**
 * The main thread of the process that expansion functions run in. It starts the worker for user code,
 * passes requests and replies on and watches over the memory; nothing in user code can block it.
 *
 * Requests come as lines on stdin, behind the secret of the frames and the access of user code;
 * replies go out as frames on stdout. The end of stdin ends the process, so it never outlives the scheduler.
 *
 * @module
 */
import { systemClock } from "../../time/clock.ts";
import { writeFrames } from "../expansion_frames.ts";
import { EXPANSION_HOST_ARGUMENT, failedReply } from "../expansion_protocol.ts";
import { userPermissions } from "../user_permissions.ts";
import { UserThread } from "./user_thread.ts";

export { EXPANSION_HOST_ARGUMENT };

/** The most memory (resident set) such a process may take, in bytes. */
export const MAX_MEMORY_BYTES = 512 * 2 ** 20;

/** How often the memory is looked at, in milliseconds. */
const MEMORY_PERIOD_MS = 50;

/** Serves the scheduler that started this process, until it ends it. Does not return. */
export async function runExpansionHost(): Promise<never> {
  // A compiled program starts with all permissions of the scheduler, which may start itself.
  Deno.permissions.revokeSync({ name: "run", command: "/proc/self/exe" });
  // A terminal or a service manager signals the whole group; calls under way are to finish.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {});
  }
  const requests = linesOf(Deno.stdin.readable);
  const secret = (await requests.next()).value ?? "";
  const send = (reply: string) => {
    for (const frame of writeFrames(reply, secret)) writeAll(frame);
  };
  const permissions = userPermissions(JSON.parse((await requests.next()).value!));
  const thread = new UserThread({ permissions, onReply: send });
  void watchMemory(send);
  for await (const request of requests) thread.send(JSON.parse(request));
  Deno.exit(0);
}

async function watchMemory(send: (reply: string) => void): Promise<void> {
  while (Deno.memoryUsage().rss <= MAX_MEMORY_BYTES) await systemClock.sleep(MEMORY_PERIOD_MS);
  const reason = `out of memory: it used more than ${MAX_MEMORY_BYTES / 2 ** 20} MiB`;
  send(failedReply({ kind: "call", reason, fatal: true }));
  Deno.exit(1);
}

function writeAll(bytes: Uint8Array): void {
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno.stdout.writeSync(bytes.subarray(written));
    }
  } catch {
    Deno.exit(1); // nobody listens any more
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

if (import.meta.main && Deno.args[0] === EXPANSION_HOST_ARGUMENT) await runExpansionHost();
