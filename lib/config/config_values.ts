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
  const problem = wordsProblem(name);
  return problem && `it becomes part of a NATS subject, ${problem}`;
}

/** What is the server's, a reply's or the program's own: who listens there expects something else. */
const RESERVED = /^(?:\$|_INBOX|_R_\.|_GR_\.|heddle\.(?:scheduler|control|history)\.)/;

/** A message goes to one subject, at which nobody takes it for anything else. */
export function messageSubjectProblem(subject: string): string | null {
  const problem = wordsProblem(subject);
  if (problem !== null) return `a message goes to one NATS subject, ${problem}`;
  const reserved = reservedBeginning(subject);
  return reserved && `subjects that begin with "${reserved}" are reserved: choose another one`;
}

/** Returns the beginning because of which nothing is dispatched to `subject`, or null. */
export function reservedBeginning(subject: string): string | null {
  return RESERVED.exec(subject)?.[0] ?? null;
}

function wordsProblem(text: string): string | null {
  const wrong = /[\s\p{Cc}*>]/u.exec(text);
  if (wrong !== null) return `which cannot hold ${JSON.stringify(wrong[0])}`;
  if (text.split(".").includes("")) return "where a dot must stand between two words";
  return text.isWellFormed() ? null : "which cannot hold half a surrogate pair";
}

/** A token of RFC 7230, section 3.2.6. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** The program's own, however a client may write them. */
const OWN_HEADER = /^(?:nats-|heddle-|traceparent$|tracestate$)/i;

/** A header of a message, which travels between the program's own. */
export function headerProblem(name: string, value: unknown): string | null {
  if (!HEADER_NAME.test(name)) {
    return "the name of a header is made of letters, digits and any of !#$%&'*+-.^_`|~";
  }
  const own = OWN_HEADER.exec(name);
  if (own !== null) {
    const which = own[0].endsWith("-") ? `headers ${own[0]}… are` : "it is";
    return `${which} the scheduler's own: choose another name`;
  }
  if (typeof value !== "string") return null;
  if (/[^\P{Cc}\t]/u.test(value)) {
    return "the value of a header is one line without control characters";
  }
  return value.isWellFormed() ? null : "the value of a header cannot hold half a surrogate pair";
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
