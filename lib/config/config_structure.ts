import { suggestion } from "../internal/suggestion.ts";
import { type DocumentPath, type Finding, shown } from "./config_problem.ts";
import { ENTRY_SCHEMA, FILE_SCHEMA, TIMINGS } from "./config_schema.ts";
import { checker, type Schema, type Violation } from "./schema_interpreter.ts";

const checkFile = checker(FILE_SCHEMA);
const checkEntry = checker(ENTRY_SCHEMA);

/** Returns what is wrong with the keys and types of the file around its entries. */
export function fileStructure(value: unknown): Finding[] {
  return checkFile(value).map((violation) => worded(violation, [], "Top level"));
}

/**
 * Returns what is wrong with the keys and types of the entry at `at`; `place` begins the messages.
 * Whether `goal` and `task` are mappings is left to whoever knows which of them counts.
 */
export function entryStructure(value: unknown, at: DocumentPath, place: string): Finding[] {
  return checkEntry(value)
    .filter(({ kind, path, schema }) => kind !== "wrong" || path.length !== 1 || !schema.properties)
    .map((violation) => worded(violation, at, place));
}

function worded(violation: Violation, at: DocumentPath, place: string): Finding {
  const isUnknown = violation.kind === "unknown";
  const path = violation.kind === "missing" ? violation.path.slice(0, -1) : violation.path;
  return {
    severity: isUnknown ? "warning" : "error",
    message: `${place}: ${isUnknown ? unknownKey(violation) : wrongValue(violation)}`,
    at: [...at, ...path],
    ...(isUnknown && { aimsAtKey: true }),
  };
}

/** Reported, not refused: a Heddle file may carry keys that are not the scheduler's. */
function unknownKey({ path, schema, value }: Violation): string {
  const key = path.at(-1)!;
  const known = Object.keys(schema.properties ?? {});
  const where = path.length === 1 ? "" : ` in '${path.slice(0, -1).join(".")}'`;
  const hint = suggestion(key, known.filter((each) => !Object.hasOwn(Object(value), each)));
  return `unknown key ${shown(key)}${where} is ignored` +
    (hint || `: allowed are ${known.join(", ")}`);
}

function wrongValue({ kind, path, schema, value }: Violation): string {
  const got = kind === "missing" ? "" : `, got ${shown(value)}`;
  if (path.length === 0) return `expected a mapping${got}`;
  const wanted = schema.wanted ?? oneOf(choicesOf(schema));
  const [block, key] = path;
  const isLost = kind === "missing" || value === null;
  if (key !== undefined && (isLost || value === "" && schema.minLength !== undefined)) {
    return `${block} config missing '${key}': it must be ${wanted}${got}`;
  }
  const complaint = isLost ? `missing required key '${block}'` : schema.complaint;
  const rule = `'${path.join(".")}' must be ${wanted}${got}${hintFor(schema, value)}`;
  return complaint === undefined ? rule : `${complaint}: ${rule}`;
}

function hintFor(schema: Schema, value: unknown): string {
  if (Object.values(TIMINGS).some((timing) => timing.schema === schema)) {
    if (Array.isArray(value) && value.length > 0) return ": write an entry for each";
    if (value === false) return ": write enabled: false to turn an entry off";
  }
  if (typeof value !== "string") return "";
  if (schema.enum !== undefined) return suggestion(value, choicesOf(schema));
  const types = [schema.type].flat();
  if (types.includes("number") && value.trim() !== "" && Number.isFinite(Number(value))) {
    return ": write the number without quotes";
  }
  return types.includes("boolean") && /^(?:true|false)$/i.test(value)
    ? ": write it without quotes"
    : "";
}

function choicesOf(schema: Schema): string[] {
  return (schema.enum ?? []).filter((choice) => choice !== null);
}

function oneOf(choices: readonly string[]): string {
  const quoted = choices.map((choice) => `'${choice}'`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
