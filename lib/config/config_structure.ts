import { CATCH_UP_POLICIES, DISPATCH_TYPES, MODEL_TIERS, PRIORITIES } from "../wire/vocabulary.ts";
import { checkEntry, checkFile } from "./config_check.js";
import { type DocumentPath, type Finding, shown, suggestion } from "./config_problem.ts";
import {
  LONGEST_EXPAND_TIMEOUT_SECONDS,
  LONGEST_NAME,
  LONGEST_SECONDS,
  SHORTEST_INTERVAL_SECONDS,
} from "./config_schema.ts";

/** What each key must be, to follow `must be`. */
const WANTED: Readonly<Record<string, string>> = {
  name: `a string that is not empty and no longer than ${LONGEST_NAME} characters`,
  timezone: "an IANA time zone such as 'Europe/Berlin'",
  schedules: "a list of schedules (it may be empty)",
  cron: 'a string of five fields such as "0 * * * *"',
  interval_seconds: "a positive number of seconds from " +
    `${SHORTEST_INTERVAL_SECONDS} to ${LONGEST_SECONDS}`,
  dispatch_type: oneOf(DISPATCH_TYPES),
  "goal.instruction": "a string that is not empty",
  "goal.context": "a mapping",
  "goal.priority": oneOf(PRIORITIES),
  "task.worker_type": "a string that is not empty",
  "task.payload": "a mapping",
  "task.model_tier": oneOf(MODEL_TIERS),
  "task.priority": oneOf(PRIORITIES),
  expand_from: "a string such as 'sessions.active_sessions' or './sessions.ts#getActive'",
  expand_timeout_seconds: "a positive number of seconds of at most " +
    `${LONGEST_EXPAND_TIMEOUT_SECONDS}`,
  enabled: "true or false",
  jitter_seconds: `a number of seconds from 0 to ${LONGEST_SECONDS}`,
  run_on_start: "true or false",
  start_at: "an instant such as '2026-03-01T08:00:00Z'",
  end_at: "an instant such as '2026-03-01T08:00:00Z'",
  misfire_grace_seconds: "a number of seconds that is 0 or more",
  catch_up: oneOf(CATCH_UP_POLICIES),
};

/** What of Ajv's error objects is used here. */
interface StructureError {
  keyword: string;
  /** JSON pointer to the value; no key of the schema needs escaping. */
  instancePath: string;
  /** Each with the keyword that it is named after. */
  params: { missingProperty: string; additionalProperty: string };
  parentSchema: { properties?: object };
  data: unknown;
}

/** Ajv's own code, made ahead: see tests/config/generated_files.ts. */
interface Check {
  (value: unknown): boolean;
  errors?: StructureError[] | null;
}

function errorsOf(check: Check, value: unknown): readonly StructureError[] {
  return check(value) ? [] : check.errors ?? [];
}

/** What is wrong with the keys and types of the file around its entries. */
export function fileStructure(value: unknown): Finding[] {
  return worded(errorsOf(checkFile, value), [], "Top level");
}

/**
 * What is wrong with the keys and types of the entry at `at`; `place` begins the messages. Whether
 * `goal` and `task` are mappings is left to whoever knows which of them counts.
 */
export function entryStructure(value: unknown, at: DocumentPath, place: string): Finding[] {
  const errors = errorsOf(checkEntry, value).filter(({ keyword, instancePath }) =>
    keyword !== "type" || (instancePath !== "/goal" && instancePath !== "/task")
  );
  return worded(errors, at, place);
}

function worded(errors: readonly StructureError[], at: DocumentPath, place: string): Finding[] {
  const findings = new Map<string, Finding>();
  for (const error of errors) {
    const path = error.instancePath.split("/").slice(1);
    const { missingProperty, additionalProperty } = error.params;
    let finding: Finding;
    if (error.keyword === "additionalProperties") finding = unknownKey(path, error);
    else if (error.keyword === "required") finding = wrongValue([...path, missingProperty]);
    else finding = wrongValue(path, error.data);
    // One value can break several keywords (type and minLength); one sentence says it all.
    findings.set(`${error.instancePath}\n${missingProperty ?? ""}\n${additionalProperty ?? ""}`, {
      ...finding,
      message: `${place}: ${finding.message}`,
      at: [...at, ...finding.at],
    });
  }
  return [...findings.values()];
}

/** Reported, not refused: a Heddle file may carry keys that are not the scheduler's. */
function unknownKey(path: DocumentPath, error: StructureError): Finding {
  const key = String(error.params.additionalProperty);
  const present = Object.keys(Object(error.data));
  const known = Object.keys(Object(error.parentSchema?.properties));
  const where = path.length === 0 ? "" : ` in '${path.join(".")}'`;
  const hint = suggestion(key, known.filter((candidate) => !present.includes(candidate)));
  return {
    severity: "warning",
    message: `unknown key ${shown(key)}${where} is ignored` +
      (hint || `: allowed are ${known.join(", ")}`),
    at: [...path, key],
    aimsAtKey: true,
  };
}

function wrongValue(path: readonly string[], value?: unknown): Finding {
  const key = path.join(".");
  const wanted = WANTED[key];
  const got = value === undefined ? "" : `, got ${shown(value)}`;
  const at = value === undefined ? path.slice(0, -1) : path;
  const error = (message: string): Finding => ({ severity: "error", message, at });
  if (key === "") return error(`expected a mapping${got}`);

  const isLost = value === undefined || value === null || value === "";
  if (isLost && key === "goal.instruction") {
    return error(`goal config missing 'instruction': it must be ${wanted}${got}`);
  }
  if (isLost && key === "task.worker_type") {
    return error(`task config missing 'worker_type': it must be ${wanted}${got}`);
  }
  const rule = `'${key}' must be ${wanted}${got}${hintFor(key, value)}`;
  if (key === "cron") return error(`invalid cron expression: ${rule}`);
  return error(
    value === undefined || value === null ? `missing required key '${key}': ${rule}` : rule,
  );
}

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  dispatch_type: DISPATCH_TYPES,
  "goal.priority": PRIORITIES,
  "task.priority": PRIORITIES,
  "task.model_tier": MODEL_TIERS,
  catch_up: CATCH_UP_POLICIES,
};

function hintFor(key: string, value: unknown): string {
  if (typeof value !== "string") return "";
  const choices = CHOICES[key];
  if (choices !== undefined) return suggestion(value, choices);
  if (/_seconds$/.test(key) && value.trim() !== "" && Number.isFinite(Number(value))) {
    return ": write the number without quotes";
  }
  if (/^(?:true|false)$/i.test(value)) return ": write it without quotes";
  return "";
}

function oneOf(choices: readonly string[]): string {
  const quoted = choices.map((choice) => `'${choice}'`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
