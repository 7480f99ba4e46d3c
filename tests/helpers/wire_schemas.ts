/**
 * The JSON Schemas of Heddle's messages, on both wires. The buses and places of the tests hold to
 * them whatever is published to Heddle's subjects.
 *
 * @module
 */
import assert from "node:assert/strict";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../../lib/wire/subjects.ts";
import { Ajv } from "./ajv.ts";
import envelopeGoal from "../wire/schemas/envelope_goal.schema.json" with { type: "json" };
import envelopeTask from "../wire/schemas/envelope_task.schema.json" with { type: "json" };
import v1Goal from "../wire/schemas/v1_goal.schema.json" with { type: "json" };
import v1Task from "../wire/schemas/v1_task.schema.json" with { type: "json" };

const ajv = new Ajv({ strict: true, allowUnionTypes: true });

const VALIDATORS = {
  [GOALS_SUBJECT]: { v1: ajv.compile(v1Goal), envelope: ajv.compile(envelopeGoal) },
  [TASKS_SUBJECT]: { v1: ajv.compile(v1Task), envelope: ajv.compile(envelopeTask) },
};

/** Throws where `data` is no message of the subject; other subjects have no schema. */
export function holdToSchema(subject: string, data: Record<string, unknown>): void {
  const validators = VALIDATORS[subject as keyof typeof VALIDATORS];
  if (validators === undefined) return;
  const validate = validators["message_id" in data ? "envelope" : "v1"];
  assert.ok(validate(data), `${JSON.stringify(validate.errors)} in ${JSON.stringify(data)}`);
}
