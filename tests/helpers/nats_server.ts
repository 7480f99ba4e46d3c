/**
 * Real nats-servers for tests: one per test, on loopback, on a port that the system chooses.
 *
 * @module
 */
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { findNatsServer } from "./nats_server_executable.ts";

export interface NatsServerOptions {
  /**
   * Text of a configuration file: authorization, TLS, limits. `$DIR` in it stands for the server's
   * own temporary directory.
   */
  config?: string;
  /** Files to write into that directory first, by name. */
  files?: Record<string, string>;
  /** Whether to start JetStream, with its store in that directory. Default: false. */
  jetstream?: boolean;
  /** Default: one that the system chooses. */
  port?: number;
}

/** Starts a server and resolves when it accepts connections. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const directory = await Deno.makeTempDir({ prefix: "heddle-nats-server-" });
  const server = new NatsServer(directory, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

export class NatsServer implements AsyncDisposable {
  /** Removed, with all it holds, when the server is stopped. */
  readonly directory: string;
  #options: NatsServerOptions;
  #process: Deno.ChildProcess | null = null;
  #log: Promise<string> = Promise.resolve("");
  #port = 0;

  constructor(directory: string, options: NatsServerOptions) {
    this.directory = directory;
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  get port(): number {
    return this.#port;
  }

  /** Without credentials. */
  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    if (this.#process === null) throw new Error("The server does not run");
    return this.#process.pid;
  }

  /** Starts it, on the port it had if it ran before. */
  async start(): Promise<void> {
    const executable = findNatsServer();
    if (executable === null) {
      throw new Error("Cannot find nats-server: run tests/helpers/nats_server_setup.ts first");
    }
    const ports = await Deno.makeTempDir({ dir: this.directory, prefix: "ports-" });
    const process = new Deno.Command(executable, {
      args: [
        ...["-a", "127.0.0.1", "-p", this.#port === 0 ? "-1" : String(this.#port)],
        ...["--ports_file_dir", ports],
        ...(this.#options.jetstream ? ["-js", "-sd", join(this.directory, "jetstream")] : []),
        ...(await this.#writeConfig()),
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let ended = false;
    process.status.then(() => ended = true);
    this.#process = process;
    this.#log = new Response(process.stderr).text();
    await eventually("nats-server accepts connections", async () => {
      if (ended) throw new Error(`Cannot start nats-server: it said\n${await this.#log}`);
      this.#port = await readPort(ports) ?? this.#port;
      return this.#port !== 0 && await accepts(this.#port);
    });
  }

  /** Tells the process something that does not end it at once. */
  signal(signal: Deno.Signal): void {
    this.#process?.kill(signal);
  }

  /** Ends the process (SIGKILL: without a word to its clients) and waits until it is gone. */
  async kill(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    this.#process = null;
    process.kill(signal);
    await Promise.all([process.status, this.#log]); // it exits 1 on SIGTERM: no failure
  }

  /** Ends it, where it still runs, and starts it on the same port. */
  async restart(signal?: Deno.Signal): Promise<void> {
    await this.kill(signal);
    await this.start();
  }

  /** Replaces the configuration, and files, from the next start on. */
  configure(config: string, files?: Record<string, string>): void {
    this.#options = { ...this.#options, config, files: { ...this.#options.files, ...files } };
  }

  /** Ends it for good and removes its files. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
    await Deno.remove(this.directory, { recursive: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #writeConfig(): Promise<string[]> {
    const { config, files = {} } = this.#options;
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(this.directory, name), text);
    }
    if (config === undefined) return [];
    const path = join(this.directory, "nats.conf");
    await Deno.writeTextFile(path, config.replaceAll("$DIR", this.directory));
    return ["-c", path];
  }
}

/** What the server wrote to its ports file, or null while it has not. */
async function readPort(directory: string): Promise<number | null> {
  for await (const { name } of Deno.readDir(directory)) {
    try {
      const { nats } = JSON.parse(await Deno.readTextFile(join(directory, name)));
      return Number(new URL(nats[0].replace(/^\w+:/, "http:")).port);
    } catch {
      return null; // half written
    }
  }
  return null;
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
