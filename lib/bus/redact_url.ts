/**
 * Replaces the secrets in server URLs: `nats://user:***@host`, or `nats://***@host` for a token.
 *
 * @param urls a URL or a comma-separated list, which need not be valid
 */
export function redactUrl(urls: string): string {
  return splitUrls(urls).map(redactOne).join(",");
}

/** Splits a comma-separated list of URLs, but not at a comma within a password. */
export function splitUrls(urls: string): string[] {
  return urls.split(/,(?=\s*[a-z][a-z0-9+.-]*:\/\/|[^@]*$)/i)
    .map((url) => url.trim()).filter((url) => url !== "");
}

function redactOne(url: string): string {
  const end = url.lastIndexOf("@");
  if (end === -1) return url;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? "";
  const [user, ...password] = url.slice(scheme.length, end).split(":");
  const shown = password.length > 0 ? `${user}:***` : "***";
  return `${scheme}${shown}${url.slice(end)}`;
}
