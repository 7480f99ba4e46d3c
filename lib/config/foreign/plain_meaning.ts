import { excerpt } from "../../internal/excerpt.ts";
import { isPlainObject } from "../../internal/plain_object.ts";
import { type Finding, formatPath, shown } from "../config_problem.ts";
import type { Schema } from "../schema_interpreter.ts";

/** `1_000`, as Python's YAML 1.1 and people write numbers. */
const GROUPED_NUMBER = /^[0-9]+(?:_[0-9]+)+(?:\.[0-9]+)?$/;

/** Where the value stands in the document, and what begins the messages about it. */
export interface Place {
  /** Grows and shrinks while parts of it are looked at. */
  readonly at: (string | number)[];
  readonly place: string;
  readonly report: (finding: Finding) => void;
}

/**
 * Returns `value` with what the Python scheduler runs by, and its schema refuses, put plainly: a
 * number where a text is wanted, a text of no characters where it may be absent, `1_000`. Each is
 * reported as a warning. Nothing is written to; what is plain already is returned as it is.
 */
export function plainMeaning(value: unknown, schema: Schema, place: Place): unknown {
  const types = [schema.type ?? []].flat();
  if (typeof value === "number" && schema.readsNumbers && Number.isSafeInteger(value)) {
    warn(place, `is ${value}, read as the text "${value}": put it in quotes`);
    return String(value);
  }
  if (typeof value === "string") {
    if (types.includes("number") && GROUPED_NUMBER.test(value)) {
      const number = Number(value.replaceAll("_", ""));
      warn(place, `is ${excerpt(value)}, read as ${number}: write it without "_"`, {
        isSettled: true,
      });
      return number;
    }
    if (value === "" && schema.mayBeEmpty) {
      warn(place, `is ${shown(value)}, which counts as absent: remove it`);
      return null;
    }
    return value;
  }
  const { properties = {}, additionalProperties: other } = schema;
  if (!types.includes("object") || !isPlainObject(value)) return value;
  let plain: Record<string, unknown> | undefined;
  for (const key in value) {
    const part = Object.hasOwn(properties, key) ? properties[key] : other;
    if (!part || value[key] === undefined) continue;
    place.at.push(key);
    const inside = plainMeaning(value[key], part, place);
    place.at.pop();
    if (inside !== value[key]) (plain ??= { ...value })[key] = inside;
  }
  return plain ?? value;
}

function warn(
  { at, place, report }: Place,
  text: string,
  settled: Pick<Finding, "isSettled"> = {},
): void {
  const depth = at[0] === "schedules" ? 2 : 0;
  const message = `${place}: '${formatPath(at.slice(depth))}' ${text}`;
  report({ severity: "warning", message, at: [...at], ...settled });
}
