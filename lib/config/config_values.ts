/**
 * Rules for single values that the schema cannot state. Each function returns what is wrong, to
 * follow the key and a colon, or null.
 *
 * @module
 */
import { parseExpandFrom } from "../expansion/expand_from.ts";
import { shown } from "./config_problem.ts";

/** An entry's name goes into a message id and a header. */
export function entryNameProblem(name: string): string | null {
  if (name.trim() === "") return "a name cannot be blank";
  if (/[\p{Cc}\u2028\u2029]/u.test(name)) return "a name cannot hold control characters";
  if (!name.isWellFormed()) return "a name cannot hold half a surrogate pair";
  // Of a header's value every reader of it cuts them off.
  const trimmed = name.trim();
  return name === trimmed
    ? null
    : `a name cannot begin or end with a blank: write ${shown(trimmed)}`;
}

/** The scheduler's name ends the subject `heddle.scheduler.{name}`; dots make more tokens of it. */
export function schedulerNameProblem(name: string): string | null {
  const wrong = /[\s\p{Cc}*>]/u.exec(name);
  if (wrong !== null) {
    return `it becomes part of a NATS subject, which cannot hold ${JSON.stringify(wrong[0])}`;
  }
  if (name.split(".").includes("")) {
    return "it becomes part of a NATS subject, where a dot must stand between two words";
  }
  return name.isWellFormed() ? null : "a name cannot hold half a surrogate pair";
}

const INSTANT =
  /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[-+]\d{2}:\d{2})$/;
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?$/;

/** The instant that `text` names, to the millisecond, or what is wrong with it. */
export function parseInstant(text: string): Date | string {
  if (INSTANT.test(text)) {
    // Date.parse takes 30 February for 2 March; Temporal is not there before Deno 2.7.
    const [day] = text.split(/[Tt ]/, 1) as [string];
    const dayExists = new Date(`${day}T00:00Z`).toJSON()?.startsWith(day) === true;
    const iso = text.toUpperCase().replace(" ", "T").replace(",", ".")
      .replace(/(\.\d{3})\d+/, "$1");
    const instant = new Date(iso);
    const exists = dayExists && !Number.isNaN(instant.getTime());
    return exists ? instant : "there is no such date or time";
  }
  return LOCAL_TIME.test(text)
    ? "an instant needs a time and an offset, such as 2026-03-01T08:00:00Z or " +
      "2026-03-01T08:00:00+01:00"
    : "expected an instant such as 2026-03-01T08:00:00Z";
}

/**
 * Whether `text` has one of the two forms of an expansion function and stays below its root. That
 * the file is there is found out when it is loaded.
 */
export function expandFromProblem(text: string): string | null {
  const parsed = parseExpandFrom(text);
  return typeof parsed === "string" ? parsed : null;
}
