/** What to do about broken YAML is decided by what stands at the place, not by the parser's words. */
import { parseEvents, YAMLException } from "js-yaml";
import assert from "node:assert/strict";
import { parseProblem } from "../../lib/config/yaml/yaml_syntax.ts";

const MAX_DEPTH = 10;
const LAY_OUT = "every key needs";

for (
  const [text, advice] of [
    ["a:\n\tb: 1\n", "indent with spaces"],
    ["a: b\u0007\n", "remove the character"],
    ["a: @daily\n", 'a value that begins with "@" must be quoted'],
    ["a: *\n", 'a value that begins with "*" must be quoted'],
    ["[".repeat(11) + "]".repeat(11), "put mappings and lists less deep"],
    ["a: [1, 2\nb: 3\n", 'a "[", a "{" or a quote is not closed'],
    ["a: 'b\n", 'a "[", a "{" or a quote is not closed'],
    ["a: b: c\n", LAY_OUT],
    ["a: 1\n b: 2\n", LAY_OUT],
    ["a\nb: 1\n", LAY_OUT],
    ["a: [b c: 1 d: 2]\n", undefined],
    ['a: "\\q"\n', undefined],
    ["a: &b &c 1\n", undefined],
    ["%YAML 3.0\n---\na: 1\n", undefined],
  ] as const
) {
  Deno.test(`whatever the parser says of ${JSON.stringify(text)}`, () => {
    const words = wordsOf(text);
    if (advice === undefined) assert.equal(words, "Not valid YAML: nescio");
    else assert.ok(words.startsWith(`Not valid YAML: nescio: ${advice}`), words);
  });
}

function wordsOf(text: string): string {
  try {
    parseEvents(text, { maxDepth: MAX_DEPTH });
  } catch (error) {
    assert.ok(error instanceof YAMLException);
    return parseProblem(text, new YAMLException("nescio", error.mark), MAX_DEPTH).message;
  }
  assert.fail("the text is not broken");
}
