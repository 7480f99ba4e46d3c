import { setPriority } from "node:os";
import { errorText } from "../internal/error_text.ts";
import { systemClock } from "../time/clock.ts";
import { FrameReader } from "./expansion_frames.ts";
import type { OutputLog } from "./expansion_output.ts";
import {
  EXPANSION_HOST_ARGUMENT,
  type HostStart,
  OUT_OF_MEMORY_EXIT_CODE,
  type ToWorker,
} from "./expansion_protocol.ts";
import type { UserPlace } from "./expansion_runner.ts";
import { USER_ENVIRONMENT, type UserAccess, userVariables } from "./user_permissions.ts";

export interface ExpansionProcessOptions {
  /** Working directory of user code. */
  root: string;
  access: UserAccess;
  /** How much memory it may take, beside the program itself. */
  memoryBytes: number;
  output: OutputLog;
  onReply(reply: Uint8Array): void;
}

/** This program itself; the permission `run: ["/proc/self/exe"]` covers it and nothing else. */
const SELF = "/proc/self/exe";

/** What the thread in it narrows further; what needs a prompt is refused. Nothing is downloaded. */
const FROM_SOURCE = [
  "run",
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--cached-only",
  "--unstable-worker-options",
  "--allow-read",
  "--allow-net",
  `--allow-env=${USER_ENVIRONMENT}`,
  "--ignore-env", // as in deno.json: any other variable is not there
  new URL("./host/expansion_host.ts", import.meta.url).href,
];

/** Output is read in pieces of this size at most: as much as a pipe holds. */
const MAX_PIECE_BYTES = 64 * 2 ** 10;

/**
 * After its end what it printed is read for so long, in milliseconds: a process that it started may
 * hold its output open.
 */
const MAX_REST_MS = 1000;

/** Above the scheduler's own, so that user code gets the time that the schedules leave. */
const NICENESS = 10;

/** Where the kernel starts no thread, or no process, any more: as Rust and the system say it, and V8. */
const NO_THREAD = /Resource temporarily unavailable|Check failed: Start\(\)/;
const MORE_THREADS =
  "no thread could be started: TasksMax of the systemd unit, or the pids limit " +
  "of the container, is too low";

/** What a process that ends by itself says it was short of. */
const WANTS: [pattern: RegExp, want: string][] = [
  [/\bout of memory\b/i, "out of memory"],
  [NO_THREAD, MORE_THREADS],
];

/** Set in the process, so that a program that takes itself for the scheduler there is found out. */
const MARK = "HEDDLE_SCHEDULER_EXPANSION_HOST";

/**
 * A child process of the same program, in which user code runs (host/expansion_host.ts), as the
 * scheduler sees it.
 */
export class ExpansionProcess implements UserPlace {
  readonly ended: Promise<string>;
  readonly #child: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;

  /** @throws {Deno.errors.NotCapable} without the permission to run `/proc/self/exe` */
  constructor({ root, access, memoryBytes, output, onReply }: ExpansionProcessOptions) {
    this.#child = spawn(root);
    this.#requests = this.#child.stdin.getWriter();
    lowerPriority(this.#child.pid);
    let want: string | undefined;
    const secret = crypto.randomUUID();
    const stdout = new FrameReader(secret, {
      onReply,
      onPrinted: (line) => output.line("stdout", line),
    });
    const stderr = new FrameReader("", {
      onReply: () => {},
      onPrinted: (line) => {
        const text = new TextDecoder().decode(line);
        want ??= WANTS.find(([pattern]) => pattern.test(text))?.[1];
        output.line("stderr", line);
      },
    });
    const over = new AbortController();
    const sources = [this.#child.stdout, this.#child.stderr]
      .map((stream) => stream.getReader({ mode: "byob" }));
    const read = [stdout, stderr]
      .map((reader, index) => readAll(sources[index]!, reader, output, over.signal));
    this.ended = this.#child.status.then(async ({ code, signal }) => {
      over.abort();
      const rest = new AbortController();
      void systemClock.sleep(MAX_REST_MS, rest.signal)
        .then(() => Promise.allSettled(sources.map((source) => source.cancel())));
      await Promise.all(read);
      rest.abort();
      this.#requests.close().catch(() => {});
      if (code === OUT_OF_MEMORY_EXIT_CODE) {
        return `out of memory: it used more than ${Math.floor(memoryBytes / 2 ** 20)} MiB`;
      }
      if (want !== undefined) return want;
      if (signal === null) return `its process was ended with exit code ${code}`;
      const perhaps = signal === "SIGKILL" ? ", as the kernel does when memory is short" : "";
      return `its process was ended by ${signal}${perhaps}`;
    });
    this.#write(secret);
    this.#write(JSON.stringify({ access, memoryBytes } satisfies HostStart));
  }

  send(message: ToWorker): void {
    this.#write(JSON.stringify(message));
  }

  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }

  #write(line: string): void {
    // A process that is gone is noticed by its end.
    this.#requests.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }
}

function spawn(root: string): Deno.ChildProcess {
  if (variable(MARK) !== undefined) {
    throw new Error(
      `this program was started to run expansion functions and did not: call runExpansionHost() ` +
        `where its first argument is "${EXPANSION_HOST_ARGUMENT}"`,
    );
  }
  const env = { ...userVariables(), [MARK]: "1", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const entry = Deno.build.standalone ? [] : FROM_SOURCE;
  const command = new Deno.Command(SELF, {
    args: [...entry, EXPANSION_HOST_ARGUMENT],
    cwd: root,
    clearEnv: true,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  try {
    return command.spawn();
  } catch (error) {
    if (!NO_THREAD.test(errorText(error))) throw error;
    throw new Error(MORE_THREADS, { cause: error });
  }
}

function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined; // not allowed to read it
  }
}

/** Threads that it starts get the priority of the one that starts them; it has one so far. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It may not be allowed, or the process has ended.
  }
}

async function readAll(
  source: ReadableStreamBYOBReader,
  reader: FrameReader,
  output: OutputLog,
  signal: AbortSignal,
): Promise<void> {
  // Into the same bytes again and again: new ones for each piece would be garbage, by the megabyte.
  let room = new Uint8Array(MAX_PIECE_BYTES);
  for (;;) {
    const { value, done } = await source.read(room);
    if (done) return reader.end();
    await output.paced(reader.feed(value), signal);
    room = new Uint8Array(value.buffer);
  }
}
