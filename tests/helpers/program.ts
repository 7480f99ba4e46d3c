import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";
import { holdToSchema } from "./wire_schemas.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The program's own permissions, as `deno task dev` and the binary have them; nothing more. */
const FROM_SOURCE = ["run", "-P", "main.ts"];

export interface LogEvent extends Record<string, unknown> {
  timestamp: string;
  level: string;
  event: string;
}

export interface ProgramOptions {
  /** The executable, and what stands before the program's own arguments. Default: from source. */
  command?: readonly string[];
  env?: Record<string, string>;
  /** Whether `env` is all of the environment. Default: false. */
  clearEnv?: boolean;
  /** Default: the repository's root, where `deno.json` names the permissions. */
  cwd?: string;
}

/** The program, from source or compiled, as a process of its own. */
export class Program implements AsyncDisposable {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #exited = false;

  constructor(args: string[], options: ProgramOptions = {}) {
    const { command = [Deno.execPath(), ...FROM_SOURCE], env = {}, clearEnv, cwd = ROOT } = options;
    this.#process = new Deno.Command(command[0]!, {
      args: [...command.slice(1), ...args],
      cwd,
      clearEnv,
      // From source, Deno itself would ask over the network whether there is a newer Deno.
      env: { LOG_FORMAT: "json", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([
      collectLines(this.#process.stdout, this.stdout, checkMessage),
      collectLines(this.#process.stderr, this.stderr),
      this.#process.status.then(() => this.#exited = true),
    ]);
  }

  get pid(): number {
    return this.#process.pid;
  }

  get running(): boolean {
    return !this.#exited;
  }

  /** The log lines so far, or those of one event. */
  log(event?: string): LogEvent[] {
    const lines = this.stderr.filter((line) => line.startsWith("{")).map((line) =>
      JSON.parse(line)
    );
    return event === undefined ? lines : lines.filter((line) => line.event === event);
  }

  /** Waits for the `count`th line of `event`, and returns it. */
  async logged(event: string, count = 1, within?: number): Promise<LogEvent> {
    try {
      await eventually(
        `${event} logged ${count} times`,
        () => this.log(event).length >= count || this.#exited,
        within,
      );
      const line = this.log(event)[count - 1];
      if (line === undefined) throw new Error(`The program ended before it logged ${event}`);
      return line;
    } catch (error) {
      throw new Error(`${error}\n${this.stderr.slice(-30).join("\n")}`);
    }
  }

  kill(signal: Deno.Signal): void {
    if (!this.#exited) this.#process.kill(signal);
  }

  /** The exit code, once the process has ended and everything it wrote has been read. */
  async exit(): Promise<number> {
    const [{ code }] = await Promise.all([this.#process.status, this.#read]);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.exit();
  }
}

/** Runs the program to its end. */
export async function runProgram(
  args: string[],
  options?: ProgramOptions,
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using program = new Program(args, options);
  const code = await program.exit();
  // The notice that permission sets in deno.json are experimental is Deno's, not the program's.
  const stderr = program.stderr.filter((line) => !line.includes("Permissions in the config file"));
  return { code, stdout: program.stdout.join("\n"), stderr: stderr.join("\n") };
}

/** With `--bus memory` each line of stdout is a message. */
function checkMessage(line: string): void {
  if (!line.startsWith('{"subject":')) return;
  const { subject, data } = JSON.parse(line);
  holdToSchema(subject, data);
}

async function collectLines(
  stream: ReadableStream<Uint8Array>,
  into: string[],
  check = (_line: string) => {},
): Promise<void> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    lines.forEach(check);
    into.push(...lines);
  }
  if (rest !== "") into.push(rest);
}
