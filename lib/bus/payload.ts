/**
 * What travels: one JSON object as UTF-8, and headers. Both buses read and write it here, so what
 * one refuses the other refuses too.
 *
 * @module
 */
import { errorText } from "../internal/error_text.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import type { JsonObject } from "./message_bus.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const HEADER_NAME = /^[!-9;-~]+$/;
const LINE_END = /[\r\n]/;

/** @throws {TypeError} when `data` is no JSON object or holds what JSON cannot carry */
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

/** @throws {TypeError} when the payload is no JSON object; the message says why */
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
 * The headers as they arrive: values without the space around them.
 *
 * @throws {TypeError} when a name or a value cannot be sent
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
