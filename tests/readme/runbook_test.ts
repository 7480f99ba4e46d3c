/** The runbook knows all that the program logs, and nothing else. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const EVENT = /"((?:actor|bus|delivery|http|log|memory|scheduler|tracing|environment)\.[a-z_]+)"/g;

async function* sources(directory: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, directory));
    else if (name.endsWith(".ts")) yield await Deno.readTextFile(new URL(name, directory));
  }
}

Deno.test("docs/runbook.md has every event that is logged, and no other", async () => {
  const logged = new Set<string>();
  for await (const text of sources(new URL("lib/", ROOT))) {
    for (const [, event] of text.matchAll(EVENT)) logged.add(event!);
  }
  const runbook = await Deno.readTextFile(new URL("docs/runbook.md", ROOT));
  const told = [...runbook.matchAll(/^\| `([a-z]+\.[a-z_]+)`/gm)].map(([, event]) => event!);
  assert.deepEqual(told.toSorted(), [...logged].sort());
});
