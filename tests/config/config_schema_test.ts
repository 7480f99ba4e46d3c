import { CORE_SCHEMA, load, mergeTag } from "js-yaml";
import assert from "node:assert/strict";
import {
  CONFIG_JSON_SCHEMA,
  DEFAULTS,
  ENTRY_SCHEMA,
  type EntryInput,
} from "../../lib/config/config_schema.ts";
import { checker, published } from "../../lib/config/schema_interpreter.ts";
import { STRUCTURE } from "./config_problem_rows.ts";
import { Ajv, fc } from "../deps.ts";
import { RULES } from "./config_rule_rows.ts";
import { publishedSchema } from "./published_schema.ts";
import { VALID } from "./config_valid_rows.ts";

const accepts = new Ajv({ strict: true, strictTypes: false, allowUnionTypes: true })
  .compile(CONFIG_JSON_SCHEMA);
const read = (yaml: string) => load(yaml, { schema: CORE_SCHEMA.withTags(mergeTag) });

for (const { promise, yaml } of STRUCTURE) {
  Deno.test(`the published schema refuses it too: ${promise}`, () => {
    assert.equal(accepts(read(yaml)), false);
  });
}

for (const [what, yaml] of VALID) {
  Deno.test(`the published schema accepts it too: ${what}`, () => {
    assert.equal(accepts(read(yaml)), true, JSON.stringify(accepts.errors));
  });
}

Deno.test("what the schema cannot state, it lets pass", () => {
  const passed = RULES.filter(({ yaml }) => accepts(read(yaml)));
  // All but three blocks of the wrong shape that the dispatch type makes nobody read, and a header
  // that is a number.
  assert.equal(passed.length, RULES.length - 4);
});

Deno.test("the published schema's own examples are valid, and it survives a round trip", () => {
  for (const example of CONFIG_JSON_SCHEMA.examples) assert.ok(accepts(example));
  assert.deepEqual(JSON.parse(JSON.stringify(CONFIG_JSON_SCHEMA)), CONFIG_JSON_SCHEMA);
});

Deno.test("every key has a title, a description, and the default that is applied", () => {
  const seen = new Set<string>();
  visit("", CONFIG_JSON_SCHEMA);
  assert.deepEqual([...seen].sort(), Object.keys(DEFAULTS).sort());

  function visit(name: string, schema: object): void {
    const node: Record<string, unknown> = { ...schema };
    assert.equal(typeof node.title, "string", name);
    if (name !== "items") assert.equal(typeof node.description, "string", name);
    const types = [node.type].flat();
    const isPlain = "enum" in node || types.includes("boolean") || types.includes("array");
    const isWhole = name === "items";
    if (!isPlain && !isWhole) assert.ok(Array.isArray(node.examples), `${name} has no example`);
    if ("default" in node) {
      assert.equal(node.default, Object.entries(DEFAULTS).find(([key]) => key === name)?.[1], name);
      seen.add(name);
    }
    for (const [key, child] of Object.entries(node.properties ?? {})) visit(key, child);
    if (node.items) visit("items", node.items);
  }
});

Deno.test("the check and a validator of the published schema agree, whatever stands at a key", () => {
  // What is in a list is checked elsewhere, each object with its own place.
  const { for_each, ...properties } = ENTRY_SCHEMA.properties;
  const { items: _, ...list } = for_each;
  const schema = { ...ENTRY_SCHEMA, properties: { ...properties, for_each: list } };
  const validates = new Ajv({ allowUnionTypes: true }).compile(published(schema));
  const check = checker(ENTRY_SCHEMA);
  const value = fc.oneof(
    fc.constantFrom("goal", "task", "all", "low", null, true, 0, 0.001, 86_400, 86_401, NaN, ""),
    fc.record({ instruction: fc.constantFrom("i", "", 1), context: fc.anything() }),
    fc.record({ worker_type: fc.constant("w"), model_tier: fc.constantFrom("local", "x", null) }),
    fc.stringMatching(/^(?:a|\u{1F600}){250,260}$/u),
    fc.anything(),
  );
  const keys = fc.constantFrom(...Object.keys(ENTRY_SCHEMA.properties), "owner");
  const right = { name: "n", dispatch_type: "task" };
  const entry = fc.dictionary(keys, value, { maxKeys: 3 }).map((keys) => ({ ...right, ...keys }));
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(fc.oneof(entry, value), (entry) => {
      assert.equal(check(entry).length === 0, validates(entry), JSON.stringify(validates.errors));
      seen[`${check(entry).length === 0}`]++;
    }),
    { numRuns: 3000 },
  );
  assert.ok(seen.true > 100 && seen.false > 100, "both are tried");
});

Deno.test("the type of an entry is the schema's", () => {
  const right: EntryInput[] = [
    { name: "n", dispatch_type: "task", cron: null, interval_seconds: 1, catch_up: "all" },
    { name: "n", dispatch_type: "goal", goal: { instruction: "i", context: { a: 1 } } },
  ];
  // @ts-expect-error: the name is required
  right.push({ dispatch_type: "task" });
  // @ts-expect-error: a number, not a text
  right.push({ name: "n", dispatch_type: "task", interval_seconds: "1" });
  // @ts-expect-error: none of the choices
  right.push({ name: "n", dispatch_type: "job" });
  // @ts-expect-error: the instruction is required
  right.push({ name: "n", dispatch_type: "goal", goal: {} });
  assert.equal(right.map((entry) => checker(ENTRY_SCHEMA)(entry).length).join(""), "001111");
});

Deno.test("the published schema is up to date: else deno task generate", async () => {
  const [path, text] = publishedSchema();
  assert.equal(await Deno.readTextFile(path), text);
});
