import { isSubject } from "../subject.ts";

/** What the client's own inboxes begin with. */
export const DEFAULT_INBOX_PREFIX = "_INBOX";

/** What inboxes begin with is no subject of the server's or of Heddle's. */
const RESERVED = /^(?:\$|_R_(?:\.|$)|_GR_(?:\.|$)|heddle(?:\.|$))/;

/**
 * Reports whether a reply may go to `subject`: an inbox, or what a service import (`_R_`) or a
 * gateway (`_GR_`) puts in place of one.
 */
export function isInbox(subject: string, prefix: string): boolean {
  if (!isSubject(subject)) return false;
  return /^(?:_INBOX|_R_\.|_GR_\.)/.test(subject) || subject.startsWith(`${prefix}.`);
}

/** @throws {TypeError} when inboxes cannot begin with `prefix` */
export function checkInboxPrefix(prefix: string): void {
  if (isSubject(prefix) && !RESERVED.test(prefix)) return;
  throw new TypeError(
    `Cannot use ${
      JSON.stringify(prefix)
    } as the prefix of inboxes: expected words joined by dots, ` +
      'without spaces and wildcards, that begin with neither "$" nor "heddle", such as ' +
      '"_INBOX_scheduler"',
  );
}
