import type { JsonObject } from "../bus/message_bus.ts";
import { shown } from "../config/config_problem.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import { suggestion } from "../internal/suggestion.ts";
import {
  CONTROL_ACTIONS,
  type ControlAction,
  type ControlRequest,
  type ERROR_CODES,
  type ErrorReply,
  MAX_ENTRIES,
  MAX_FIRE_TIMEOUT_MS,
  MAX_FIRINGS,
} from "./control_api.ts";
import { parseInstant } from "../config/config_values.ts";

/** A request that cannot be served; holds the answer. */
export class ControlError extends Error {
  override name = "ControlError";

  constructor(
    readonly code: typeof ERROR_CODES[number],
    message: string,
    readonly problems?: ErrorReply["problems"],
  ) {
    super(message);
  }
}

/** Returns null where `value` is right, else what it has to be. */
type Check = (value: unknown) => string | null;

const text: Check = (value) => typeof value === "string" && value !== "" ? null : "a text";
const flag: Check = (value) => typeof value === "boolean" ? null : "true or false";
const count = (max: number): Check => (value) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max
    ? null
    : `a whole number from 1 to ${max}`;
const instant: Check = (value) =>
  typeof value === "string" && typeof parseInstant(value) !== "string"
    ? null
    : "an instant such as 2026-03-01T08:00:00Z";
const object: Check = (value) => isPlainObject(value) ? null : "an object";

const COMMON = { action: text, replica: text, _trace_context: object };
const FIELDS: Record<Exclude<ControlAction, "health">, Record<string, Check>> = {
  status: { entry: text, limit: count(MAX_ENTRIES), after: text },
  next: { entry: text, count: count(MAX_FIRINGS), until: instant },
  fire: { entry: text, sent_at: instant, timeout_ms: count(MAX_FIRE_TIMEOUT_MS) },
  pause: { entry: text, all: flag },
  resume: { entry: text, all: flag },
  reload: {},
};

/**
 * Reads a request.
 *
 * @throws {ControlError} where `data` is none
 */
export function readControlRequest(data: JsonObject): ControlRequest {
  const { action = "health" } = data;
  if (!CONTROL_ACTIONS.some((each) => each === action)) {
    const known = CONTROL_ACTIONS.join(", ");
    throw new ControlError(
      "unknown_action",
      `Unknown action ${shown(action)}${suggestion(action, CONTROL_ACTIONS)}: ` +
        `expected one of ${known}`,
    );
  }
  // Health checks of other programs may have further fields.
  if (action === "health") return data as ControlRequest;
  const checks: Record<string, Check> = { ...COMMON, ...FIELDS[action as keyof typeof FIELDS] };
  for (const [name, value] of Object.entries(data)) {
    const check = Object.hasOwn(checks, name) ? checks[name]! : null;
    if (check === null) {
      const known = Object.keys(checks);
      const hint = suggestion(name, known);
      throw malformed(
        action,
        `unknown field ${shown(name)}${hint}: expected some of ${known.join(", ")}`,
      );
    }
    const wanted = check(value);
    if (wanted !== null) {
      throw malformed(action, `"${name}" is ${shown(value)}: expected ${wanted}`);
    }
  }
  if (action === "fire" && data.entry === undefined) {
    throw malformed(action, `"entry" is missing: expected the name of an entry`);
  }
  const isPause = action === "pause" || action === "resume";
  if (isPause && (data.entry === undefined) === (data.all !== true)) {
    throw malformed(action, `expected either "entry", the name of an entry, or "all": true`);
  }
  return data as unknown as ControlRequest;
}

function malformed(action: unknown, problem: string): ControlError {
  return new ControlError("malformed", `Cannot ${action}: ${problem}`);
}
