/**
 * Words what the YAML parser refuses. Its reason is quoted. Since its errors have no codes, what to do
 * about one is decided by what stands at the place.
 *
 * @module
 */

import { parseEvents, YAMLException } from "js-yaml";
import { errorText } from "../../internal/error_text.ts";
import type { ConfigProblem } from "../config_problem.ts";
import { LineIndex } from "./yaml_lines.ts";
import type { YamlPositions } from "./yaml_positions.ts";

/** Characters that cannot begin a plain value, as in `cron: @daily` and a bare star in a cron. */
const RESERVED_START = /:[ \t]+([@`%]|\*(?=[\s\d/,*-]))/d;
// deno-lint-ignore no-control-regex -- those that YAML forbids
const UNPRINTABLE = /^[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\p{Cs}\ufffe\uffff]/u;
/** Before the place: a tag, an anchor, a block scalar's head, an escape, an open bracket. */
const SAYS_ENOUGH = /[!&|>\\]\S*$|[[{][^\]}]*$/;
/** How much of a line is looked at on each side of the place, so that a long one costs no more. */
const MAX_LOOK_CHARACTERS = 500;

/** Returns the problem of a text that holds no document, or several. */
export function countProblem(text: string, documents: number, lines: LineIndex): ConfigProblem {
  return documents === 0
    ? problem(lines, 0, "The file is empty: expected a mapping with 'name' and 'schedules'")
    : problem(
      lines,
      secondDocument(text),
      "Not one YAML document: a second one begins here, and one file holds one configuration",
    );
}

/** Returns the problem of a text that cannot be parsed with `maxDepth`. */
export function parseProblem(text: string, error: unknown, maxDepth: number): ConfigProblem {
  const position = positionOf(error);
  const start = Math.max(
    text.lastIndexOf("\n", position - 1) + 1,
    position - MAX_LOOK_CHARACTERS,
  );
  const before = text.slice(start, position);
  const after = text.slice(position, position + MAX_LOOK_CHARACTERS).split(/[\r\n]/, 1)[0]!;
  const [reserved] = RESERVED_START.exec(before + after)?.indices?.[1] ?? [];
  const lines = new LineIndex(text);
  return reserved === undefined
    ? notValid(lines, error, position, layoutAdvice())
    : notValid(lines, error, start + reserved, mustBeQuoted((before + after).charAt(reserved)));

  function layoutAdvice(): string | undefined {
    if (UNPRINTABLE.test(after)) {
      return "remove the character, or write it as an escape in double quotes";
    }
    if (/^ *\t/.test(before + after)) return "indent with spaces";
    if (/\*\S*$/.test(before)) return mustBeQuoted("*");
    // With one level more the same text is refused elsewhere, or not at all.
    if (refusedAt(text, maxDepth + 1) !== position) {
      return "put mappings and lists less deep inside one another";
    }
    const isAtBreak = before.trim() === "" || text.slice(position).trim() === "";
    const read = text.slice(0, position);
    if (isAtBreak && /["'[{]/.test(read) && refusedAt(read, maxDepth) !== null) {
      return 'a "[", a "{" or a quote is not closed, or its lines are not indented';
    }
    return SAYS_ENOUGH.test(before + after.charAt(0)) || text.startsWith("%")
      ? undefined
      : 'every key needs a ":" and a space after it, keys of one mapping must stand in one ' +
        'column, and a value that contains ": " must be quoted';
  }
}

/** Returns the problem of a text that can be parsed, and no values made of it. */
export function contentProblem(
  text: string,
  error: unknown,
  { positions, lines }: { positions: YamlPositions; lines: LineIndex },
): ConfigProblem {
  const position = positionOf(error);
  if (text[position] === "!") {
    const advice = 'write the value without a tag, or quote it if it begins with "!"';
    return notValid(lines, error, position, advice);
  }
  if (text.startsWith("<<", position)) {
    const advice = '"<<" takes a mapping or a list of mappings; write the keys out instead';
    return notValid(lines, error, position, advice);
  }
  // The parser names the place of an alias' name, and 0 for a mapping or a list.
  const complex = positions.complexKey();
  if (complex !== null && (position === 0 || position === complex + 1)) {
    return notValid(lines, error, complex, "a key must be a plain word or a quoted string");
  }
  return text[position - 1] === "*"
    ? notValid(lines, error, position - 1, mustBeQuoted("*"))
    : notValid(lines, error, position);
}

function notValid(
  lines: LineIndex,
  error: unknown,
  offset: number,
  advice?: string,
): ConfigProblem {
  const reason = error instanceof YAMLException ? error.reason : errorText(error);
  return problem(lines, offset, `Not valid YAML: ${reason}${advice ? `: ${advice}` : ""}`);
}

function problem(lines: LineIndex, offset: number, message: string): ConfigProblem {
  return { severity: "error", message, path: "", ...lines.position(offset) };
}

function mustBeQuoted(character: string): string {
  return `a value that begins with "${character}" must be quoted`;
}

function positionOf(error: unknown): number {
  return error instanceof YAMLException ? error.mark?.position ?? 0 : 0;
}

/** Where the parser refuses `text`, or null. */
function refusedAt(text: string, maxDepth: number): number | null {
  try {
    parseEvents(text, { maxDepth });
    return null;
  } catch (error) {
    return positionOf(error);
  }
}

/** Where the second document begins; a line of `---` or `...` ends one wherever it stands. */
function secondDocument(text: string): number {
  const [first, second] = text.matchAll(/^(?:---|\.\.\.)(?=\s|$)/gm);
  // What may precede a file's own opening marker.
  const isOpening = text.slice(0, first?.index).split(/[\r\n]+/)
    .every((line) => /^(?:\s*(?:#.*)?|%.*)$/.test(line));
  return (isOpening && second || first)?.index ?? 0;
}
