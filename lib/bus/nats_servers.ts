/** Where to connect, as the client wants it: plain addresses, with the credentials apart. */
export interface Servers {
  /** `host:port`, without credentials. */
  addresses: string[];
  /** For logs and messages: as given, without credentials. */
  shown: string;
  user?: string;
  pass?: string;
  token?: string;
  /** Whether a URL asks for TLS. */
  tls: boolean;
}

/**
 * Reads server URLs: `nats://` or `tls://`, with `user:password@` or `token@` before the host.
 *
 * @param urls one or several, each of which may be a comma-separated list
 * @throws {TypeError} for what is no such URL, or when two of them carry different credentials
 */
export function parseServers(urls: string | readonly string[]): Servers {
  const list = [urls].flat().flatMap((each) => each.split(",")).map((url) => url.trim());
  const parsed = list.filter((url) => url !== "").map(parseUrl);
  if (parsed.length === 0) {
    throw new TypeError(
      `Cannot connect: expected a server such as "nats://127.0.0.1:4222", got ""`,
    );
  }
  const withCredentials = parsed.filter(({ username }) => username !== "");
  const [first] = withCredentials;
  const differs = withCredentials.some(({ username, password }) =>
    username !== first!.username || password !== first!.password
  );
  if (differs) {
    throw new TypeError("Cannot connect: the servers' URLs must carry the same credentials");
  }
  const username = first && decodeURIComponent(first.username);
  const password = first && decodeURIComponent(first.password);
  return {
    addresses: parsed.map(({ host, port }) => port === "" ? `${host}:4222` : host),
    shown: parsed.map(({ protocol, host }) => `${protocol}//${host}`).join(", "),
    tls: parsed.some(({ protocol }) => protocol === "tls:"),
    ...(username && (password ? { user: username, pass: password } : { token: username })),
  };
}

function parseUrl(url: string): URL {
  const full = url.includes("://") ? url : `nats://${url}`;
  const parsed = URL.parse(full);
  const isServer = parsed !== null && ["nats:", "tls:"].includes(parsed.protocol) &&
    parsed.hostname !== "";
  if (isServer) return parsed;
  // What stands before an "@" may be a password.
  const shown = url.replace(/^(.*:\/\/)?.*@/, "$1***@");
  throw new TypeError(
    `Cannot connect to "${shown}": expected a URL such as "nats://127.0.0.1:4222" or "tls://host"`,
  );
}
