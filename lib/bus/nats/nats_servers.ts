import { redactUrl, splitUrls } from "../redact_url.ts";

/** One server: where it is and what its URL says about us. */
export interface NatsServerAddress {
  /** `host:port`. */
  readonly address: string;
  /** For logs and messages: the URL without credentials. */
  readonly shown: string;
  /** Whether the URL insists on TLS. Without, TLS is used where the server offers it. */
  readonly tls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

const DEFAULT_PORT = "4222";

/**
 * Reads server URLs: `nats://` or `tls://`, with `user:password@` or `token@` before the host where
 * the server wants them (special characters percent-encoded), port 4222 where none is given. A name
 * without a scheme is a `nats://` one.
 *
 * @param urls one or several, each of which may be a comma-separated list
 * @throws {TypeError} for what is no such URL; the message shows no password and no token
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
