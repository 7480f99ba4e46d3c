import { isPlainObject } from "../internal/plain_object.ts";

/** One thing wrong, or doubtful, in a configuration. */
export interface ConfigProblem {
  /** An error keeps the configuration from being used; a warning does so under `--strict` only. */
  readonly severity: "error" | "warning";
  /** What is wrong, what was found and what is allowed; begins with the place. */
  readonly message: string;
  /** The place in the document, such as `schedules[2].goal.priority`; empty for the whole of it. */
  readonly path: string;
  /** 1-based; absent where the configuration did not come from a file. */
  readonly line?: number;
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column?: number;
  /** Whether it is about when a valid entry fires, which `--strict` does not count. */
  readonly advice?: true;
  /** Whether there is no file that can be read, so that nothing is known of what it holds. */
  readonly unread?: true;
}

/** Keys and list positions from the top of the document to a place in it. */
export type DocumentPath = readonly (string | number)[];

/** A problem before it has a line and a column. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly at: DocumentPath;
  /** Whether the key at the end of `at` is meant, rather than its value. */
  readonly aimsAtKey?: boolean;
  /** The place of another finding, whose line is appended to the message where it is known. */
  readonly compareWith?: DocumentPath;
  /** Whether it says what becomes of the value, so that how YAML reads it does not matter. */
  readonly isSettled?: boolean;
  /** Where in the text, if it is known better than `at` can say. */
  readonly offset?: number;
  /** As in {@link ConfigProblem}. */
  readonly advice?: true;
}

/** `FILE:LINE:COLUMN: error: MESSAGE`; a problem of the whole file stands at 1:1. */
export function formatProblem(file: string, problem: ConfigProblem): string {
  const { line = 1, column = 1, severity, message } = problem;
  return `${file}:${line}:${column}: ${severity}: ${message}`;
}

/** `["schedules", 2, "goal"]` as `schedules[2].goal`; a key that is no plain word is quoted. */
export function formatPath(path: DocumentPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(part)) text += `[${quoted(part)}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

const MAX_QUOTED_CHARACTERS = 60;

/**
 * `value` as JSON for a message, shortened. Containers are named, not written out, so that the cost
 * does not depend on what they hold; never throws.
 */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "object":
      if (value === null) return "null";
      return describeObject(value);
    default:
      return `a ${typeof value}`;
  }
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
    if (value instanceof Date) return "a date";
    if (!isPlainObject(value)) return "an object of a class";
    return Object.keys(value).length === 0 ? "an empty mapping" : "a mapping";
  } catch {
    return "an object that cannot be read";
  }
}

function quoted(text: string): string {
  if (text.length <= MAX_QUOTED_CHARACTERS) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, MAX_QUOTED_CHARACTERS).replace(/[\uD800-\uDBFF]$/, ""))}…`;
}
