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
import {
  EXPANSION_HOST_ARGUMENT,
  MAX_MEMORY_BYTES,
  OUT_OF_MEMORY_EXIT_CODE,
} from "../expansion_protocol.ts";
import { userPermissions } from "../user_permissions.ts";
import { UserThread } from "./user_thread.ts";

export { EXPANSION_HOST_ARGUMENT };

/** How often the memory is looked at, in milliseconds. */
const MEMORY_PERIOD_MS = 50;

/** Serves the scheduler that started this process, until it ends it. Does not return. */
export async function runExpansionHost(): Promise<never> {
  // A compiled program starts with all permissions of the scheduler, which may start itself.
  Deno.permissions.revokeSync({ name: "run", command: "/proc/self/exe" });
  Deno.permissions.revokeSync({ name: "sys", kind: "setPriority" as "gid" });
  // A terminal or a service manager signals the whole group; calls under way are to finish.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
    Deno.addSignalListener(signal, () => {});
  }
  const requests = linesOf(Deno.stdin.readable);
  const secret = (await requests.next()).value ?? "";
  let written = Promise.resolve();
  const onReply = (reply: Uint8Array) => written = written.then(() => write(reply, secret));
  const permissions = userPermissions(JSON.parse((await requests.next()).value!));
  const thread = new UserThread({ permissions, onReply });
  void watchMemory();
  for await (const request of requests) thread.send(JSON.parse(request));
  Deno.exit(0);
}

async function watchMemory(): Promise<void> {
  while (Deno.memoryUsage().rss <= MAX_MEMORY_BYTES) await systemClock.sleep(MEMORY_PERIOD_MS);
  Deno.exit(OUT_OF_MEMORY_EXIT_CODE);
}

/** Writes without blocking this thread: what user code prints may fill the pipe. */
async function write(reply: Uint8Array, secret: string): Promise<void> {
  try {
    for (const frame of writeFrames(reply, secret)) {
      for (let written = 0; written < frame.length;) {
        written += await Deno.stdout.write(frame.subarray(written));
      }
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
