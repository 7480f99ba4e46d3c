import { nearest, normalized, suggestion } from "../internal/suggestion.ts";
import { borrowedKey } from "./foreign/borrowed_keys.ts";
import { type DocumentPath, type Finding, shown } from "./config_problem.ts";
import { DISPATCH_TYPES } from "../wire/vocabulary.ts";
import { ENTRY_SCHEMA, FILE_SCHEMA, TIMINGS } from "./config_schema.ts";
import { checker, type Schema, type Violation } from "./schema_interpreter.ts";

/** The shortest beginning of a key that is taken for it. */
const MIN_PREFIX_CHARACTERS = 3;

const BLOCKS: readonly string[] = DISPATCH_TYPES;

const checkFile = checker(FILE_SCHEMA);
const checkEntry = checker(ENTRY_SCHEMA);

/** Returns what is wrong with the keys and types of the file around its entries. */
export function fileStructure(value: unknown): Finding[] {
  return checkFile(value).map((violation) => worded(violation, [], "Top level"));
}

/**
 * Returns what is wrong with the keys and types of the entry at `at`; `place` begins the messages.
 * Whether `goal`, `task` and `message` are mappings is left to whoever knows which of them counts.
 */
export function entryStructure(value: unknown, at: DocumentPath, place: string): Finding[] {
  return checkEntry(value)
    .filter(({ kind, path, schema }) => kind !== "wrong" || path.length !== 1 || !schema.properties)
    .map((violation) => worded(violation, at, place));
}

function worded(violation: Violation, at: DocumentPath, place: string): Finding {
  if (violation.kind === "unknown") {
    const { severity, text } = unknownKey(violation, at.length > 0);
    const message = `${place}: unknown key ${text}`;
    return { severity, message, at: [...at, ...violation.path], aimsAtKey: true };
  }
  const path = violation.kind === "missing" ? violation.path.slice(0, -1) : violation.path;
  const message = `${place}: ${wrongValue(violation)}`;
  return { severity: "error", message, at: [...at, ...path] };
}

/**
 * Warns of most unknown keys: a Heddle file may carry some that are not the scheduler's. What is said
 * is true under `--strict` too.
 */
function unknownKey(
  { path, schema, value }: Violation,
  isInEntry: boolean,
): { severity: "warning" | "error"; text: string } {
  const key = path.at(-1)!;
  const [block] = path.length > 1 ? path : [];
  const mapping = Object(value);
  const known = Object.keys(schema.properties ?? {}).filter((each) =>
    !Object.hasOwn(mapping, each)
  );
  const begun = key.length < MIN_PREFIX_CHARACTERS
    ? []
    : known.filter((each) => each.startsWith(normalized(key)));
  const meant = begun.length === 1 ? begun[0] : nearest(key, known);

  const level = block !== undefined ? "block" : isInEntry ? "entry" : "file";
  const advice = borrowedKey(key, mapping[key], level) ??
    // A slip in the key that keeps an entry from firing is as bad as another's word for it.
    (meant === "enabled" && mapping[key] === false ? borrowedKey(meant, false, level) : null);
  const named = block === undefined ? shown(key) : `${shown(key)} in '${block}'`;
  if (advice?.isError) return { severity: "error", text: `${named}: ${advice.text}` };
  const text = advice?.text ?? misplacement(key, block, isInEntry);
  const hint = text !== undefined
    ? `: ${text}`
    : meant !== undefined
    ? ` (did you mean ${shown(meant)}?)`
    : block === undefined
    ? ': keys of your own begin with "x-"'
    : BLOCKS.includes(block)
    ? `: what is sent stands in '${block === "goal" ? "context" : "payload"}'`
    : `: allowed are ${Object.keys(schema.properties ?? {}).join(", ")}`;
  return { severity: "warning", text: `${named} has no effect${hint}` };
}

/** Returns where a key belongs that is known elsewhere. */
function misplacement(key: string, block: string | undefined, isInEntry: boolean) {
  const isOfEntry = Object.hasOwn(ENTRY_SCHEMA.properties, key);
  if (block !== undefined) return isOfEntry ? `it stands beside '${block}'` : undefined;
  if (!isInEntry) return isOfEntry ? "it stands in an entry" : undefined;
  const blocks = DISPATCH_TYPES.flatMap((type) =>
    Object.hasOwn(ENTRY_SCHEMA.properties[type].properties, key) ? [`'${type}'`] : []
  );
  return blocks.length === 0 ? undefined : `it stands in ${blocks.join(" or ")}`;
}

function wrongValue({ kind, path, schema, value }: Violation): string {
  const got = kind === "missing" ? "" : `, got ${shown(value)}`;
  if (path.length === 0) return `expected a mapping${got}`;
  const wanted = schema.wanted ?? oneOf(choicesOf(schema));
  const [block, key] = path;
  const isLost = kind === "missing" || value === null;
  if (
    path.length === 2 && block !== "labels" &&
    (isLost || value === "" && schema.minLength !== undefined)
  ) {
    return `${block} config missing '${key}': it must be ${wanted}${got}`;
  }
  const complaint = isLost && path.length === 1
    ? `missing required key '${block}'`
    : schema.complaint;
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
