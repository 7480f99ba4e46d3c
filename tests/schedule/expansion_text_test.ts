import assert from "node:assert/strict";
import { expansionText } from "../../lib/schedule/expansion_text.ts";
import { intervalEntry } from "../helpers/entries.ts";

const textOf = (overrides: Parameters<typeof intervalEntry>[2]) =>
  expansionText(intervalEntry("a", 60, overrides));

Deno.test("what an entry has one message for each of is said in words", () => {
  assert.equal(textOf({}), null);
  assert.equal(textOf({ forEach: [{ a: 1 }] }), "1 object");
  assert.equal(textOf({ forEach: [{ a: 1 }, { a: 2 }] }), "2 objects");
  assert.equal(textOf({ expandFrom: "m.f" }), "m.f");
  assert.equal(textOf({ expandFrom: "m.f", expandWith: { t: "a" } }), 'm.f with {"t":"a"}');
  const long = textOf({ expandFrom: "m.f", expandWith: { t: "x".repeat(100) } })!;
  assert.match(long, /^m\.f with \{"t":"x+…$/);
  assert.ok(long.length < 100);
});
