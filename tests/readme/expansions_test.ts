/** The expansion functions that the pages show pass `deno check`, and are what the types say. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = ["README.md", "docs/configuration.md", "docs/from-python.md"];

Deno.test("each expansion function that the pages show is one by the library's types", async () => {
  const directory = await Deno.makeTempDir();
  const library = new URL("../../lib/expansion.ts", import.meta.url).href;
  await Deno.writeTextFile(
    `${directory}/deno.json`,
    JSON.stringify({ imports: { "@heddle/scheduler/expansion": library } }),
  );
  const files: string[] = [];
  for (const page of PAGES) {
    const text = await Deno.readTextFile(`${ROOT}/${page}`);
    for (const [, code] of text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
      const [, name] = /^export (?:async )?function (\w+)\(/m.exec(code!) ?? [];
      if (name === undefined) continue;
      const file = `${page.replaceAll("/", "_")}_${name}.ts`;
      files.push(file);
      await Deno.writeTextFile(
        `${directory}/${file}`,
        `import type { Expansion } from "@heddle/scheduler/expansion";\n${code}\n` +
          `${name} satisfies Expansion;\n`,
      );
    }
  }
  assert.ok(files.length >= 3, files.join());
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--no-lock", ...files],
    cwd: directory,
    env: { NO_COLOR: "1" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  await Deno.remove(directory, { recursive: true });
});
