/** Files that Python reads, as Debian's PyYAML reads them. */
import assert from "node:assert/strict";
import { compare } from "./yaml_fuzz.ts";

/** PyYAML refuses two of three; what both read is what counts. */
const DOCUMENTS = 4000;
const MIN_READ = 1000;

Deno.test("what is dispatched is what PyYAML reads, or a warning with its place says so", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  const { differences, alike, warned, refused } = await compare(seed, DOCUMENTS);
  const shown = differences.map(({ seed, what, text }) => `seed ${seed}: ${what}\n${text}`);
  assert.deepEqual(shown, []);
  const read = alike + warned + refused.length;
  assert.ok(read >= MIN_READ, `${read} documents were read by both`);
  assert.ok(alike > read / 5, `${alike} were alike`);
  assert.ok(refused.length < read / 8, `${refused.length} were refused`);
});
