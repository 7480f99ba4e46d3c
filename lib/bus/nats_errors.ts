import { AuthorizationError, UserAuthenticationExpiredError } from "@nats-io/transport";

/** Whether the server knows us and refuses us. */
export function isAuthorizationError(error: unknown): boolean {
  return causes(error).some((each) =>
    each instanceof AuthorizationError || each instanceof UserAuthenticationExpiredError
  );
}

/** An error of the client's in words that say what to look at, without any address's secrets. */
export function explain(error: unknown): string {
  const texts = causes(error).map((each) => each instanceof Error ? each.message : String(each));
  const all = texts.join(": ");
  if (/authorization violation/i.test(all)) return "authorization violation: wrong credentials";
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo|name.*not.*known|lookup address/i.test(all)) {
    return "the host name could not be resolved";
  }
  if (/ECONNREFUSED|connection refused/i.test(all)) return "connection refused";
  if (/^timeout$/i.test(texts[0] ?? "")) return "no answer in time";
  return [...new Set(texts)].filter((text) => text !== "").join(": ") || "unknown error";
}

function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let each = error; each !== undefined && each !== null && found.length < 5;) {
    found.push(each);
    each = each instanceof Error ? each.cause : undefined;
  }
  return found;
}
