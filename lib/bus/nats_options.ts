import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  type NodeConnectionOptions,
} from "@nats-io/transport";
import { type Servers } from "./nats_servers.ts";

/** Files that prove who we are; with none, what the URL carries. */
export interface NatsCredentials {
  /** A `.creds` file: a JWT and its nkey seed. */
  credsFile?: string;
  /** A file that holds an nkey seed. */
  nkeyFile?: string;
}

/** Files for TLS, in PEM. */
export interface NatsTls {
  /** The authorities to trust, in place of the system's. */
  caFile?: string;
  /** Our certificate and its key: both or neither. */
  certFile?: string;
  keyFile?: string;
}

/**
 * The client's options that say where to connect and who we are.
 *
 * @throws {Error} naming the file that cannot be used
 */
export async function identityOptions(
  servers: Servers,
  credentials: NatsCredentials,
  { caFile, certFile, keyFile }: NatsTls,
): Promise<NodeConnectionOptions> {
  const authenticator: Authenticator[] = [];
  if (credentials.credsFile !== undefined) {
    authenticator.push(credsAuthenticator(await read("credentials", credentials.credsFile)));
  }
  if (credentials.nkeyFile !== undefined) {
    const text = new TextDecoder().decode(await read("nkey", credentials.nkeyFile));
    const seed = text.split("\n").map((line) => line.trim()).find((line) => line.startsWith("S"));
    if (seed === undefined) {
      throw new Error(
        `Cannot read nkey file "${credentials.nkeyFile}": expected a line with a seed, "SU…"`,
      );
    }
    authenticator.push(nkeyAuthenticator(new TextEncoder().encode(seed)));
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new Error("Cannot use TLS: a certificate and its key go together, got only one");
  }
  const tls = {
    ...(caFile !== undefined && { ca: await readText("authorities", caFile) }),
    ...(certFile !== undefined && { cert: await readText("certificate", certFile) }),
    ...(keyFile !== undefined && { key: await readText("key", keyFile) }),
  };
  const { addresses, user, pass, token } = servers;
  return {
    servers: addresses,
    ...(user !== undefined && { user, pass }),
    ...(token !== undefined && { token }),
    ...(authenticator.length > 0 && { authenticator }),
    ...((servers.tls || Object.keys(tls).length > 0) && { tls }),
  };
}

async function read(what: string, path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot read ${what} file "${path}": ${reason}`, { cause });
  }
}

async function readText(what: string, path: string): Promise<string> {
  return new TextDecoder().decode(await read(what, path));
}
