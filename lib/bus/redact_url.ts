/**
 * Server URLs without what must not be seen: `nats://user:***@host`, `nats://***@host` for a token.
 *
 * @param urls one, or a comma-separated list; it need not be a valid one
 */
export function redactUrl(urls: string): string {
  return splitUrls(urls).map(redactOne).join(",");
}

/** The URLs of a comma-separated list. A comma within a password is none that separates. */
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
