import assert from "node:assert/strict";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { type Row, STRUCTURE } from "./config_problem_rows.ts";
import { RULES } from "./config_rule_rows.ts";
import { YAML } from "./config_yaml_rows.ts";

for (const row of [...STRUCTURE, ...RULES, ...YAML]) {
  Deno.test(`reported, with its place: ${row.promise}`, () => check(row));
}

function check({ yaml, problems: expected }: Row): void {
  const { config, problems } = parseSchedulerConfig(yaml);
  const got = problems.map(({ line, column, severity, path, message }) =>
    `${line}:${column} ${severity} ${path} | ${message}`
  );
  assert.equal(got.length, expected.length, got.join("\n"));
  for (const [index, wanted] of expected.entries()) {
    const [place = "", ...fragments] = wanted.split(" | ");
    const text = got[index] ?? "";
    assert.equal(text.split(" | ")[0], place, text);
    for (const fragment of fragments) {
      assert.ok(text.includes(fragment), `${text}\n  lacks: ${fragment}`);
    }
  }
  const hasError = problems.some((problem) => problem.severity === "error");
  assert.equal(config === null, hasError, "errors, and nothing else, keep a file from being used");
}
