/**
 * Reads credentials and TLS files. Each attempt to connect reads them again, so that a renewed file
 * takes effect with the next connection.
 *
 * @module
 */
import { credsAuthenticator, nkeyAuthenticator, nkeys } from "@nats-io/nats-core";
import type { Authenticator, ConnectionOptions } from "@nats-io/nats-core";
import { errorText } from "../../internal/error_text.ts";
import { readSecretFile } from "../secret_file.ts";
import type { NatsServerAddress } from "./nats_servers.ts";

/** Credentials for servers whose URL has none: one file. An empty path counts as none. */
export interface NatsCredentials {
  /** The path of a `.creds` file: a JWT and the seed of its nkey. */
  credsFile?: string;
  /** The path of a file with the seed of a user's nkey. */
  nkeyFile?: string;
}

/** The paths of PEM files for TLS. An empty path counts as none. */
export interface NatsTls {
  /** The certificate authorities to trust, in place of the system's. */
  caFile?: string;
  /** The client's certificate, which requires `keyFile`. */
  certFile?: string;
  /** The private key of `certFile`. */
  keyFile?: string;
  /** True if the server begins with the TLS handshake (`handshake_first`). Default: false. */
  handshakeFirst?: boolean;
}

type Identity = Pick<ConnectionOptions, "authenticator" | "user" | "pass" | "token" | "tls">;

/** Thrown when a credentials or TLS file cannot be used. */
export class IdentityError extends Error {
  override name = "IdentityError";
}

/**
 * Returns the client's options for `server`. Credentials in its URL take precedence over files.
 *
 * @throws {IdentityError} if a file cannot be used; the message names it and what is expected
 */
export async function identify(
  server: NatsServerAddress,
  credentials: NatsCredentials,
  tls: NatsTls,
): Promise<Identity> {
  const { user, password, token } = server;
  return {
    ...(await readTls(server, tls)),
    ...(user !== undefined
      ? { user, pass: password }
      : token !== undefined
      ? { token }
      : { authenticator: await readCredentials(credentials) }),
  };
}

async function readCredentials(
  { credsFile, nkeyFile }: NatsCredentials,
): Promise<Authenticator | undefined> {
  if (credsFile && nkeyFile) {
    throw new IdentityError(
      `Cannot use both credentials file "${credsFile}" and nkey file "${nkeyFile}": one is wanted`,
    );
  }
  if (credsFile) {
    const text = await readText("credentials", credsFile);
    const seed = /-{3,}BEGIN USER NKEY SEED-{3,}\s+(\S+)\s/.exec(text)?.[1];
    if (!/-{3,}BEGIN NATS USER JWT-{3,}\s+\S+\s/.test(text) || !isUserSeed(seed)) {
      throw new IdentityError(
        `Cannot use credentials file "${credsFile}": expected the blocks "NATS USER JWT" and ` +
          '"USER NKEY SEED" as written by nsc',
      );
    }
    return credsAuthenticator(new TextEncoder().encode(text.replaceAll("\r\n", "\n")));
  }
  if (nkeyFile) {
    const text = await readText("nkey", nkeyFile);
    const seed = /^\s*(SU[A-Z2-7]+)\s*$/m.exec(text)?.[1];
    if (!isUserSeed(seed)) {
      throw new IdentityError(
        `Cannot use nkey file "${nkeyFile}": expected a line with a user's seed, "SU…"`,
      );
    }
    return nkeyAuthenticator(new TextEncoder().encode(seed));
  }
}

function isUserSeed(seed: string | undefined): boolean {
  try {
    return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey().startsWith("U");
  } catch {
    return false;
  }
}

async function readTls(
  { tls: isWanted }: NatsServerAddress,
  { caFile, certFile, keyFile, handshakeFirst }: NatsTls,
): Promise<Pick<Identity, "tls">> {
  if (!certFile !== !keyFile) {
    const [got, missing] = certFile ? [certFile, "key"] : [keyFile, "certificate"];
    throw new IdentityError(`Cannot use "${got}" for TLS: its ${missing} file is wanted too`);
  }
  if (!isWanted && !caFile && !certFile && !handshakeFirst) return {};
  return {
    tls: {
      ...(caFile && { ca: await readPem("authorities", caFile, "CERTIFICATE") }),
      ...(certFile && { cert: await readPem("certificate", certFile, "CERTIFICATE") }),
      ...(keyFile && { key: await readPem("key", keyFile, "PRIVATE KEY") }),
      ...(handshakeFirst && { handshakeFirst }),
    },
  };
}

async function readPem(what: string, path: string, block: string): Promise<string> {
  const text = await readText(what, path);
  if (text.includes(`${block}-----`)) return text;
  throw new IdentityError(
    `Cannot use ${what} file "${path}": expected PEM with a block "${block}"`,
  );
}

async function readText(what: string, path: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readSecretFile(path));
  } catch (cause) {
    const reason = errorText(cause);
    throw new IdentityError(`Cannot read ${what} file "${path}": ${reason}`, { cause });
  }
}
