import { Command } from "commander";
import type { IncomingMessage } from "node:http";
import { HEALTH_ANSWERS } from "../../http/protocol.ts";
import { errorText } from "../../internal/error_text.ts";
import { EXIT, type SetExitCode, UsageError } from "../exit_codes.ts";
import { type HttpAddress, httpOption } from "../http_options.ts";
import { print, printError } from "../print.ts";

interface HealthOptions {
  http?: HttpAddress;
  ready: boolean;
}

const TIMEOUT_MS = 5000;
const MAX_ANSWER_CHARACTERS = 65_536;

/** `health`: asks the HTTP server of a scheduler, for probes of containers that have no shell. */
export function healthCommand(setExitCode: SetExitCode): Command {
  return new Command("health")
    .description("ask the HTTP server of a scheduler whether it is alive; exits 1 when it is not")
    .addOption(httpOption("the address on which it listens"))
    .option("--ready", "ask whether it is ready: connected, configured, leases known", false)
    .action(async (options: HealthOptions) => setExitCode(await health(options)));
}

async function health({ http, ready }: HealthOptions): Promise<number> {
  if (http === undefined) {
    throw new UsageError(
      "Cannot ask: give --http or HEDDLE_SCHEDULER_HTTP, as the scheduler has it",
    );
  }
  // A server that listens on every address is asked on loopback.
  const hostname = { "0.0.0.0": "127.0.0.1", "::": "::1" }[http.hostname] ?? http.hostname;
  const { port } = http;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const path = ready ? "/readyz" : "/healthz";
  const url = `http://${host}:${port}${path}`;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const { status, text } = await answerOf({ hostname, port, path, signal });
    if (!isOurs(text, ready)) {
      const shown = JSON.stringify(text.slice(0, 80));
      printError(`The answer from ${url} is no scheduler's: HTTP status ${status}, ${shown}`);
      return EXIT.failure;
    }
    print(text);
    return status === 200 ? EXIT.ok : EXIT.failure;
  } catch (error) {
    const reason = signal.aborted
      ? `there was no answer within ${TIMEOUT_MS / 1000} s`
      : reasonOf(error);
    printError(`No scheduler answers at ${url}: ${reason}`);
    return EXIT.failure;
  }
}

/** `fetch` would ask the proxy of `HTTP_PROXY`. */
async function answerOf(
  request: { hostname: string; port: number; path: string; signal: AbortSignal },
): Promise<{ status?: number; text: string }> {
  const { get } = await import("node:http"); // not loaded for other commands
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ ...request, agent: false }, resolve).on("error", reject);
  });
  let text = "";
  for await (const piece of response.setEncoding("utf8")) {
    text += piece;
    if (text.length > MAX_ANSWER_CHARACTERS) break;
  }
  return { status: response.statusCode, text: text.trim() };
}

function isOurs(text: string, ready: boolean): boolean {
  return ready ? text.startsWith('{"ready":') : Object.values(HEALTH_ANSWERS).includes(text);
}

/** Says what the system says of the connection. */
function reasonOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === "ECONNREFUSED") {
    return "nothing listens there; a scheduler does with --http, once it has started";
  }
  if (code === "ENOTFOUND") return "the host name could not be resolved";
  return errorText(error);
}
