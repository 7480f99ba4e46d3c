/**
 * Checks what an expansion function returned, and writes it as JSON. Runs in the worker, beside user
 * code.
 *
 * @module
 */
import { errorText } from "../../internal/error_text.ts";
import { isPlainObject } from "../../internal/plain_object.ts";
import {
  MAX_OBJECT_CHARACTERS,
  MAX_OBJECTS,
  MAX_RESULT_CHARACTERS,
} from "../expansion_protocol.ts";

/** A piece of JSON is passed on once it has this many characters, or this many objects. */
const MAX_PIECE_CHARACTERS = 64 * 1024;
const MAX_PIECE_OBJECTS = 500;

/** The result is not what the contract asks for. */
export class BadReturn extends Error {
  override name = "BadReturn";
}

/**
 * Yields the objects as JSON texts of lists, each small enough to be parsed without a pause.
 *
 * @throws {BadReturn} where `result` is no list of plain objects, or too large
 */
export function* jsonPieces(result: unknown): Generator<string> {
  if (!Array.isArray(result)) {
    throw new BadReturn(`expected a list of plain objects, got ${nameOf(result)}`);
  }
  if (result.length > MAX_OBJECTS) {
    throw new BadReturn(`expected at most ${MAX_OBJECTS} objects, got ${result.length}`);
  }
  let piece: string[] = [];
  let pieceSize = 0;
  let size = 0;
  for (let index = 0; index < result.length; index++) {
    const text = jsonOf(result[index], index);
    size += text.length;
    if (size > MAX_RESULT_CHARACTERS) {
      throw new BadReturn(
        `expected at most ${MAX_RESULT_CHARACTERS} characters of JSON in all, got more up to index ${index}`,
      );
    }
    piece.push(text);
    pieceSize += text.length;
    if (pieceSize >= MAX_PIECE_CHARACTERS || piece.length === MAX_PIECE_OBJECTS) {
      yield `[${piece.join(",")}]`;
      piece = [];
      pieceSize = 0;
    }
  }
  if (piece.length > 0) yield `[${piece.join(",")}]`;
}

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
  if (text.length > MAX_OBJECT_CHARACTERS) {
    throw new BadReturn(
      `expected at most ${MAX_OBJECT_CHARACTERS} characters of JSON in an object, got ${text.length} at ` +
        `index ${index}`,
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
