/**
 * An interpreter of the part of JSON Schema that the configuration needs: the check of a value, its
 * TypeScript type, and the schema as it is published.
 *
 * @module
 */

import { isPlainObject } from "../internal/plain_object.ts";

type JsonType = "string" | "number" | "boolean" | "null" | "array" | "object";

/** What is stated about one value. The keywords are JSON Schema's, but for {@link WORDS}. */
export interface Schema {
  readonly type?: JsonType | readonly JsonType[];
  readonly enum?: readonly (string | null)[];
  /** In code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  /** Where a mapping has `properties`, any other key in it is unknown, but for what follows. */
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Keys that may have any value. */
  readonly patternProperties?: Readonly<Record<string, Record<string, never>>>;
  /** What each other value must be. */
  readonly additionalProperties?: Schema | false;
  /** What the value must be, to follow `must be`; an `enum` needs no such words. */
  readonly wanted?: string;
  /** What to say before that. */
  readonly complaint?: string;
  /** Whether a whole number is read as its digits. */
  readonly readsNumbers?: boolean;
  /** Whether a text of no characters counts as absent. */
  readonly mayBeEmpty?: boolean;
}

/** The keywords that are not published; no key of the configuration has such a name. */
const WORDS = ["wanted", "complaint", "readsNumbers", "mayBeEmpty"];

/** The type of the values that keep to a schema, but for unknown keys. */
export type TypeOf<S> = S extends { enum: readonly (infer Choice)[] } ? Choice
  : S extends { type: infer T } ? OfType<T extends readonly (infer Each)[] ? Each : T, S>
  : unknown;

type OfType<T, S> = T extends "string" ? string
  : T extends "number" ? number
  : T extends "boolean" ? boolean
  : T extends "null" ? null
  : T extends "array" ? unknown[]
  : S extends { properties: infer P; required: readonly (infer R)[] }
    ? { [K in keyof P & R]: TypeOf<P[K]> } & { [K in Exclude<keyof P, R>]?: TypeOf<P[K]> }
  : S extends { additionalProperties: { type: infer V } } ? Record<string, OfType<V, unknown>>
  : Record<string, unknown>;

/** One thing in a value that its schema does not allow. */
export interface Violation {
  readonly kind: "wrong" | "missing" | "unknown";
  /** The keys from the value that was checked to the one that is meant. */
  readonly path: readonly string[];
  /** The schema of that value; of the mapping around it, where it is unknown. */
  readonly schema: Schema;
  /** The value itself; the mapping around it, where it is unknown. */
  readonly value?: unknown;
}

const NONE: readonly Violation[] = [];

/** Returns the check of values by `schema`. It names one violation at most of each value. */
export function checker(schema: Schema): (value: unknown) => readonly Violation[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  const isRight = predicate(schema);
  const checks = new Map(Object.entries(properties).map(([key, part]) => [key, checker(part)]));

  const checkOther = additionalProperties ? checker(additionalProperties) : undefined;
  const free = Object.keys(schema.patternProperties ?? {}).map((pattern) => new RegExp(pattern));

  return (value) => {
    if (!isRight(value)) return [{ kind: "wrong", path: [], schema, value }];
    if ((checks.size === 0 && checkOther === undefined) || !isPlainObject(value)) return NONE;
    const found: Violation[] = [];
    for (const key of required) {
      if (value[key] !== undefined) continue;
      found.push({ kind: "missing", path: [key], schema: properties[key] ?? {} });
    }
    for (const key in value) {
      const check = checks.get(key) ?? checkOther;
      if (check === undefined) {
        const isFree = free.some((pattern) => pattern.test(key));
        if (!isFree) found.push({ kind: "unknown", path: [key], schema, value });
      } else if (value[key] !== undefined || check === checkOther) {
        const inside = check(value[key]);
        if (inside !== NONE) inside.forEach((each) => found.push(prefixed(key, each)));
      }
    }
    return found.length === 0 ? NONE : found;
  };
}

function prefixed(key: string, violation: Violation): Violation {
  return { ...violation, path: [key, ...violation.path] };
}

/** Returns the check of a value for itself, without what is in it. */
function predicate(schema: Schema): (value: unknown) => boolean {
  const { minLength = 0, maxLength = Infinity } = schema;
  const { minimum = -Infinity, exclusiveMinimum = -Infinity, maximum = Infinity } = schema;
  const choices: readonly unknown[] | undefined = schema.enum;
  if (choices !== undefined) return (value) => choices.includes(value);
  const types = new Set([schema.type ?? []].flat());
  const [takesText, takesNumber] = [types.has("string"), types.has("number")];
  return (value) => {
    switch (typeof value) {
      case "string":
        return takesText && value.length >= minLength && !isLonger(value, maxLength);
      case "number":
        return takesNumber && Number.isFinite(value) && value >= minimum &&
          value > exclusiveMinimum && value <= maximum;
      case "boolean":
        return types.has("boolean");
      default:
        if (value === null) return types.has("null");
        return Array.isArray(value)
          ? types.has("array")
          : types.has("object") && isPlainObject(value);
    }
  };
}

/** Whether `text` has more than `limit` code points. */
function isLonger(text: string, limit: number): boolean {
  return text.length > limit && (text.length > 2 * limit || [...text].length > limit);
}

/** Returns the JSON Schema of `schema`, without what is for messages only. */
export function published<Whole extends object>(schema: Whole): Whole {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => WORDS.includes(key) ? undefined : value),
  );
}
