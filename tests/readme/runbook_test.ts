/** The runbook knows all that the program logs, and nothing else. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const EVENT = /"((?:actor|bus|delivery|http|memory|scheduler)\.[a-z_]+)"/g;

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

Deno.test("links within the documents lead somewhere", async () => {
  const read = async (path: string) => await Deno.readTextFile(new URL(path, ROOT));
  const anchors = (text: string) =>
    new Set(
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
        title!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")
      ),
    );
  const files = ["README.md"];
  for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
    if (name.endsWith(".md")) files.push(`docs/${name}`);
  }
  for (const file of files) {
    const text = await read(file);
    for (const [, path, anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = path === ""
        ? file
        : new URL(path!, new URL(file, ROOT)).href.slice(ROOT.href.length);
      await Deno.stat(new URL(target, ROOT));
      if (anchor === undefined) continue;
      assert.ok(anchors(await read(target)).has(anchor), `${file}: ${path}#${anchor}`);
    }
  }
});
