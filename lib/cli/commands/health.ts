import { Command } from "commander";
import { errorText } from "../../internal/error_text.ts";
import { EXIT, type SetExitCode, UsageError } from "../exit_codes.ts";
import { type HttpAddress, httpOption } from "../http_options.ts";
import { print, printError } from "../print.ts";

interface HealthOptions {
  http?: HttpAddress;
  ready: boolean;
}

const TIMEOUT_MS = 5000;

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
  const { hostname, port } = http;
  // A server that listens on every address is asked on loopback.
  const host = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[hostname] ??
    (hostname.includes(":") ? `[${hostname}]` : hostname);
  const url = `http://${host}:${port}/${ready ? "readyz" : "healthz"}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    print((await response.text()).trim());
    return response.ok ? EXIT.ok : EXIT.failure;
  } catch (error) {
    printError(`No scheduler answers at ${url}: ${reasonOf(error)}`);
    return EXIT.failure;
  }
}

/** Says what the system says of the connection, without the layers of the client around it. */
function reasonOf(error: unknown): string {
  const text = errorText(error instanceof Error ? error.cause ?? error : error);
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `there was no answer within ${TIMEOUT_MS / 1000} s`;
  }
  if (text.includes("Connection refused")) {
    return "nothing listens there; a scheduler does with --http, once it has started";
  }
  return text.slice(text.lastIndexOf(": ") + 1).replace(/ \(os error \d+\)/, "").trim();
}
