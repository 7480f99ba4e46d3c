import assert from "node:assert/strict";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { IntervalTiming } from "../../lib/config/timing/interval_timing.ts";
import { validateSchedulerConfig } from "../../lib/config/validate_config.ts";
import { goalOf, messageOf, taskOf, taskWith } from "./config_problem_rows.ts";
import { VALID } from "./config_valid_rows.ts";

function entriesOf(yaml: string) {
  const { config, problems } = parseSchedulerConfig(yaml);
  assert.deepEqual(problems, []);
  assert.ok(config);
  return config.entries;
}

Deno.test("every key that is left out has its default", () => {
  const { config } = parseSchedulerConfig(taskWith());
  assert.equal(config?.name, "s");
  assert.equal(config?.timezone, "UTC");
  assert.deepEqual(config?.entries, [{
    name: "n",
    description: null,
    labels: {},
    timezone: "UTC",
    timing: new IntervalTiming(60),
    dispatchType: "task",
    goalConfig: null,
    messageConfig: null,
    taskConfig: { workerType: "w", payload: {}, modelTier: "local", priority: "normal" },
    expandFrom: null,
    expandWith: {},
    forEach: null,
    expandTimeoutSeconds: 30,
    enabled: true,
    runOnStart: false,
    jitterSeconds: 0,
    startAt: null,
    endAt: null,
    misfireGraceSeconds: null,
    catchUp: null,
  }]);
});

Deno.test("a message entry has its subject, its payload and its headers", () => {
  const written = "{ subject: jobs.a, payload: { b: [1] }, headers: { X-Tenant: acme } }";
  const [entry] = entriesOf(messageOf(written));
  assert.deepEqual([entry!.dispatchType, entry!.goalConfig, entry!.taskConfig], [
    "message",
    null,
    null,
  ]);
  assert.deepEqual(entry!.messageConfig, {
    subject: "jobs.a",
    payload: { b: [1] },
    headers: { "X-Tenant": "acme" },
  });
  const [bare] = entriesOf(messageOf("{ subject: jobs.a, payload: ~, headers: ~ }"));
  assert.deepEqual(bare!.messageConfig, { subject: "jobs.a", payload: {}, headers: {} });
});

Deno.test("the wire is v1 unless the file says otherwise; an input is a payload", () => {
  const wireOf = (head: string) => parseSchedulerConfig(head + taskWith()).config!.wire;
  assert.deepEqual(["", "wire: v1\n", "wire: ~\n", "wire: envelope\n"].map(wireOf), [
    "v1",
    "v1",
    "v1",
    "envelope",
  ]);
  const [entry] = entriesOf(taskOf("{ worker_type: w, input: { a: 1 } }"));
  assert.deepEqual(entry!.taskConfig!.payload, { a: 1 });
});

Deno.test("a slip in the dispatch type suggests what is meant; expect has no place beside a message", () => {
  const errorsOf = (yaml: string) =>
    parseSchedulerConfig(yaml).problems.filter(({ severity }) => severity === "error")
      .map(({ message, path }) => `${path}: ${message}`);
  const slip = messageOf("{ subject: jobs.a }").replace("type: message", "type: massage");
  assert.match(errorsOf(slip).join(), /got "massage" \(did you mean "message"\?\)$/);
  const expecting = messageOf("{ subject: jobs.a }") + "    expect: { within_seconds: 5 }\n";
  assert.deepEqual(errorsOf(expecting), [
    "schedules[0].expect: schedules[0] \"n\": 'expect' cannot stand beside 'message': nobody " +
    "reports a result of it",
  ]);
});

Deno.test("an optional key that is null counts as left out", () => {
  const keys = [
    "cron",
    "goal",
    "message",
    "description",
    "labels",
    "expand_from",
    "expand_timeout_seconds",
    "enabled",
    "timezone",
    "jitter_seconds",
    "run_on_start",
    "start_at",
    "end_at",
    "misfire_grace_seconds",
    "catch_up",
  ];
  const nulls = taskWith(...keys.map((key) => `${key}:`))
    .replace(
      "{ worker_type: w }",
      "{ worker_type: w, payload: , input: , model_tier: ~, priority: null }",
    )
    .replace("name: s", "name: s\ntimezone: ~\nwire: ~");
  assert.deepEqual(entriesOf(nulls), entriesOf(taskWith()));
});

Deno.test("every key that is given arrives", () => {
  const [entry] = entriesOf(
    taskOf(
      "{ worker_type: w, payload: { a: [1, null] }, model_tier: frontier, priority: critical }",
    ) +
      `    expand_from: a.b
    description: Checks the doors
    labels: { team: ops, floor: "2" }
    expand_with: { tenant: a }
    expand_timeout_seconds: 1.5
    enabled: false
    timezone: Europe/Berlin
    jitter_seconds: 2
    run_on_start: true
    start_at: 2026-03-01T08:00:00+01:00
    end_at: "2026-03-02T00:00:00.5Z"
    misfire_grace_seconds: 1
    catch_up: all
`,
  );
  assert.deepEqual(entry, {
    name: "n",
    description: "Checks the doors",
    labels: { team: "ops", floor: "2" },
    timezone: "Europe/Berlin",
    timing: new IntervalTiming(60),
    dispatchType: "task",
    goalConfig: null,
    messageConfig: null,
    taskConfig: {
      workerType: "w",
      payload: { a: [1, null] },
      modelTier: "frontier",
      priority: "critical",
    },
    expandFrom: "a.b",
    expandWith: { tenant: "a" },
    forEach: null,
    expandTimeoutSeconds: 1.5,
    enabled: false,
    runOnStart: true,
    jitterSeconds: 2,
    startAt: new Date("2026-03-01T07:00:00Z"),
    endAt: new Date("2026-03-02T00:00:00.5Z"),
    misfireGraceSeconds: 1,
    catchUp: "all",
  });
});

Deno.test("a goal's context and priority arrive, or their defaults", () => {
  assert.deepEqual(entriesOf(goalOf("{ instruction: i }"))[0]?.goalConfig, {
    instruction: "i",
    context: {},
    priority: "normal",
  });
  assert.deepEqual(
    entriesOf(goalOf("{ instruction: i, context: { a: {} }, priority: high }"))[0]?.goalConfig,
    { instruction: "i", context: { a: {} }, priority: "high" },
  );
});

Deno.test("entries of the same expression and zone, or interval, share a timing, others do not", () => {
  const entry = (name: string, rest: string) =>
    `  - { name: ${name}, dispatch_type: task, task: { worker_type: w }, ${rest} }\n`;
  const [a, b, c, d, e, f] = entriesOf(
    "name: s\ntimezone: Europe/Berlin\nschedules:\n" +
      entry("a", 'cron: "30 2 * * *"') +
      entry("b", 'cron: "30 2 * * *", timezone: Europe/Berlin') +
      entry("c", 'cron: "30 2 * * *", timezone: UTC') +
      entry("d", 'cron: "31 2 * * *"') +
      entry("e", "interval_seconds: 60") +
      entry("f", "interval_seconds: 60.0"),
  );
  assert.ok(a && e);
  assert.equal(a.timezone, "Europe/Berlin");
  assert.equal(a.timing, b?.timing);
  assert.notEqual(a.timing, c?.timing);
  assert.notEqual(a.timing, d?.timing);
  const after = new Date("2026-01-01T00:00:00Z");
  const next = (entry?: ScheduleEntry) => entry?.timing.cadence(after).next(after)?.toISOString();
  assert.equal(e?.timing, f?.timing);
  assert.equal(next(a), "2026-01-01T01:30:00.000Z");
  assert.equal(next(c), "2026-01-01T02:30:00.000Z");
});

Deno.test("merge keys bring in what an entry does not say itself", () => {
  const [a, b] = entriesOf(`name: s
schedules:
  - &base
    name: a
    interval_seconds: 60
    dispatch_type: task
    task: &task { worker_type: w, priority: low }
  - <<: *base
    name: b
    task: { <<: *task, worker_type: v }
`);
  assert.deepEqual(b, {
    ...a,
    name: "b",
    taskConfig: { workerType: "v", payload: {}, modelTier: "local", priority: "low" },
  });
});

Deno.test("lines in brackets and quotes may begin in any column, as in Python", () => {
  const { config } = parseSchedulerConfig(
    taskOf('{\nworker_type: "a\nb",\npayload: {\n"c": [\n1,\n2\n]}\n}'),
  );
  assert.deepEqual(config?.entries[0]?.taskConfig, {
    workerType: "a b",
    payload: { c: [1, 2] },
    modelTier: "local",
    priority: "normal",
  });
});

Deno.test("a bracket closed in its key's column a thousand times is read, and text is left alone", () => {
  const entry = (index: number) =>
    `  - name: n${index}\n    cron: "0 * * * *"\n    dispatch_type: goal\n    goal: {\n` +
    `      instruction: i,\n      context: {\n      }\n    }\n    description: |\n      {\n      }\n`;
  const text = Array.from({ length: 1000 }, (_, index) => entry(index)).join("");
  const { config, problems } = parseSchedulerConfig(`name: s\nschedules:\n${text}`);
  assert.equal(config?.entries.length, 1000);
  assert.deepEqual([...new Set(config?.entries.map(({ description }) => description))], ["{\n}\n"]);
  assert.deepEqual([...new Set(problems.map(({ message }) => message.slice(0, 23)))], [
    "The line does not stand",
  ]);
});

const ENDS = [
  ["|\n      x", "x"],
  ["|\n      x\n", "x\n"],
  [">+\n      x", "x"],
  ["|+\n      x\n       ", "x\n "],
  ["|+\n      \n      ", "\n"],
];
for (const [block, value] of ENDS) {
  Deno.test(`a block scalar ends as the file does: ${JSON.stringify(block)}`, () => {
    const text = `${taskWith()}    description: ${block}`;
    assert.equal(entriesOf(text)[0]?.description, value);
  });
}

Deno.test("a bracket that nothing closes costs no more in a long file", () => {
  const lines = "    - { name: n, cron: '0 * * * *' }\n".repeat(20_000);
  const before = performance.now();
  const { config, problems } = parseSchedulerConfig(`name: s\nschedules: [\n${lines}`);
  assert.ok(performance.now() - before < 5000);
  assert.equal(config, null);
  assert.equal(problems.length, 1);
});

Deno.test("what Python runs by arrives as it is meant", () => {
  const { config } = parseSchedulerConfig(
    goalOf("{ instruction: '' }").replace("name: s", "name: 42").replace("name: n", "name: 404")
      .replace("60", "1_000") + "    expand_from: ''\n    labels: { floor: 2 }\n",
  );
  const [entry] = config!.entries;
  assert.equal(config!.name, "42");
  assert.equal(entry!.name, "404");
  assert.equal(entry!.timing.value, 1000);
  assert.equal(entry!.expandFrom, null);
  assert.equal(entry!.goalConfig!.instruction, "");
  assert.deepEqual(entry!.labels, { floor: "2" });
});

Deno.test("of two keys the last counts, as in Python", () => {
  const { config } = parseSchedulerConfig(taskWith("interval_seconds: 90"));
  assert.equal(config?.entries[0]?.timing.value, 90);
});

for (const [what, yaml] of VALID) {
  Deno.test(`nothing is reported about ${what}`, () => {
    assert.deepEqual(parseSchedulerConfig(yaml).problems, []);
  });
}

Deno.test("a __proto__ key changes no object but its own", () => {
  const [entry] = entriesOf(taskOf("{ worker_type: w, payload: { __proto__: { polluted: 1 } } }"));
  assert.ok(Object.hasOwn(entry?.taskConfig?.payload ?? {}, "__proto__"));
  assert.equal(Object.getPrototypeOf(entry?.taskConfig?.payload), Object.prototype);
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

Deno.test("the name of a file begins the messages of a configuration that was built", () => {
  assert.deepEqual(validateSchedulerConfig({ schedules: [] }, "x.yaml"), [{
    severity: "error",
    message:
      "x.yaml: Top level: missing required key 'name': 'name' must be a string that is not " +
      "empty and no longer than 256 characters",
    path: "",
  }]);
  assert.deepEqual(validateSchedulerConfig({ name: "s", schedules: [] }), []);
});
