/** Both wires say the same of the same dispatch, each in its own form. */
import assert from "node:assert/strict";
import { dispatchOf, identityOf, occurrenceOf } from "../../lib/engine/dispatch.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { WIRES } from "../../lib/wire/vocabulary.ts";
import { goalEnvelope, taskEnvelope } from "../../lib/wire/envelope.ts";
import { dispatchUuid } from "../../lib/wire/identity.ts";
import { intervalEntry, messageTo } from "../helpers/entries.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

const DUE = "2026-01-02T03:04:05.006Z";
const NOW = "2026-01-02T03:04:05.123Z";
const TRACE = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, tracestate: "x=1" };

const task = intervalEntry("Größe, 1", 60);
const goal: ScheduleEntry = {
  ...intervalEntry("g", 60),
  dispatchType: "goal",
  goalConfig: { instruction: "do", context: { from: "context" }, priority: "high" },
  taskConfig: null,
  messageConfig: null,
};

const CASES = {
  "a task": { entry: task },
  "a goal": { entry: goal },
  "an object of an expansion": { entry: task, index: 3, carried: { expansion: { n: [1] } } },
  "one of a goal": { entry: goal, carried: { expansion: { from: "object" } } },
  "with a term and a trace": { entry: task, carried: { term: 5, trace: TRACE } },
  "a goal with a trace": { entry: goal, carried: { trace: TRACE } },
};

type Fields = Record<string, unknown>;

for (const [what, { entry, ...more }] of Object.entries(CASES)) {
  Deno.test(`on both wires the same identity, headers and facts: ${what}`, () => {
    const { index = 0, carried = {} } = { index: undefined, carried: undefined, ...more };
    const [v1, envelope] = WIRES.map((wire) => {
      const origin = { scheduler: "s", wire, createdAt: NOW };
      const occurrence = occurrenceOf(entry, { ...origin, scheduledFor: DUE });
      const dispatch = dispatchOf(entry, identityOf(occurrence, index), origin, carried);
      holdToSchema(dispatch.subject, dispatch.message);
      return dispatch;
    }) as [ReturnType<typeof dispatchOf>, ReturnType<typeof dispatchOf>];
    assert.deepEqual([envelope.id, envelope.subject], [v1.id, v1.subject]);
    assert.deepEqual(envelope.headers, v1.headers);
    const { created_at, _trace_context, ...facts } = v1.message;
    const { payload: body, ...frame } = envelope.message as { payload: Fields } & Fields;
    if ("input" in body) {
      const { input, ...others } = body;
      assert.deepEqual({ ...others, payload: input }, facts);
    } else assert.deepEqual(body, facts);
    const name = `s/${encodeURIComponent(entry.name)}/${DUE}/${index}`;
    assert.equal(v1.headers["Nats-Msg-Id"], name);
    assert.deepEqual(frame, {
      message_id: dispatchUuid(name),
      payload_type: entry === goal ? "core.OrchestratorGoal" : "core.TaskMessage",
      origin: "scheduler:s",
      correlation_id: null,
      causation_id: null,
      occurred_at: DUE,
      recorded_at: created_at,
      ...(_trace_context !== undefined && { _trace_context }),
    });
    assert.equal(created_at, NOW);
  });
}

Deno.test("what is fired by hand has a random id on both wires, the same in frame and body", () => {
  const ids = WIRES.map((wire) => {
    const origin = { scheduler: "s", wire, createdAt: NOW };
    const occurrence = occurrenceOf(task, { ...origin, scheduledFor: DUE, byHand: true });
    const { id, message, headers } = dispatchOf(task, identityOf(occurrence), origin);
    assert.equal(headers["Nats-Msg-Id"], id);
    if (wire === "envelope") assert.equal(message.message_id, id);
    return (message.payload as Fields).task_id ?? message.task_id;
  });
  assert.notEqual(ids[0], ids[1]);
});

Deno.test("a message of one's own is the same on both wires", () => {
  const entry: ScheduleEntry = { ...task, ...messageTo("jobs.a", { payload: { b: 1 } }) };
  const [v1, envelope] = WIRES.map((wire) => {
    const origin = { scheduler: "s", wire, createdAt: NOW };
    const occurrence = occurrenceOf(entry, { ...origin, scheduledFor: DUE });
    return dispatchOf(entry, identityOf(occurrence), origin, { trace: TRACE });
  });
  assert.deepEqual(envelope, v1);
  assert.deepEqual(v1!.message, { b: 1 });
  assert.equal(v1!.headers.traceparent, TRACE.traceparent);
});

Deno.test("a program builds the same envelopes", () => {
  const id = "b4bc0d5d-1c34-5a0c-9f3e-6d4c1e0a7f52";
  const facts = { scheduler: "mine", occurredAt: new Date(DUE), createdAt: new Date(NOW) };
  const built = taskEnvelope({ ...facts, taskId: id, workerType: "w", payload: { a: 1 } });
  assert.deepEqual(built, {
    message_id: id,
    payload_type: "core.TaskMessage",
    payload: {
      task_id: id,
      parent_task_id: null,
      worker_type: "w",
      input: { a: 1 },
      model_tier: "local",
      priority: "normal",
      request_id: null,
      metadata: {},
    },
    origin: "scheduler:mine",
    correlation_id: null,
    causation_id: null,
    occurred_at: DUE,
    recorded_at: NOW,
  });
  const { payload } = goalEnvelope({ ...facts, goalId: id, instruction: "do", requestId: "r" });
  assert.deepEqual(payload, {
    goal_id: id,
    instruction: "do",
    context: {},
    request_id: "r",
    priority: "normal",
  });
});

Deno.test("the schemas refuse what is of the other wire, or of none", () => {
  const subject = "heddle.tasks.incoming";
  const origin = { scheduler: "s", createdAt: NOW };
  const [v1, envelope] = WIRES.map((wire) => {
    const occurrence = occurrenceOf(task, { ...origin, wire, scheduledFor: DUE });
    return dispatchOf(task, identityOf(occurrence), { ...origin, wire }).message;
  }) as [Fields, Fields];
  const body = envelope.payload as Fields;
  const wrong: Fields[] = [
    { ...v1, max_retries: 1 },
    { ...v1, payload: [] },
    { ...v1, input: {} },
    { ...v1, priority: "urgent" },
    { ...envelope, created_at: NOW },
    { ...envelope, payload: { ...body, created_at: NOW } },
    { ...envelope, payload: { ...body, payload: {} } },
    { ...envelope, payload_type: "core.OrchestratorGoal" },
    { ...envelope, origin: "s" },
    { ...envelope, message_id: null },
  ];
  for (const data of wrong) assert.throws(() => holdToSchema(subject, data), JSON.stringify(data));
  holdToSchema(subject, { ...envelope, _anything: 1 });
});
