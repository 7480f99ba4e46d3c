/**
 * Encodes and decodes messages: a JSON object in UTF-8, and headers. Both buses use it, so they
 * refuse the same messages.
 *
 * @module
 */
import { errorText } from "../internal/error_text.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import type { JsonObject } from "./message_bus.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const HEADER_NAME = /^[!-9;-~]+$/;
const LINE_END = /[\r\n]/;
/** Deeper than the deepest message that we publish: a configuration's objects have 100 levels. */
const MAX_LEVELS = 128;
const [QUOTE, BACKSLASH, BRACKET, BRACE] = [0x22, 0x5c, 0x5b, 0x7b] as const;

/** @throws {TypeError} if `data` is not an object, or JSON cannot represent it */
export function encodePayload(subject: string, data: JsonObject): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw new TypeError(
      `Cannot publish to "${subject}": the message does not convert to JSON: ${messageOf(cause)}`,
      { cause },
    );
  }
  if (text === undefined || text[0] !== "{") {
    throw new TypeError(`Cannot publish to "${subject}": the message is no JSON object`);
  }
  return text;
}

/** @throws {TypeError} if the payload is not a JSON object in UTF-8; the message says why */
export function decodePayload(payload: Uint8Array | string): JsonObject {
  let data: unknown;
  try {
    const text = typeof payload === "string" ? payload : decoder.decode(payload);
    if (!isTooDeep(text)) data = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? "is no JSON" : "is no UTF-8";
    throw new TypeError(`The payload ${reason}`, { cause });
  }
  if (data === undefined) {
    throw new TypeError(`The payload is nested more than ${MAX_LEVELS} levels deep`);
  }
  if (!isPlainObject(data)) {
    throw new TypeError("The payload is JSON, but no object");
  }
  return data as JsonObject;
}

/** Counts brackets outside of strings, without parsing, which would take many times the memory. */
function isTooDeep(text: string): boolean {
  let level = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) isInString = !isInString;
    else if (isInString && unit === BACKSLASH) at++;
    else if (isInString) continue;
    else if ((unit === BRACKET || unit === BRACE) && ++level > MAX_LEVELS) return true;
    else if (unit === BRACKET + 2 || unit === BRACE + 2) level--;
  }
  return false;
}

/**
 * Returns the headers as a subscriber receives them: values are trimmed.
 *
 * @throws {TypeError} if a name or a value is invalid
 */
export function checkHeaders(
  subject: string,
  headers: Record<string, string>,
): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name]!;
    const fault = !HEADER_NAME.test(name)
      ? "a name is printable ASCII without spaces and colons"
      : LINE_END.test(value)
      ? "a value is one line"
      : null;
    if (fault !== null) {
      const header = JSON.stringify(name);
      throw new TypeError(`Cannot publish to "${subject}" with header ${header}: ${fault}`);
    }
    checked[name] = value.trim();
  }
  return checked;
}

function messageOf(error: unknown): string {
  return errorText(error).split("\n")[0]!;
}
