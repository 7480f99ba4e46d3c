import { excerpt } from "../../internal/excerpt.ts";
import { type DocumentPath, type Finding, formatPath, shown } from "../config_problem.ts";
import {
  keyDifference,
  keyIdentity,
  scalarDifference,
  taggedDifference,
} from "./yaml11_scalars.ts";
import type { Layout } from "./yaml_layout.ts";
import type { LineIndex } from "./yaml_lines.ts";
import { ROOT, type YamlPositions } from "./yaml_positions.ts";

/**
 * Returns warnings about what may not mean what its writer thinks: keys that stand twice in a mapping,
 * and plain scalars that Python's YAML 1.1 reads differently. Each is reported where it is written.
 */
export function doubtfulPlaces(positions: YamlPositions, lines: LineIndex): Finding[] {
  const findings: Finding[] = [];
  visit(ROOT, []);
  return findings;

  function visit(node: number, at: DocumentPath, isInFlow = false): void {
    if (!isInstant(at)) reportDifference(node, at, false);
    if (isInFlow) reportMark(node, at);
    const isFlow = positions.isFlow(node);
    positions.items(node).forEach((item, index) => visit(item, [...at, index], isFlow));
    const seen = { here: new Map<string, number>(), python: new Map<string, number>() };
    const merges: { key: number; value: number; place: DocumentPath }[] = [];
    for (const [key, value] of positions.pairs(node)) {
      const text = positions.text(key);
      if (text === null) continue;
      const place = [...at, text];
      const isMerge = positions.isMergeKey(key);
      if (isMerge) merges.push({ key, value, place });
      else reportDifference(key, place, true);
      const { here, python } = identityOf(key, text);
      const [first, same] = [seen.here.get(here), seen.python.get(python)];
      if (first !== undefined) {
        reportTwo(key, first, place, isMerge ? "of two values the first counts" : undefined);
      } else if (same !== undefined) reportTwo(key, same, place, ONE_KEY);
      seen.here.set(here, key);
      seen.python.set(python, key);
      if (isFlow) reportMark(key, place);
      visit(value, isMerge ? at : place, isFlow);
    }
    for (const { key, value, place } of merges) {
      const hidden = positions.mergedKeys(value).some((each) => {
        const { here, python } = identityOf(each, positions.text(each) ?? "");
        const same = seen.python.get(python);
        if (same === undefined) seen.python.set(python, each);
        return same !== undefined && identityOf(same, positions.text(same) ?? "").here !== here;
      });
      if (hidden) reportTwo(key, key, place, ONE_KEY);
    }
  }

  function identityOf(key: number, text: string) {
    return positions.isPlain(key) ? keyIdentity(text) : { here: text, python: `text ${text}` };
  }

  function reportDifference(node: number, at: DocumentPath, aimsAtKey: boolean): void {
    const offset = positions.offset(node);
    const text = offset >= 0 ? positions.text(node) : null;
    const tag = positions.tag(node);
    const difference = text === null
      ? null
      : tag !== ""
      ? taggedDifference(text, tag, aimsAtKey)
      : !positions.isPlain(node)
      ? null
      : aimsAtKey
      ? keyDifference(text)
      : scalarDifference(text);
    if (difference === null) return;
    findings.push({
      severity: "warning",
      message:
        `${formatPath(at)}: ${aimsAtKey ? "the key " : ""}${tag && `${tag} `}${
          excerpt(text!)
        } is read as ` +
        `${difference.here} here, and as ${difference.python} by Python's YAML 1.1: quote it or ` +
        `write the value that is meant`,
      at,
      aimsAtKey,
      offset,
    });
  }

  /** In brackets "?" and ":" are marks of a key in Python, with or without a blank after them. */
  function reportMark(node: number, at: DocumentPath): void {
    const text = positions.isUnquoted(node) ? positions.text(node) : null;
    if (!/^[?:]/.test(text ?? "")) return;
    findings.push({
      severity: "warning",
      message:
        `${formatPath(at)}: ${
          excerpt(text!)
        } is read as a string here, and as a part of a key by Python's YAML ` +
        "1.1: quote it",
      at,
      offset: positions.offset(node),
    });
  }

  function reportTwo(
    key: number,
    first: number,
    at: DocumentPath,
    what = "the last one counts",
  ): void {
    const { line, column } = lines.position(Math.max(positions.offset(first), 0));
    const parent = formatPath(at.slice(0, -1)) || "the document";
    findings.push({
      severity: "warning",
      message: `${parent}: the key ${shown(at.at(-1))} stands twice, first at line ${line}, ` +
        `column ${column}: ${what}`,
      at,
      aimsAtKey: true,
      offset: Math.max(positions.offset(key), 0),
    });
  }
}

/** Returns warnings about lines that only Python's YAML takes as they are. */
export function doubtfulLines({ text, indented }: Layout): Finding[] {
  const warn = (message: string, offset: number): Finding => (
    { severity: "warning", message, at: [], offset }
  );
  return [
    ...indented.map((offset) =>
      warn(
        "The line does not stand to the right of its key, which YAML 1.2 forbids; it is read as " +
          "Python's YAML reads it: indent it",
        offset,
      )
    ),
    ...[...text.matchAll(PYTHON_BREAK)].slice(0, MAX_BREAKS).map(({ index, 0: character }) =>
      warn(
        `${
          codePoint(character)
        } is a line break to Python's YAML, and a character here: write it ` +
          "as an escape in double quotes",
        index,
      )
    ),
  ];
}

const ONE_KEY = "Python takes two keys for one, and here they are two";
const PYTHON_BREAK = /[\u0085\u2028\u2029]/g;
/** The rest is reported when these have been mended. */
const MAX_BREAKS = 20;

function codePoint(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** `start_at` and `end_at` are ours, so Python never read them; a plain timestamp is fine there. */
function isInstant(at: DocumentPath): boolean {
  const [top, , key] = at;
  return at.length === 3 && top === "schedules" && (key === "start_at" || key === "end_at");
}
