import { CORE_SCHEMA, load, mergeTag } from "js-yaml";
import assert from "node:assert/strict";
import { CONFIG_JSON_SCHEMA, DEFAULTS } from "../../lib/config/config_schema.ts";
import { STRUCTURE } from "./config_problem_rows.ts";
import { Ajv } from "../deps.ts";
import { RULES } from "./config_rule_rows.ts";
import { generatedFiles } from "./generated_files.ts";
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
  // All but the block of the wrong shape that the dispatch type makes nobody read.
  assert.equal(passed.length, RULES.length - 2);
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

Deno.test("the files made from the schema are up to date: deno task generate", async () => {
  for (const [path, text] of generatedFiles()) {
    assert.ok(await Deno.readTextFile(path) === text, path);
  }
});
