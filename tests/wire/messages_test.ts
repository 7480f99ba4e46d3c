import assert from "node:assert/strict";
import { orchestratorGoal, taskMessage } from "../../lib/wire/v1.ts";

const createdAt = new Date("2026-01-02T03:04:05.006Z");

Deno.test("a goal carries every field of the v1 schema, null where it has no value", () => {
  assert.deepEqual(orchestratorGoal({ goalId: "g", instruction: "do", createdAt }), {
    goal_id: "g",
    instruction: "do",
    context: {},
    request_id: null,
    priority: "normal",
    created_at: "2026-01-02T03:04:05.006Z",
  });
});

Deno.test("a task carries every field of the v1 schema and no retry fields", () => {
  assert.deepEqual(taskMessage({ taskId: "t", workerType: "w", createdAt }), {
    task_id: "t",
    parent_task_id: null,
    worker_type: "w",
    payload: {},
    model_tier: "local",
    priority: "normal",
    created_at: "2026-01-02T03:04:05.006Z",
    request_id: null,
    metadata: {},
  });
});

Deno.test("a message does not share its objects with the configuration", () => {
  const context = { a: 1 };
  const goal = orchestratorGoal({ goalId: "g", instruction: "do", createdAt, context });
  goal.context.a = 2;
  assert.equal(context.a, 1);
});
