import { type DocumentPath, type Finding, formatPath, shown } from "../config_problem.ts";
import { scalarDifference } from "./yaml11_scalars.ts";
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

  function visit(node: number, at: DocumentPath): void {
    if (!isInstant(at)) reportDifference(node, at, false);
    positions.items(node).forEach((item, index) => visit(item, [...at, index]));
    const seen = new Map<string, number>();
    for (const [key, value] of positions.pairs(node)) {
      const text = positions.text(key);
      if (text === null) continue;
      const place = [...at, text];
      reportDifference(key, place, true);
      const first = seen.get(text);
      if (first !== undefined) reportDuplicate(key, first, place);
      seen.set(text, key);
      visit(value, positions.isMergeKey(key) ? at : place);
    }
  }

  function reportDifference(node: number, at: DocumentPath, aimsAtKey: boolean): void {
    const offset = positions.offset(node);
    const text = positions.isPlain(node) && offset >= 0 ? positions.text(node) : null;
    const difference = text === null ? null : scalarDifference(text);
    if (difference === null) return;
    findings.push({
      severity: "warning",
      message: `${formatPath(at)}: ${aimsAtKey ? "the key " : ""}${text} is read as ` +
        `${difference.here} here, and as ${difference.python} by Python's YAML 1.1: quote it or ` +
        `write the value that is meant`,
      at,
      aimsAtKey,
      offset,
    });
  }

  function reportDuplicate(key: number, first: number, at: DocumentPath): void {
    const { line, column } = lines.position(Math.max(positions.offset(first), 0));
    const parent = formatPath(at.slice(0, -1)) || "the document";
    findings.push({
      severity: "warning",
      message: `${parent}: the key ${shown(at.at(-1))} stands twice, first at line ${line}, ` +
        `column ${column}: the last one counts`,
      at,
      aimsAtKey: true,
      offset: Math.max(positions.offset(key), 0),
    });
  }
}

/** `start_at` and `end_at` are ours, so Python never read them; a plain timestamp is fine there. */
function isInstant(at: DocumentPath): boolean {
  const [top, , key] = at;
  return at.length === 3 && top === "schedules" && (key === "start_at" || key === "end_at");
}
