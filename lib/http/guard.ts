/**
 * Who may ask for what.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** A request that is refused; what is answered. */
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

/** A header that no form and no other site's page can send unasked. */
const CONTROL_HEADER = "x-heddle-control";

export class Guard {
  readonly #digest: Uint8Array | null;

  /** @param token null for none */
  constructor(token: string | null) {
    this.#digest = token === null ? null : digestOf(token);
  }

  /**
   * The token comes as `Authorization: Bearer`, or, from a browser that asks for it, as the password
   * of `Basic` with any user.
   *
   * @throws {HttpError} 401 without the token
   */
  checkToken(request: IncomingMessage): void {
    if (this.#digest === null) return;
    const given = tokenOf(request.headers.authorization ?? "");
    // By their hashes, which are of one length: how long it takes says nothing about the token.
    if (given !== null && timingSafeEqual(digestOf(given), this.#digest)) return;
    throw new HttpError(401, "The token is missing or wrong", {
      "www-authenticate": 'Basic realm="heddle-scheduler", charset="UTF-8"',
    });
  }

  /**
   * Another site can have its own name lead to this address, and is then no other site to the
   * browser. It cannot do so with an address, nor does it know the token.
   *
   * @throws {HttpError} 421 where the name is nobody's that we know
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
