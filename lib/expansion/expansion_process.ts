import { FrameReader } from "./expansion_frames.ts";
import type { OutputLog } from "./expansion_output.ts";
import { EXPANSION_HOST_ARGUMENT, type ExpansionRequest } from "./expansion_protocol.ts";
import type { UserPlace } from "./expansion_runner.ts";
import { USER_ENVIRONMENT, type UserAccess, userVariables } from "./user_permissions.ts";

export interface ExpansionProcessOptions {
  /** Working directory of user code. */
  root: string;
  access: UserAccess;
  output: OutputLog;
  onReply(reply: string): void;
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
  constructor({ root, access, output, onReply }: ExpansionProcessOptions) {
    this.#child = spawn(root);
    this.#requests = this.#child.stdin.getWriter();
    let outOfMemory = false;
    const secret = crypto.randomUUID();
    const stdout = new FrameReader(secret, {
      onReply,
      onPrinted: (line) => output.line("stdout", line),
    });
    const stderr = new FrameReader("", {
      onReply: () => {},
      onPrinted: (line) => {
        outOfMemory ||= /\bout of memory\b/i.test(line);
        output.line("stderr", line);
      },
    });
    const read = [readAll(this.#child.stdout, stdout), readAll(this.#child.stderr, stderr)];
    this.ended = this.#child.status.then(async ({ code, signal }) => {
      await Promise.all(read);
      this.#requests.close().catch(() => {});
      if (outOfMemory) return "out of memory";
      return `its process was ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`;
    });
    this.#write(secret);
    this.#write(JSON.stringify(access));
  }

  send(request: ExpansionRequest): void {
    this.#write(JSON.stringify(request));
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

async function readAll(stream: ReadableStream<Uint8Array>, reader: FrameReader): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) reader.feed(decoder.decode(bytes, { stream: true }));
  reader.end();
}
