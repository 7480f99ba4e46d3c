import {
  AuthorizationError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from "@nats-io/nats-core";
import { errorText } from "../../internal/error_text.ts";
import { IdentityError } from "./nats_identity.ts";
import type { NatsServerAddress } from "./nats_servers.ts";

/** Reports whether a server has refused the credentials. */
export function isAuthorizationError(error: unknown): boolean {
  return causes(error).some((each) =>
    each instanceof AuthorizationError || each instanceof UserAuthenticationExpiredError
  );
}

/** Returns the reason for a failed attempt to connect, without secrets. */
export function explain(error: unknown, server: NatsServerAddress): string {
  if (error instanceof IdentityError) return error.message;
  const all = causes(error);
  const texts = all.map(errorText);
  const text = [...new Set(texts)].filter((each) => each !== "").join(": ");
  if (isAuthorizationError(error)) {
    return `the server refuses the credentials (${withoutSecrets(texts[0]!, server)})`;
  }
  if (all.some((each) => each instanceof TimeoutError)) return "no answer in time";
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo|lookup address/i.test(text)) {
    return "the host name could not be resolved";
  }
  if (/ECONNREFUSED|connection refused/i.test(text)) return "connection refused";
  if (/certificate|tls|ssl|handshake/i.test(text)) return `TLS: ${withoutSecrets(text, server)}`;
  return withoutSecrets(text, server) || "the server closed the connection";
}

/** Removes secrets, in case a later version of the client writes them into its messages. */
function withoutSecrets(text: string, { password, token }: NatsServerAddress): string {
  return [password, token].filter((secret) => secret !== undefined && secret !== "")
    .reduce<string>((clean, secret) => clean.replaceAll(secret!, "***"), text);
}

function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let each = error; each !== undefined && each !== null && found.length < 5;) {
    found.push(each);
    each = each instanceof Error ? each.cause : undefined;
  }
  return found;
}
