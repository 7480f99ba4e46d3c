import { type Command, InvalidArgumentError, Option } from "commander";
import { isIP } from "node:net";
import { errorText } from "../internal/error_text.ts";
import { readSecretFile } from "../bus/secret_file.ts";
import { UsageError } from "./exit_codes.ts";

/** The address of an HTTP server. */
export interface HttpAddress {
  readonly hostname: string;
  readonly port: number;
}

export interface HttpOptions {
  http?: HttpAddress;
  httpTokenFile?: string;
  httpControl: boolean;
}

const LOOPBACK = "127.0.0.1";
/** A shorter token could be guessed. */
const MIN_TOKEN_CHARACTERS = 16;

/** Returns the option `--http`, of the command that listens and of the one that asks. */
export function httpOption(description: string): Option {
  return new Option("--http <addr:port>", description)
    .env("HEDDLE_SCHEDULER_HTTP").argParser(parseAddress);
}

/** Returns the option `--http-token-file`. */
export function tokenOption(): Option {
  return new Option("--http-token-file <file>", "guards all but /healthz and /readyz")
    .env("HEDDLE_SCHEDULER_HTTP_TOKEN_FILE");
}

export function addHttpOptions(command: Command): Command {
  return command
    .addOption(
      httpOption("listen address of probes, metrics and the page, such as 8080 (on loopback)"),
    )
    .addOption(tokenOption())
    .option("--http-control", "let the page fire, pause and resume", false);
}

/** Parses `8080`, `:8080`, `10.0.0.1:8080` or `[::1]:8080`. */
export function parseAddress(text: string): HttpAddress {
  const [, host = "", port = ""] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? [];
  const hostname = host === "" ? LOOPBACK : host.replace(/^\[(.*)\]$/, "$1");
  const isHost = isIP(hostname) === 4 || (isIP(hostname) === 6 && host.startsWith("[")) ||
    /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(hostname);
  if (port === "" || Number(port) > 65_535 || !isHost) {
    throw new InvalidArgumentError("expected PORT or ADDR:PORT, such as 8080 or 0.0.0.0:8080");
  }
  return { hostname, port: Number(port) };
}

export function isLoopback({ hostname }: HttpAddress): boolean {
  return hostname.startsWith("127.") || hostname === "::1" || hostname === "localhost";
}

/**
 * Reads the token in a file.
 *
 * @throws {UsageError} when it cannot be read, or is no token
 */
export async function readToken(path: string): Promise<string> {
  let token: string;
  try {
    token = new TextDecoder().decode(await readSecretFile(path)).trim();
  } catch (error) {
    const reason = errorText(error);
    throw new UsageError(`Cannot read the token file "${path}": ${reason}`);
  }
  if (token.length < MIN_TOKEN_CHARACTERS || !/^[!-~]+$/.test(token)) {
    throw new UsageError(
      `Cannot use the token in "${path}": expected one line of at least ${MIN_TOKEN_CHARACTERS} ` +
        `characters, without spaces`,
    );
  }
  return token;
}

/**
 * Checks the options of the page's control.
 *
 * @throws {UsageError} where anybody on the network could fire
 */
export function checkControl({ http, httpTokenFile, httpControl }: HttpOptions): void {
  if (!httpControl) return;
  if (http === undefined) throw new UsageError("--http-control needs --http");
  if (httpTokenFile === undefined && !isLoopback(http)) {
    throw new UsageError(
      `--http-control on ${http.hostname} would let anybody fire: add --http-token-file`,
    );
  }
}
