import { redactUrl, splitUrls } from "../redact_url.ts";

/** The address of a server, and the credentials in its URL. */
export interface NatsServerAddress {
  /** `host:port`. */
  readonly address: string;
  /** The URL without credentials, for logs and error messages. */
  readonly shown: string;
  /** True if the URL requires TLS. Otherwise TLS is used if the server offers it. */
  readonly tls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

const DEFAULT_PORT = "4222";

/**
 * Parses server URLs: `nats://` (the default) or `tls://`, an optional `user:password@` or `token@`
 * with special characters percent-encoded, the host, and the port (4222 by default).
 *
 * @param urls each may be a comma-separated list
 * @throws {TypeError} if a URL is invalid; the message contains no secrets
 */
export function parseServers(urls: string | readonly string[]): NatsServerAddress[] {
  const servers = [urls].flat().flatMap(splitUrls).map(parseServer);
  if (servers.length > 0) return servers;
  throw new TypeError(
    'Cannot connect to "": expected one or more URLs such as "nats://127.0.0.1:4222"',
  );
}

function parseServer(url: string): NatsServerAddress {
  const parsed = URL.parse(url.includes("://") ? url : `nats://${url}`);
  const isServer = parsed !== null && ["nats:", "tls:"].includes(parsed.protocol) &&
    parsed.hostname !== "";
  if (!isServer) {
    throw new TypeError(
      `Cannot connect to "${redactUrl(url)}": ` +
        'expected a URL such as "nats://127.0.0.1:4222" or "tls://nats.example:4222"',
    );
  }
  const { protocol, hostname, username, password } = parsed;
  const address = `${hostname}:${parsed.port || DEFAULT_PORT}`;
  const credentials = username === ""
    ? {}
    : password === ""
    ? { token: decode(username, url) }
    : { user: decode(username, url), password: decode(password, url) };
  return { address, shown: `${protocol}//${address}`, tls: protocol === "tls:", ...credentials };
}

function decode(part: string, url: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new TypeError(
      `Cannot connect to "${redactUrl(url)}": ` +
        'a "%" before the "@" must begin a percent-encoded character ("%25" is "%")',
      { cause },
    );
  }
}
