import { MAX_OBJECT_BYTES, MAX_OBJECTS } from "../expansion/expansion_protocol.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import type { Action, ScheduleEntry } from "./schedule_entry.ts";
import type { JsonCheck } from "./config_json.ts";
import { type DocumentPath, type Finding, shown } from "./config_problem.ts";
import {
  DEFAULTS,
  ENTRY_SCHEMA,
  type EntryInput,
  MAX_EXPAND_WITH_CHARACTERS,
  MIN_GRACE_SECONDS,
  TIMINGS,
} from "./config_schema.ts";
import { DISPATCH_TYPES, type DispatchType } from "../wire/vocabulary.ts";
import { plainMeaning } from "./foreign/plain_meaning.ts";
import { entryStructure } from "./config_structure.ts";
import {
  entryNameProblem,
  expandFromProblem,
  headerProblem,
  messageSubjectProblem,
  parseInstant,
} from "./config_values.ts";
import type { Timing } from "./timing/timing.ts";
import type { TimingTable } from "./timing/timing_table.ts";
import { entryDifferences } from "./from_python.ts";

/** What the entries of one file share. */
export interface FileContext {
  /** The zone of entries that name none; a valid one. */
  readonly timezone: string;
  readonly timings: TimingTable;
  readonly json: JsonCheck;
  /** Whether to report what the Python scheduler does otherwise. */
  readonly fromPython: boolean;
  /** The position in `schedules` of each name met so far. */
  readonly names: Map<string, number>;
  readonly report: (finding: Finding) => void;
}

/** Checks one entry of `schedules`, reports what it finds, and returns the entry if it is right. */
export function readEntry(
  written: unknown,
  index: number,
  file: FileContext,
): ScheduleEntry | null {
  const at: DocumentPath = ["schedules", index];
  const found: Finding[] = [];
  const raw = plainMeaning(written, ENTRY_SCHEMA, {
    at: [...at],
    place: placeOf(Object(written).name),
    report: (finding) => found.push(finding),
  });
  const fields = isPlainObject(raw) ? raw : {};
  const place = placeOf(fields.name);
  let isRight = true;
  const report = (finding: Finding) => {
    if (finding.severity === "error") isRight = false;
    file.report(finding);
  };
  const fail = (message: string, ...path: string[]) =>
    report({ severity: "error", message: `${place}: ${message}`, at: [...at, ...path] });

  const type = DISPATCH_TYPES.find((each) => each === fields.dispatch_type);
  // The blocks of the other types are ignored, whatever is in them.
  const ignored: readonly unknown[] = type === undefined
    ? []
    : DISPATCH_TYPES.filter((each) => each !== type);
  for (const finding of [...found, ...entryStructure(raw, at, place)]) {
    if (!ignored.includes(finding.at[2])) report(finding);
  }
  if (!isPlainObject(raw)) return null;

  if (typeof fields.name === "string" && fields.name !== "") checkName(fields.name);
  const timing = checkTiming();
  if (file.fromPython) {
    const { timezone } = file;
    const hasCron = timing?.kind === "cron";
    entryDifferences({ fields, at, place, timezone, hasCron }).forEach(report);
  }
  if (type !== undefined) checkAction(type);
  checkGrace();
  checkExpansion();
  const startAt = checkInstant("start_at");
  const endAt = checkInstant("end_at");
  if (startAt !== null && endAt !== null && startAt >= endAt) {
    fail(
      `'end_at' must be later than 'start_at', got ${shown(fields.end_at)} and ` +
        shown(fields.start_at),
      "end_at",
    );
  }
  // Without an error the structure is the schema's, but for unknown keys, which nobody reads.
  return isRight && timing !== null ? build(raw as EntryInput, timing) : null;

  function placeOf(name: unknown): string {
    const isName = typeof name === "string" && name !== "";
    return `schedules[${index}]${isName ? ` ${shown(name)}` : ""}`;
  }

  function checkName(name: string): void {
    const problem = entryNameProblem(name);
    if (problem !== null) return fail(`'name' is ${shown(name)}: ${problem}`, "name");
    const first = file.names.get(name);
    if (first === undefined) return void file.names.set(name, index);
    report({
      severity: "error",
      message: `${place}: the name ${shown(name)} is taken by schedules[${first}]`,
      at: [...at, "name"],
      compareWith: ["schedules", first, "name"],
    });
  }

  function checkTiming(): Timing | null {
    const zone = typeof fields.timezone === "string" ? fields.timezone : file.timezone;
    const zoneProblem = zone === "" ? null : file.timings.zoneProblem(zone);
    if (zoneProblem !== null) fail(`'timezone': ${zoneProblem}`, "timezone");

    const kinds = Object.keys(TIMINGS);
    const given = kinds.filter((kind) => isPresent(fields[kind]));
    if (given.length > 1) {
      report({
        severity: "error",
        message: `${place}: cannot specify both ${given.map((key) => `'${key}'`).join(" and ")}`,
        at: [...at, given.at(-1)!],
        aimsAtKey: true,
      });
    } else if (given.length === 0) {
      fail(`must specify either ${kinds.map((key) => `'${key}'`).join(" or ")}`);
    }
    const rightZone = zoneProblem === null && zone !== "" ? zone : DEFAULTS.timezone;
    let timing: Timing | null = null;
    for (const kind of given) {
      const reading = file.timings.read(kind, fields[kind], rightZone);
      if (reading.problem !== null) fail(reading.problem, kind);
      timing = reading.timing;
    }
    return timing;
  }

  function checkAction(type: DispatchType): void {
    const block = fields[type];
    if (!isPlainObject(block)) {
      const got = isPresent(block) ? `, got ${shown(block)}` : "";
      const path = block === undefined ? [] : [type];
      fail(`dispatch_type '${type}' requires a '${type}' dict${got}`, ...path);
    } else {
      const keys = type === "goal" ? ["context"] : ["payload", "input"];
      if (type === "goal" && block.instruction === "") {
        report({
          severity: "warning",
          message: `${place}: 'goal.instruction' is empty, and the goal is sent without one`,
          at: [...at, type, "instruction"],
        });
      }
      for (const key of keys) {
        if (isPlainObject(block[key])) {
          file.json.check(block[key], [...at, type, key], place).forEach(report);
        }
      }
      if (type === "task" && isPresent(block.payload) && isPresent(block.input)) {
        fail("cannot specify both 'task.payload' and 'task.input', its synonym", type, "input");
      }
      if (type === "message") checkMessage(block);
    }
    for (const other of DISPATCH_TYPES) {
      if (other === type || !isPresent(fields[other])) continue;
      report({
        severity: "warning",
        message: `${place}: '${other}' has no effect, since 'dispatch_type' is '${type}'`,
        at: [...at, other],
        aimsAtKey: true,
      });
    }
  }

  function checkMessage({ subject, headers }: Record<string, unknown>): void {
    if (typeof subject === "string" && subject !== "") {
      const problem = messageSubjectProblem(subject);
      const path = ["message", "subject"];
      if (problem !== null) fail(`'message.subject' is ${shown(subject)}: ${problem}`, ...path);
    }
    for (const [name, value] of Object.entries(isPlainObject(headers) ? headers : {})) {
      const problem = headerProblem(name, value);
      const path = ["message", "headers", name];
      if (problem !== null) fail(`'message.headers' has ${shown(name)}: ${problem}`, ...path);
    }
    if (isPresent(fields.expect)) {
      fail("'expect' cannot stand beside 'message': nobody reports a result of it", "expect");
    }
  }

  function checkExpansion(): void {
    const { expand_from: from, expand_with: argument, for_each: objects } = fields;
    if (typeof from === "string") {
      const problem = expandFromProblem(from);
      if (problem !== null) fail(`'expand_from' is ${shown(from)}: ${problem}`, "expand_from");
      if (isPresent(objects)) {
        fail("cannot specify both 'expand_from' and 'for_each'", "for_each");
      }
    } else if (isPresent(argument)) {
      report({
        severity: "warning",
        message: `${place}: 'expand_with' is ignored, since there is no 'expand_from'`,
        at: [...at, "expand_with"],
        aimsAtKey: true,
      });
    }
    if (isPlainObject(argument)) {
      const findings = file.json.check(argument, [...at, "expand_with"], place);
      findings.forEach(report);
      if (findings.length === 0 && JSON.stringify(argument).length > MAX_EXPAND_WITH_CHARACTERS) {
        fail(
          `'expand_with' takes more than ${MAX_EXPAND_WITH_CHARACTERS} characters of JSON: have ` +
            `the function read a file`,
          "expand_with",
        );
      }
    }
    if (Array.isArray(objects)) checkObjects(objects);
  }

  function checkObjects(objects: unknown[]): void {
    const failAt = (index: number, message: string) =>
      report({
        severity: "error",
        message: `${place}: 'for_each[${index}]' ${message}`,
        at: [...at, "for_each", index],
      });
    const wrong = objects.findIndex((each) => !isPlainObject(each));
    if (wrong >= 0) return failAt(wrong, `must be a mapping, got ${shown(objects[wrong])}`);
    if (objects.length > MAX_OBJECTS) {
      return fail(
        `'for_each' holds ${objects.length} objects, more than ${MAX_OBJECTS}`,
        "for_each",
      );
    }
    const findings = file.json.check(objects, [...at, "for_each"], place);
    if (findings.length > 0) return findings.forEach(report);
    const bytesOf = (each: unknown) => new TextEncoder().encode(JSON.stringify(each)).length;
    const large = objects.findIndex((each) => bytesOf(each) > MAX_OBJECT_BYTES);
    if (large >= 0) {
      failAt(large, `takes more than ${MAX_OBJECT_BYTES} bytes of JSON`);
    }
    if (objects.length > 0) return;
    report({
      severity: "warning",
      message: `${place}: 'for_each' is empty, so the entry dispatches nothing`,
      at: [...at, "for_each"],
    });
  }

  function checkGrace(): void {
    const grace = fields.misfire_grace_seconds;
    if (typeof grace !== "number" || !(grace >= 0 && grace < MIN_GRACE_SECONDS)) return;
    report({
      severity: "warning",
      message:
        `${place}: 'misfire_grace_seconds' is ${grace}: a firing that is later is skipped, ` +
        `and a busy moment makes healthy ones later than that: write ${MIN_GRACE_SECONDS} or ` +
        `more, or leave it out, for no limit`,
      at: [...at, "misfire_grace_seconds"],
    });
  }

  function checkInstant(key: "start_at" | "end_at"): Date | null {
    const text = fields[key];
    if (typeof text !== "string") return null;
    const instant = parseInstant(text);
    if (instant instanceof Date) return instant;
    fail(`'${key}' is ${shown(text)}: ${instant}`, key);
    return null;
  }

  function build(input: EntryInput, timing: Timing): ScheduleEntry {
    return {
      name: input.name,
      description: input.description ?? null,
      labels: input.labels ?? {},
      timezone: input.timezone ?? file.timezone,
      timing,
      expandFrom: input.expand_from ?? null,
      expandWith: input.expand_with ?? {},
      // The structure of its items has been checked.
      forEach: (input.for_each as Record<string, unknown>[] | undefined) ?? null,
      expandTimeoutSeconds: input.expand_timeout_seconds ?? DEFAULTS.expand_timeout_seconds,
      enabled: input.enabled ?? DEFAULTS.enabled,
      runOnStart: input.run_on_start ?? DEFAULTS.run_on_start,
      jitterSeconds: input.jitter_seconds ?? DEFAULTS.jitter_seconds,
      startAt,
      endAt,
      misfireGraceSeconds: input.misfire_grace_seconds ?? null,
      catchUp: input.catch_up ?? null,
      ...actionOf(input),
    };
  }
}

function actionOf({ dispatch_type, goal, task, message }: EntryInput): Action {
  const none = { goalConfig: null, taskConfig: null, messageConfig: null };
  switch (dispatch_type) {
    case "goal":
      return {
        ...none,
        dispatchType: "goal",
        goalConfig: {
          instruction: goal?.instruction ?? "",
          context: goal?.context ?? {},
          priority: goal?.priority ?? DEFAULTS.priority,
        },
      };
    case "task":
      return {
        ...none,
        dispatchType: "task",
        taskConfig: {
          workerType: task?.worker_type ?? "",
          payload: task?.payload ?? task?.input ?? {},
          modelTier: task?.model_tier ?? DEFAULTS.model_tier,
          priority: task?.priority ?? DEFAULTS.priority,
        },
      };
    case "message":
      return {
        ...none,
        dispatchType: "message",
        messageConfig: {
          subject: message?.subject ?? "",
          payload: message?.payload ?? {},
          headers: message?.headers ?? {},
        },
      };
  }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
