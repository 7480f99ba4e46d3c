import { type Event, YAMLException } from "js-yaml";
import type { Problem } from "./config_problem.ts";
import { LineIndex } from "./yaml_lines.ts";

/** What to do about the parser's complaints; the first that matches is appended. */
const ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/^tab characters/, "indent with spaces"],
  [/^(?:unidentified|recursive) alias|alias node/, 'a value that begins with "*" must be quoted'],
  [/^unknown \w+ tag/, 'write the value without a tag, or quote it if it begins with "!"'],
  [/complex keys/, "a key must be a plain word or a quoted string"],
  [/maxTotalMergeKeys/, "write the keys out instead of merging them"],
  [/maxDepth/, "put mappings and lists less deep inside one another"],
  [/null byte|non-printable/, "remove the character, or write it as an escape in double quotes"],
  [/unexpected end of the stream within a flow/, 'a "[" or "{" is not closed'],
  [/unexpected end of the stream within a/, "a quote is not closed"],
  [/cannot merge mappings/, '"<<" takes a mapping or a list of mappings'],
  [/multiline key|':' after a mapping key/, 'every key needs a ":" and a space after it'],
  [
    /bad indentation|deficient indentation/,
    "keys of one mapping must stand in one column, and a " +
    'value that contains ": " must be quoted',
  ],
];

/** Characters that cannot begin a plain value, as in `cron: @daily`. */
const RESERVED_START = /:[ \t]+([@`%])[^\r\n]*$/;

/**
 * The one problem of a text that is no single YAML document: `cause` is what the parser threw, its
 * events when they hold several documents, or "empty".
 */
export function syntaxProblem(text: string, cause: unknown): Problem {
  const lines = new LineIndex(text);
  if (cause === "empty") {
    return problem("The file is empty: expected a mapping with 'name' and 'schedules'", 1, 1);
  }
  if (Array.isArray(cause)) {
    const { line, column } = lines.position(secondDocument(text, cause));
    return problem(
      "Not one YAML document: a second one begins here, and one file holds one configuration",
      line,
      column,
    );
  }
  if (!(cause instanceof YAMLException)) {
    return problem(`Not valid YAML: ${cause instanceof Error ? cause.message : cause}`, 1, 1);
  }
  const { line, column } = lines.position(cause.mark?.position ?? 0);
  const advice = reservedStart(text, cause.mark?.position ?? 0) ??
    ADVICE.find(([pattern]) => pattern.test(cause.reason))?.[1];
  return problem(`Not valid YAML: ${cause.reason}${advice ? `: ${advice}` : ""}`, line, column);
}

function problem(message: string, line: number, column: number): Problem {
  return { severity: "error", message, path: "", line, column };
}

function reservedStart(text: string, position: number): string | null {
  const before = text.lastIndexOf("\n", position - 1) + 1;
  const after = text.indexOf("\n", position);
  const start = RESERVED_START.exec(text.slice(before, after < 0 ? undefined : after))?.[1];
  return start === undefined ? null : `a value that begins with "${start}" must be quoted`;
}

/** Where the second document begins: at the first marker after the first document's content. */
function secondDocument(text: string, events: readonly Event[]): number {
  let end = 0;
  let documents = 0;
  for (const event of events) {
    if ("directives" in event) documents++;
    if (documents > 1) break;
    if ("valueEnd" in event) end = Math.max(end, event.valueEnd);
    else if ("start" in event) end = Math.max(end, event.start);
  }
  const marker = /^(?:---|\.\.\.)(?=\s|$)/gm;
  marker.lastIndex = end;
  let found = marker.exec(text);
  // A file's own opening marker, where nothing follows it.
  if (found !== null && end === 0 && text.slice(0, found.index).trim() === "") {
    found = marker.exec(text) ?? found;
  }
  return found?.index ?? end;
}
