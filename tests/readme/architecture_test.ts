/** `docs/architecture.md` tells of the code as it is. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const page = await Deno.readTextFile(new URL("docs/architecture.md", ROOT));

/** The text of a section, up to the next heading of its level. */
function section(title: string): string {
  const from = page.indexOf(`\n## ${title}`);
  assert.ok(from >= 0, `the section "${title}"`);
  const to = page.indexOf("\n## ", from + 1);
  return page.slice(from, to < 0 ? undefined : to);
}

/** The cells of the section's tables, without their heads. */
function rows(title: string): string[][] {
  return [...section(title).matchAll(/^\| (.*) \|$/gm)].map(([, row]) =>
    row!.split(" | ").map((cell) => cell.trim())
  ).filter(([first]) => /^`/.test(first!));
}

interface Step {
  file: string;
  name: string;
  /** Whether it is reached otherwise than by a call. */
  isCrossing: boolean;
}

function steps(title: string): Step[] {
  return rows(title).map(([file, name, what]) => ({
    file: file!.replaceAll("`", ""),
    name: name!.replaceAll("`", ""),
    isCrossing: what!.startsWith("**"),
  }));
}

const sources = new Map<string, { definitions: string[]; calls: string }>();

async function sourceOf(file: string) {
  let source = sources.get(file);
  if (source !== undefined) return source;
  const text = (await Deno.readTextFile(new URL(file, ROOT)))
    .replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const definition =
    /^(?:export |abstract )*(?:(?:async )?function\*? |class )([\w$]+)|^ {2}(?:(?:override|async|protected|static|get) |\*)*(#?[\w$]+)(?:<[\w, ]+>)?\((?:.*\{)?$/gm;
  const definitions = [...text.matchAll(definition)].map(([, name, method]) => name ?? method!);
  sources.set(file, source = { definitions, calls: text.replaceAll(definition, "") });
  return source;
}

for (
  const title of [
    "Walk: an entry, from YAML to the wire",
    "Walk: an expansion",
    "Walk: a control request",
  ]
) {
  Deno.test(`${title}: each file has its function, and a file before it calls that`, async () => {
    const walk = steps(title);
    assert.ok(walk.length >= 10, "the steps were listed");
    const passed: string[] = [];
    for (const { file, name, isCrossing } of walk) {
      const { definitions, calls } = await sourceOf(file);
      // The program's entry calls what it chooses.
      if (file !== "main.ts") assert.ok(definitions.includes(name), `${file} has no ${name}`);
      else assert.match(calls, new RegExp(`\\b${name}\\(`));
      const call = new RegExp(`(?:[.\\s(!]|new )${name}(?:<[^>]*>)?\\(`);
      const isCalled = name.startsWith("#") ? calls.includes(`.${name}(`) : passed.length === 0 ||
        (await Promise.all(passed.map(sourceOf))).some((each) => call.test(each.calls));
      assert.ok(isCrossing || isCalled, `nothing before it calls ${name} of ${file}`);
      passed.push(file);
    }
  });
}

Deno.test("each folder of lib/ is in the table of folders, and each file that is named exists", async () => {
  const named = rows("Folders").flatMap(([folders]) =>
    [...folders!.matchAll(/`lib\/(\w+)\/`/g)].map(([, name]) => name!)
  );
  const folders = [...Deno.readDirSync(new URL("lib/", ROOT))]
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  assert.deepEqual(named.toSorted(), folders.sort());
  for (const [, path] of page.matchAll(/`((?:lib|tests|deploy)\/[\w/.]+)`/g)) {
    await Deno.stat(new URL(path!, ROOT));
  }
});

Deno.test("the glossary has at most 25 terms", () => {
  const terms = [...section("Glossary").matchAll(/^\| ([a-z-]+) +\|/gm)].map(([, term]) => term);
  assert.ok(terms.length > 15);
  assert.ok(terms.length - 1 <= 25, String(terms.length)); // the head is one of them
});
