/**
 * The main thread of the process that expansion functions run in. It starts the worker for user code,
 * passes requests and replies on and watches over the memory; nothing in user code can block it.
 *
 * Requests come as lines on stdin, behind the secret of the frames and what a {@link HostStart} says;
 * replies go out as frames on stdout. The end of stdin ends the process, so it never outlives the scheduler.
 *
 * @module
 */
import { systemClock } from "../../time/clock.ts";
import { writeFrames } from "../expansion_frames.ts";
import {
  EXPANSION_HOST_ARGUMENT,
  type HostStart,
  OUT_OF_MEMORY_EXIT_CODE,
} from "../expansion_protocol.ts";
import { userPermissions } from "../user_permissions.ts";
import { UserThread } from "./user_thread.ts";

export { EXPANSION_HOST_ARGUMENT };

/**
 * What all processes share of the memory that each has, in bytes: pages of the executable, which the
 * system counts once. They were measured, since Deno tells their sum with a process' own alone.
 */
const SHARED_BYTES = 40 * 2 ** 20;
/** How often the memory is looked at, in milliseconds. */
const MAX_MEMORY_PERIOD_MS = 50;
const MIN_MEMORY_PERIOD_MS = 5;
/** What user code can take in a millisecond, in bytes: it is looked at again before it has taken all. */
const MAX_GROWTH_BYTES_PER_MS = 2 * 2 ** 20;

/** Serves the scheduler that started this process, until it ends it. Does not return. */
export async function runExpansionHost(): Promise<never> {
  // A compiled program starts with all permissions of the scheduler, which may start itself.
  Deno.permissions.revokeSync({ name: "run", command: "/proc/self/exe" });
  for (const kind of ["setPriority" as "gid", "systemMemoryInfo"] as const) {
    Deno.permissions.revokeSync({ name: "sys", kind });
  }
  // A terminal or a service manager signals the whole group; calls under way are to finish.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
    Deno.addSignalListener(signal, () => {});
  }
  const requests = linesOf(Deno.stdin.readable);
  const secret = (await requests.next()).value ?? "";
  let written = Promise.resolve();
  const onReply = (reply: Uint8Array) => written = written.then(() => write(reply, secret));
  const { access, memoryBytes }: HostStart = JSON.parse((await requests.next()).value!);
  const thread = new UserThread({ permissions: userPermissions(access), onReply });
  void watchMemory(memoryBytes + SHARED_BYTES);
  for await (const request of requests) thread.send(JSON.parse(request));
  Deno.exit(0);
}

async function watchMemory(bytes: number): Promise<void> {
  for (;;) {
    const free = bytes - Deno.memoryUsage().rss;
    if (free < 0) Deno.exit(OUT_OF_MEMORY_EXIT_CODE);
    const soon = Math.max(MIN_MEMORY_PERIOD_MS, free / MAX_GROWTH_BYTES_PER_MS);
    await systemClock.sleep(Math.min(MAX_MEMORY_PERIOD_MS, soon));
  }
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
