import {
  constructFromEvents,
  CORE_SCHEMA,
  type Event,
  EVENT_ID,
  mergeTag,
  SCALAR_STYLE,
} from "js-yaml";
import { type ConfigProblem, type Finding, formatPath } from "../config_problem.ts";
import { keyDifference, mayCollide, mayDiffer } from "./yaml11_scalars.ts";
import { doubtfulLines, doubtfulPlaces } from "./yaml_doubts.ts";
import { type Layout, parseLayout } from "./yaml_layout.ts";
import { LineIndex } from "./yaml_lines.ts";
import { YamlPositions } from "./yaml_positions.ts";
import { contentProblem, countProblem, parseProblem } from "./yaml_syntax.ts";

/** Mappings and lists inside one another, at most; js-yaml's own default. */
const MAX_LEVELS = 100;
/** Keys brought in by `<<`, over the whole file: 100,000 entries of 50 keys. */
const MAX_MERGED_KEYS = 5_000_000;

/** How far a key's colon is looked for. */
const MAX_KEY_GAP = 10;

const SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/** A document that could be read: its value, and what is doubtful about how it is written. */
export interface YamlDocument {
  readonly value: unknown;
  /** Warnings about duplicate keys and about scalars that Python reads differently. */
  readonly findings: readonly Finding[];
  /** Gives findings their lines and columns, in the order of the file. */
  locate(findings: readonly Finding[]): ConfigProblem[];
}

/**
 * Reads one YAML 1.2 document with merge keys. Where a key stands twice in one mapping, the last
 * counts, as in Python.
 *
 * @returns the document, or the one problem that keeps it from being read
 */
export function readYaml(original: string): YamlDocument | ConfigProblem {
  let layout: Layout;
  try {
    layout = parseLayout(original, MAX_LEVELS);
  } catch (error) {
    return parseProblem(original, error, MAX_LEVELS);
  }
  const { text, events, added } = layout;
  const lines = new LineIndex(text, added);
  const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT).length;
  if (documents !== 1) return countProblem(text, documents, lines);

  const options = { source: text, schema: SCHEMA, maxTotalMergeKeys: MAX_MERGED_KEYS };
  let value: unknown;
  let hasDuplicates = false;
  try {
    [value] = constructFromEvents(events, options);
  } catch {
    // Perhaps since a key stands twice. What else is wrong is wrong then too.
    hasDuplicates = true;
    try {
      [value] = constructFromEvents(events, { ...options, json: true });
    } catch (error) {
      return contentProblem(text, error, { positions: new YamlPositions(text, events), lines });
    }
  }

  const doubts = hasDuplicates || hasDoubtfulScalar(text, events)
    ? doubtfulPlaces(new YamlPositions(text, events), lines)
    : [];
  const findings = [...doubtfulLines(layout), ...doubts];
  return { value, findings, locate: (wanted) => locate({ ...layout, lines }, wanted) };
}

function hasDoubtfulScalar(text: string, events: readonly Event[]): boolean {
  for (const event of events) {
    if (event.type !== EVENT_ID.SCALAR) continue;
    if (event.tagStart >= 0) return true;
    if (event.style !== SCALAR_STYLE.PLAIN || event.valueStart < 0) continue;
    if (!mayDiffer(text.charCodeAt(event.valueStart))) continue;
    const source = text.slice(event.valueStart, event.valueEnd);
    // Of true and false only keys matter.
    const isKey = /^\s*:/.test(text.slice(event.valueEnd, event.valueEnd + MAX_KEY_GAP));
    if (mayCollide(source, isKey) || keyDifference(source) !== null) return true;
  }
  return false;
}

function locate(
  { text, events, lines }: Layout & { lines: LineIndex },
  findings: readonly Finding[],
): ConfigProblem[] {
  if (findings.length === 0) return [];
  const positions = new YamlPositions(text, events);
  return findings
    .map((finding) => ({
      finding,
      offset: finding.offset ?? positions.find(finding.at, finding.aimsAtKey),
    }))
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ finding, offset }) => {
      const { severity, message, at, compareWith, advice } = finding;
      const other = compareWith === undefined
        ? ""
        : ` (line ${lines.position(positions.find(compareWith)).line})`;
      return {
        severity,
        message: message + other,
        path: formatPath(at),
        ...lines.position(offset),
        ...(advice && { advice }),
      };
    });
}
