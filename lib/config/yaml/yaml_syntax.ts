import { type Event, parseEvents, YAMLException } from "js-yaml";
import type { ConfigProblem } from "../config_problem.ts";
import { LineIndex } from "./yaml_lines.ts";
import { yamlTree } from "./yaml_tree.ts";

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
    /^deficient indentation/,
    'a "[", a "{" or a quote is not closed, or its lines are not indented',
  ],
  [
    /bad indentation/,
    "keys of one mapping must stand in one column, and a " +
    'value that contains ": " must be quoted',
  ],
];

/** Characters that cannot begin a plain value, as in `cron: @daily` and a bare star in a cron. */
const RESERVED_START = /:[ \t]+([@`%]|\*(?=[\s\d/,*-]))/d;

/**
 * The one problem of a text that is no single YAML document: `cause` is what the parser threw, its
 * events when they hold several documents, or "empty".
 */
export function syntaxProblem(text: string, cause: unknown): ConfigProblem {
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
  let position = cause.mark?.position ?? 0;
  let advice = ADVICE.find(([pattern]) => pattern.test(cause.reason))?.[1];
  const reserved = reservedStart(text, position);
  if (reserved !== null) {
    position = reserved;
    advice = `a value that begins with "${text.charAt(reserved)}" must be quoted`;
  } else if (/complex keys/.test(cause.reason)) position = complexKey(text);
  else if (/^unidentified alias/.test(cause.reason)) position--; // from the name back to its star
  const { line, column } = lines.position(position);
  return problem(`Not valid YAML: ${cause.reason}${advice ? `: ${advice}` : ""}`, line, column);
}

function problem(message: string, line: number, column: number): ConfigProblem {
  return { severity: "error", message, path: "", line, column };
}

/** Where a value on the line of `position` begins with a character that must be quoted. */
function reservedStart(text: string, position: number): number | null {
  const start = text.lastIndexOf("\n", position - 1) + 1;
  const end = text.indexOf("\n", position);
  const match = RESERVED_START.exec(text.slice(start, end < 0 ? undefined : end));
  const [from] = match?.indices?.[1] ?? [];
  return from === undefined ? null : start + from;
}

/** The first key that is a mapping or a list; the parser does not say where it is. */
function complexKey(text: string): number {
  const nodes = [yamlTree(text, parseEvents(text, {}))];
  for (const node of nodes) {
    if (node.kind === "sequence") nodes.push(...node.items);
    else if (node.kind === "mapping") {
      for (const { key, value } of node.pairs) {
        const complex = key.kind === "alias"
          ? key.target?.kind !== "scalar"
          : key.kind !== "scalar";
        if (complex) return Math.max(key.offset, 0);
        nodes.push(value);
      }
    }
  }
  return 0;
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
