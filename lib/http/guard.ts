/**
 * Refuses requests that lack the token, or that another site's page may have sent.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** The answer to a request that is refused. */
export class HttpError extends Error {
  override name = "HttpError";

  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** No form, and no other site's page, can send this header without being allowed to first. */
const CONTROL_HEADER = "x-heddle-control";

/** A name or an address, and a port. Clients of HTTP/1.0 send none. */
const HOST = /^(?:(?:[\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?)?$/i;
const MAX_PORT = 65_535;

export class Guard {
  readonly #digest: Uint8Array | null;

  /** @param token null for none */
  constructor(token: string | null) {
    this.#digest = token === null ? null : digestOf(token);
  }

  /**
   * Checks the token: `Authorization: Bearer`, or from a browser that asks for it the password of
   * `Basic` with any user.
   *
   * @throws {HttpError} 401 without the token
   */
  checkToken(request: IncomingMessage): void {
    if (this.#digest === null) return;
    const given = tokenOf(request.headers.authorization ?? "");
    // Hashes have one length, so the time that it takes says nothing about the token.
    if (given !== null && timingSafeEqual(digestOf(given), this.#digest)) return;
    throw new HttpError(401, "The token is missing or wrong", {
      "www-authenticate": 'Basic realm="heddle-scheduler", charset="UTF-8"',
    });
  }

  /** @throws {HttpError} 400 where `Host` is no name or address, with or without a port */
  checkHostForm({ headers: { host = "" } }: IncomingMessage): void {
    const [found, port = "0"] = HOST.exec(host) ?? [];
    if (found === undefined || Number(port) > MAX_PORT) {
      throw new HttpError(400, "The header 'host' must be a name or an address, and a port");
    }
  }

  /**
   * Checks the name that the browser was given. Another site can have its own name lead to this
   * address, and the browser then takes both for one site; it cannot do so with an address.
   *
   * @throws {HttpError} 421 for a name that is not known
   */
  checkHost(request: IncomingMessage): void {
    if (this.#digest !== null) return;
    const { host = "" } = request.headers;
    const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1").toLowerCase();
    if (isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost")) return;
    throw new HttpError(
      421,
      "Without --http-token-file the page answers to an IP address or localhost only",
    );
  }

  /** @throws {HttpError} 403 where the request may come from another site's page */
  checkSameSite({ headers }: IncomingMessage): void {
    const { origin, host, "sec-fetch-site": site } = headers;
    const isForeign = (site !== undefined && site !== "same-origin") ||
      (origin !== undefined && hostOf(origin) !== host) ||
      headers[CONTROL_HEADER] !== "1";
    if (isForeign) throw new HttpError(403, "Refused: the request is not from this page");
  }
}

function tokenOf(authorization: string): string | null {
  const [, scheme = "", value = ""] = /^(\w+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return null;
  const credentials = Buffer.from(value, "base64").toString("utf8");
  const colon = credentials.indexOf(":");
  return colon < 0 ? null : credentials.slice(colon + 1);
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}
