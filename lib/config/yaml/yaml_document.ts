import {
  constructFromEvents,
  CORE_SCHEMA,
  type Event,
  EVENT_ID,
  mergeTag,
  parseEvents,
  SCALAR_STYLE,
} from "js-yaml";
import { type ConfigProblem, type Finding, formatPath } from "../config_problem.ts";
import { mayDiffer, scalarDifference } from "./yaml11_scalars.ts";
import { doubtfulPlaces } from "./yaml_doubts.ts";
import { LineIndex } from "./yaml_lines.ts";
import { YamlPositions } from "./yaml_positions.ts";
import { contentProblem, countProblem, parseProblem } from "./yaml_syntax.ts";

/** Mappings and lists inside one another, at most; js-yaml's own default. */
const MAX_LEVELS = 100;
/** Keys brought in by `<<`, over the whole file: 100,000 entries of 50 keys. */
const MAX_MERGED_KEYS = 5_000_000;

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
export function readYaml(text: string): YamlDocument | ConfigProblem {
  let events: Event[];
  try {
    events = parseEvents(text, { maxDepth: MAX_LEVELS });
  } catch (error) {
    return parseProblem(text, error, MAX_LEVELS);
  }
  const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT).length;
  if (documents !== 1) return countProblem(text, documents);

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
      return contentProblem(text, error, new YamlPositions(text, events));
    }
  }

  const findings = hasDuplicates || hasDoubtfulScalar(text, events)
    ? doubtfulPlaces(new YamlPositions(text, events), new LineIndex(text))
    : [];
  return { value, findings, locate: (wanted) => locate(text, events, wanted) };
}

function hasDoubtfulScalar(text: string, events: readonly Event[]): boolean {
  for (const event of events) {
    if (event.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.PLAIN) continue;
    if (event.valueStart < 0 || !mayDiffer(text.charCodeAt(event.valueStart))) continue;
    if (scalarDifference(text.slice(event.valueStart, event.valueEnd)) !== null) return true;
  }
  return false;
}

function locate(
  text: string,
  events: readonly Event[],
  findings: readonly Finding[],
): ConfigProblem[] {
  if (findings.length === 0) return [];
  const positions = new YamlPositions(text, events);
  const lines = new LineIndex(text);
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
