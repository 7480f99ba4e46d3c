import assert from "node:assert/strict";
import { type CheckOptions, parseSchedulerConfig } from "../../lib/config/load_config.ts";
import type { Row } from "./config_problem_rows.ts";

/** Checks that exactly the problems of a row are reported, in the order of the file. */
export function checkRow({ yaml, problems: expected }: Row, options?: CheckOptions): void {
  const { config, problems } = parseSchedulerConfig(yaml, options);
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
