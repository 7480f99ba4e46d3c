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
    data = JSON.parse(typeof payload === "string" ? payload : decoder.decode(payload));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? "is no JSON" : "is no UTF-8";
    throw new TypeError(`The payload ${reason}`, { cause });
  }
  if (!isPlainObject(data)) {
    throw new TypeError("The payload is JSON, but no object");
  }
  return data as JsonObject;
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
