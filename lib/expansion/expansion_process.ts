import { FrameReader } from "./expansion_frames.ts";
import { EXPANSION_HOST_ARGUMENT } from "./expansion_host_argument.ts";
import type { OutputLog } from "./expansion_output.ts";
import { decodeReply, type ExpansionRequest, type Failure } from "./expansion_protocol.ts";
import { type ExpansionRunner, PendingCall } from "./expansion_runner.ts";

export interface ProcessRunnerOptions {
  /** Working directory of user code. */
  root: string;
  output: OutputLog;
  /** Told when user code ends the process while no call is under way. */
  onCrash(reason: string): void;
}

/** This program itself; the permission `run: ["/proc/self/exe"]` covers it and nothing else. */
const SELF = "/proc/self/exe";

/** Reading is allowed, the network too; what needs a prompt is not. Nothing is downloaded. */
const FROM_SOURCE = [
  "run",
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--cached-only",
  "--allow-read",
  "--allow-net",
  "--allow-env",
  new URL("./host/expansion_host.ts", import.meta.url).href,
];

/** All of the environment that user code gets to see; the scheduler's credentials are not in it. */
const ENVIRONMENT = [
  "PATH",
  "HOME",
  "TZ",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

/** Set in the process, so that a program that takes itself for the scheduler there is found out. */
const MARK = "HEDDLE_SCHEDULER_EXPANSION_HOST";

/** Runs expansion functions in a child process of the same program. */
export class ProcessRunner implements ExpansionRunner {
  readonly pid: number;
  readonly ended: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #options: ProcessRunnerOptions;
  #pending: PendingCall | null = null;
  #alive = true;
  /** Whether it is known why it ended, or will. */
  #explained = false;
  #outOfMemory = false;

  /** @throws {Deno.errors.NotCapable} without the permission to run `/proc/self/exe` */
  constructor(options: ProcessRunnerOptions) {
    this.#options = options;
    this.#child = spawn(options.root);
    this.pid = this.#child.pid;
    this.#requests = this.#child.stdin.getWriter();
    const secret = crypto.randomUUID();
    const { output } = options;
    const replies = new FrameReader(secret, {
      onReply: (reply) => this.#take(reply),
      onPrinted: (line) => output.line("stdout", line),
    });
    const errors = new FrameReader("", {
      onReply: () => {},
      onPrinted: (line) => {
        this.#outOfMemory ||= /\bout of memory\b/i.test(line);
        output.line("stderr", line);
      },
    });
    this.ended = this.#end([read(this.#child.stdout, replies), read(this.#child.stderr, errors)]);
    this.#write(secret);
  }

  get output(): OutputLog {
    return this.#options.output;
  }

  get alive(): boolean {
    return this.#alive;
  }

  call(request: ExpansionRequest): Promise<Record<string, unknown>[]> {
    this.#pending = new PendingCall();
    this.#write(JSON.stringify(request));
    return this.#pending.result;
  }

  kill(): void {
    this.#alive = false;
    this.#explained = true;
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

  #take(text: string): void {
    const pending = this.#pending;
    if (pending === null) this.#crash(text);
    if (pending === null || pending.take(text)) return;
    this.#pending = null;
    const { fatal } = pending;
    if (fatal) this.kill();
  }

  /** Between calls, only the end of user code is told. */
  #crash(text: string): void {
    if (this.#explained) return;
    this.kill();
    const reply = decodeReply(text);
    if (reply.type === "failed") this.#options.onCrash(reply.failure.reason);
  }

  async #end(streams: Promise<void>[]): Promise<void> {
    const { code, signal } = await this.#child.status;
    this.#alive = false;
    await Promise.all(streams);
    this.#requests.close().catch(() => {});
    this.#options.output.flush();
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const reason = this.#outOfMemory ? "out of memory" : `its process was ended ${how}`;
    const failure: Failure = { kind: "call", reason, fatal: true };
    if (this.#pending !== null) this.#pending.fail(failure);
    else if (!this.#explained) this.#options.onCrash(reason);
    this.#pending = null;
  }
}

function spawn(root: string): Deno.ChildProcess {
  if (variable(MARK) !== undefined) {
    throw new Error(
      `this program was started to run expansion functions and did not: call runExpansionHost() ` +
        `where its first argument is "${EXPANSION_HOST_ARGUMENT}"`,
    );
  }
  const env: Record<string, string> = { [MARK]: "1", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  for (const name of ENVIRONMENT) {
    const value = variable(name);
    if (value !== undefined) env[name] = value;
  }
  const entry = Deno.build.standalone ? [] : FROM_SOURCE;
  return new Deno.Command(SELF, {
    args: [...entry, EXPANSION_HOST_ARGUMENT],
    cwd: root,
    clearEnv: true,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined; // not allowed to read it
  }
}

async function read(stream: ReadableStream<Uint8Array>, reader: FrameReader): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) reader.feed(decoder.decode(bytes, { stream: true }));
  reader.end();
}
