import { fc } from "../deps.ts";
import assert from "node:assert/strict";
import { parseSchedulerConfig, validateSchedulerConfig } from "../../lib/config/load_config.ts";
import { ENTRY_SCHEMA } from "../../lib/config/config_schema.ts";

function problemsOf(config: unknown) {
  const problems = validateSchedulerConfig(config);
  assert.ok(Array.isArray(problems));
  for (const { severity, message, path } of problems) {
    assert.match(severity, /^(?:error|warning)$/);
    assert.equal(typeof message, "string");
    assert.equal(typeof path, "string");
  }
  return problems;
}

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
});

Deno.test("whatever is validated, a list of problems comes back", () => {
  fc.assert(fc.property(anything, (config) => void problemsOf(config)), { numRuns: 2000 });
});

Deno.test("whatever stands at a key, a list of problems comes back", () => {
  const keys = Object.keys(ENTRY_SCHEMA.properties);
  const entry = fc.dictionary(fc.constantFrom(...keys), anything);
  fc.assert(
    fc.property(fc.array(entry), anything, anything, (schedules, name, timezone) => {
      problemsOf({ name, timezone, schedules });
    }),
    { numRuns: 2000 },
  );
});

Deno.test("no message grows with what stands at a key, or with a key", () => {
  const long = "x".repeat(20_000);
  const values = [
    ...[
      long,
      `"${"1".repeat(20_000)}"`,
      "7".repeat(20_000),
      "1_0".repeat(8000),
      "0".repeat(20_000),
    ],
    ...[`./${long}.ts#f`, `Europe/${long}`, `2026-01-01T${long}`, `!!int ${"0".repeat(20_000)}`],
    ...[`{ ${long}: 1, ${"7".repeat(20_000)}: 1 }`, `[${long}]`, `"${"* ".repeat(9000)}"`],
    ...[`"@${long}"`, `"${"5,".repeat(9000)}99 * * * *"`, `"TZ=${long} * * * * *"`],
  ];
  const keys = [...Object.keys(ENTRY_SCHEMA.properties), "suspend", "at", "every", long];
  for (const value of values) {
    const written = keys.map((key) => `  - { ${key}: ${value} }`);
    const blocks = ["goal", "task"].map((block) =>
      `  - { dispatch_type: ${block}, ${block}: { instruction: ${value}, payload: ${value}, ` +
      `context: ${value}, worker_type: ${value}, priority: ${value}, ${long}: ${value} } }`
    );
    const top = ["name", "timezone", "expand_allow", long].map((key) => `${key}: ${value}`);
    const text = [...top, "schedules:", ...written, ...blocks, ""].join("\n");
    const { problems } = parseSchedulerConfig(text);
    assert.ok(problems.length > keys.length, value.slice(0, 30));
    const grown = problems.filter(({ message }) => message.length > 1000);
    assert.deepEqual(grown.map(({ message }) => message.slice(0, 200)), []);
  }
});

Deno.test("whatever text is read, it is a configuration or has problems with positions", () => {
  const line = fc.constantFrom(
    "name: s",
    "schedules:",
    "  - name: n",
    "    cron: *",
    "    - &a [*a]",
    "    <<: *a",
    "    task: {",
    "? x",
    "---",
    "\t!!python/x y",
    "    cron: '",
    "%YAML 1.1",
    "\u0000",
    "    start_at: 2026-01-01",
  );
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.array(line).map((all) => all.join("\n")));
  fc.assert(
    fc.property(text, (yaml) => {
      const { config, problems } = parseSchedulerConfig(yaml);
      assert.equal(config === null, problems.some(({ severity }) => severity === "error"));
      for (const { line = 0, column = 0 } of problems) assert.ok(line >= 1 && column >= 1);
    }),
    { numRuns: 2000 },
  );
});

const throwing = new Proxy({}, {
  get: () => {
    throw new Error("no");
  },
  ownKeys: () => {
    throw Symbol("no");
  },
  getPrototypeOf: () => {
    throw null;
  },
});
const revoked = Proxy.revocable([], {});
revoked.revoke();
const cyclic: Record<string, unknown> = { name: "s" };
cyclic.schedules = [cyclic, { name: "n", dispatch_type: "goal", goal: cyclic }];
const right = { name: "n", interval_seconds: 1, dispatch_type: "goal" };
const goal = (context: unknown) => ({
  name: "s",
  schedules: [{ ...right, goal: { instruction: "i", context } }],
});

const HOSTILE: readonly (readonly [what: string, config: unknown])[] = [
  ["undefined", undefined],
  ["a symbol", Symbol("s")],
  ["a function", () => 1],
  ["a bigint", 1n],
  ["a proxy that throws", throwing],
  ["a revoked proxy", revoked.proxy],
  ["a revoked proxy for schedules", { name: "s", schedules: revoked.proxy }],
  ["entries that throw", { name: "s", schedules: [throwing, revoked.proxy] }],
  ["a configuration that contains itself", cyclic],
  ["a getter that throws", {
    get name() {
      throw throwing;
    },
    schedules: [],
  }],
  ["a list without end", { name: "s", schedules: new Array(2 ** 32 - 1) }],
  ["a context without end", goal({ a: new Array(2 ** 32 - 1) })],
  ["a context with a function", goal({ f: () => 1 })],
  ["a context with a date", goal({ d: new Date() })],
  ["a context with undefined", goal({ u: undefined })],
  ["a context with a bigint", goal({ b: 1n })],
  ["a context that throws", goal(throwing)],
  ["a context of a thousand levels", goal(nested(1000))],
];

function nested(levels: number): unknown {
  let value: unknown = {};
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

for (const [what, config] of HOSTILE) {
  Deno.test(`refused without a throw: ${what}`, () => {
    const started = performance.now();
    assert.ok(problemsOf(config).some(({ severity }) => severity === "error"));
    assert.ok(performance.now() - started < 2000);
  });
}

Deno.test("aliases of aliases are refused by what they unfold to, in no time", () => {
  const levels = Array.from(
    { length: 40 },
    (_, n) => `        l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(", ")}]`,
  );
  const yaml = `name: s
schedules:
  - name: n
    interval_seconds: 1
    dispatch_type: goal
    goal:
      instruction: i
      context:
        l0: &l0 lol
${levels.join("\n")}
`;
  const started = performance.now();
  const { config, problems } = parseSchedulerConfig(yaml);
  assert.ok(performance.now() - started < 1000);
  assert.equal(config, null);
  assert.deepEqual(problems.map(({ line, column, path }) => ({ line, column, path })), [
    { line: 9, column: 9, path: "schedules[0].goal.context" },
  ]);
  assert.match(problems[0]?.message ?? "", /unfolds to more than 8388608 characters of JSON/);
});

Deno.test("a chain of aliases that nests too deep is refused", () => {
  const links = Array.from({ length: 1000 }, (_, n) => `        l${n + 1}: &l${n + 1} [*l${n}]`);
  const { problems } = parseSchedulerConfig(`name: s
schedules:
  - name: n
    interval_seconds: 1
    dispatch_type: goal
    goal:
      instruction: i
      context:
        l0: &l0 lol
${links.join("\n")}
`);
  assert.match(problems[0]?.message ?? "", /'goal.context' is nested more than 100 levels deep/);
});

Deno.test("an alias bomb that nobody reads costs nothing", () => {
  const yaml = "name: s\nschedules: []\na: &a [x]\n" +
    Array.from({ length: 40 }, (_, n) => `k${n}: &k${n} [${n ? `*k${n - 1}, *k${n - 1}` : "*a"}]\n`)
      .join("");
  assert.ok(parseSchedulerConfig(yaml).config);
});

for (
  const [what, text] of [
    ["stars", `a: x${"*".repeat(50_000)} y: z`],
    ["open brackets and one end", `a: x${"[".repeat(50_000)}]: y: z`],
    ["spaces after colons", `a: ${":  ".repeat(200_000)}\0`],
    ["nesting", "[".repeat(500_000)],
    ["lines of an unclosed quote", `a: "${"b: 1\n  ".repeat(60_000)}`],
  ]
) {
  Deno.test(`a broken text is refused in time proportional to its length: ${what}`, () => {
    const started = performance.now();
    assert.match(parseSchedulerConfig(text!).problems[0]!.message, /^Not valid YAML: /);
    assert.ok(performance.now() - started < 2000);
  });
}
