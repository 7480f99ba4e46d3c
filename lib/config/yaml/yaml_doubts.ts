import { type DocumentPath, type Finding, formatPath, shown } from "../config_problem.ts";
import { scalarDifference } from "./yaml11_scalars.ts";
import type { LineIndex } from "./yaml_lines.ts";
import { isMergeKey, type YamlNode } from "./yaml_tree.ts";

/**
 * Warnings about what may not mean what its writer thinks: keys that stand twice in a mapping, and
 * plain scalars that Python's YAML 1.1 reads differently. Each is reported where it is written.
 */
export function doubtfulPlaces(root: YamlNode, lines: LineIndex): Finding[] {
  const findings: Finding[] = [];
  visit(root, []);
  return findings;

  function visit(node: YamlNode, at: DocumentPath): void {
    if (node.kind === "sequence") node.items.forEach((item, index) => visit(item, [...at, index]));
    else if (node.kind === "scalar") {
      if (!isInstant(at)) reportDifference(node, at, false);
    } else if (node.kind === "mapping") {
      const seen = new Map<string, YamlNode>();
      for (const { key, value } of node.pairs) {
        if (key.kind !== "scalar") continue;
        const place = [...at, key.text];
        reportDifference(key, place, true);
        const first = seen.get(key.text);
        if (first !== undefined) reportDuplicate(key, first, place);
        seen.set(key.text, key);
        visit(value, isMergeKey(key) ? at : place);
      }
    }
  }

  function reportDifference(
    node: YamlNode & { kind: "scalar" },
    at: DocumentPath,
    aimsAtKey: boolean,
  ): void {
    if (!node.plain || node.offset < 0) return;
    const difference = scalarDifference(node.text);
    if (difference === null) return;
    const what = aimsAtKey ? `the key ${node.text}` : node.text;
    findings.push({
      severity: "warning",
      message: `${formatPath(at)}: ${what} is read as ${difference.here} here, and as ` +
        `${difference.python} by Python's YAML 1.1: quote it or write the value that is meant`,
      at,
      aimsAtKey,
      offset: node.offset,
    });
  }

  function reportDuplicate(key: YamlNode, first: YamlNode, at: DocumentPath): void {
    const { line, column } = lines.position(Math.max(first.offset, 0));
    const parent = formatPath(at.slice(0, -1)) || "the document";
    findings.push({
      severity: "warning",
      message: `${parent}: the key ${shown(at.at(-1))} stands twice, first at line ${line}, ` +
        `column ${column}: the last one counts`,
      at,
      aimsAtKey: true,
      offset: Math.max(key.offset, 0),
    });
  }
}

/** `start_at` and `end_at` are ours, so Python never read them; a plain timestamp is fine there. */
function isInstant(at: DocumentPath): boolean {
  const [top, , key] = at;
  return at.length === 3 && top === "schedules" && (key === "start_at" || key === "end_at");
}
