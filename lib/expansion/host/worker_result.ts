/**
 * Checks what an expansion function returned, and writes it as JSON. Runs in the worker, beside user
 * code.
 *
 * @module
 */
import { errorText } from "../../internal/error_text.ts";
import { isPlainObject } from "../../internal/plain_object.ts";
import {
  MAX_LIST_BYTES,
  MAX_LIST_OBJECTS,
  MAX_OBJECT_BYTES,
  MAX_OBJECTS,
  MAX_RESULT_BYTES,
  MAX_VALUES,
  type Returned,
  valuesIn,
} from "../expansion_protocol.ts";

/** The result is not what the contract asks for. */
export class BadReturn extends Error {
  override name = "BadReturn";
}

/**
 * Returns the objects as JSON texts of lists, each small enough to be parsed without a pause.
 *
 * @throws {BadReturn} where `result` is no list of plain objects, or too large
 */
export function jsonLists(result: unknown): { returned: Returned; lists: Uint8Array[] } {
  if (!Array.isArray(result)) {
    throw new BadReturn(`expected a list of plain objects, got ${nameOf(result)}`);
  }
  const count = result.length;
  if (count > MAX_OBJECTS) {
    throw new BadReturn(`expected at most ${MAX_OBJECTS} objects, got ${count}`);
  }
  const lists: Uint8Array[] = [];
  let bytes = 0;
  let list: string[] = [];
  let size = 0;
  const end = (index: number) => {
    const encoded = encoder.encode(`[${list.join(",")}]`);
    bytes += encoded.length;
    if (bytes > MAX_RESULT_BYTES) {
      throw new BadReturn(
        `expected at most ${MAX_RESULT_BYTES} bytes of JSON in all, got more up to index ${index}`,
      );
    }
    lists.push(encoded);
    list = [];
    size = 2;
  };
  for (let index = 0; index < count; index++) {
    const text = jsonOf(result[index], index);
    // As many bytes as it may have.
    const most = 3 * text.length + 1;
    if (list.length === MAX_LIST_OBJECTS || list.length > 0 && size + most > MAX_LIST_BYTES) {
      end(index);
    }
    list.push(text);
    size += most;
  }
  if (list.length > 0) end(count - 1);
  return { returned: { count, bytes }, lists };
}

const encoder = new TextEncoder();

function jsonOf(value: unknown, index: number): string {
  if (!isPlainObject(value)) {
    throw new BadReturn(`expected a plain object at index ${index}, got ${nameOf(value)}`);
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // V8 draws a cycle over several lines.
    const reason = errorText(error).replace(/\s*\n\s*/g, " ");
    throw new BadReturn(`the object at index ${index} cannot be written as JSON: ${reason}`);
  }
  if (text === undefined || text[0] !== "{") {
    throw new BadReturn(`the object at index ${index} becomes ${text} as JSON, by its toJSON()`);
  }
  if (3 * text.length <= MAX_LIST_BYTES) return text;
  const json = encoder.encode(text);
  if (json.length > MAX_OBJECT_BYTES) {
    throw new BadReturn(
      `expected at most ${MAX_OBJECT_BYTES} bytes of JSON in an object, got ${json.length} at index ` +
        index,
    );
  }
  // The list around it counts as well.
  const values = valuesIn(json) + 1;
  if (values > MAX_VALUES) {
    throw new BadReturn(
      `expected at most ${MAX_VALUES} values in an object, got ${values} at index ${index}`,
    );
  }
  return text;
}

/** What `value` is, in words. */
function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") {
    if (isPlainObject(value)) return "an object";
    return `an instance of ${Object.getPrototypeOf(value).constructor?.name || "a class"}`;
  }
  if (typeof value === "function") return "a function";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return `the ${typeof value} ${text.length > 80 ? text.slice(0, 80) + "…" : text}`;
}
