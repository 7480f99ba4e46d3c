/** Every link in the documents leads to a file and a heading that there is. No network. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

async function documents(): Promise<string[]> {
  const found = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
  for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
    if (name.endsWith(".md")) found.push(`docs/${name}`);
  }
  return found;
}

/** Without code, in which brackets and `#` mean something else. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(
    /`[^`\n]*`/g,
    (code) => code.replaceAll(/[[\]]/g, ""),
  );
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, title] of prose(text).matchAll(/^#+ (.*)$/gm)) {
    const anchor = title!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-");
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** What is wrong with a link in `file`, or null. */
async function problemOf(file: string, link: string): Promise<string | null> {
  const [path, anchor] = link.split("#") as [string, string?];
  const target = path === ""
    ? file
    : new URL(path, new URL(file, ROOT)).href.slice(ROOT.href.length);
  const isThere = await Deno.stat(new URL(target, ROOT)).then(() => true, () => false);
  if (!isThere) return `${file}: ${link}: there is no ${target}`;
  if (anchor === undefined || anchorsOf(await read(target)).has(anchor)) return null;
  return `${file}: ${link}: ${target} has no such heading`;
}

Deno.test("every link in the documents leads somewhere", async () => {
  const problems: (string | null)[] = [];
  let count = 0;
  for (const file of await documents()) {
    const text = prose(await read(file));
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)) {
      count++;
      problems.push(await problemOf(file, link!));
    }
    // [text][label], and what the label stands for.
    for (const [, link] of text.matchAll(/^\[[^\]]+\]: (?!https?:)(\S+)$/gm)) {
      problems.push(await problemOf(file, link!));
    }
  }
  assert.ok(count > 60, `${count} links were found`);
  assert.deepEqual(problems.filter((problem) => problem !== null), []);
});

Deno.test("a link to a file or a heading that is not there is found", async () => {
  assert.match(String(await problemOf("README.md", "docs/none.md")), /there is no docs\/none\.md/);
  assert.match(String(await problemOf("README.md", "#no-such-heading")), /no such heading/);
  assert.equal(await problemOf("docs/cli.md", "../README.md#quick-start"), null);
});

Deno.test("every document that code, manifests and alerts refer to is there, with its heading", async () => {
  const problems: (string | null)[] = [];
  for (const folder of ["lib", "deploy", "docs"]) {
    for await (const path of filesOf(folder)) {
      for (const [, link] of (await read(path)).matchAll(/\b(docs\/[\w-]+\.md(?:#[\w-]+)?)/g)) {
        problems.push(await problemOf("README.md", link!));
      }
    }
  }
  assert.ok(problems.length > 10, `${problems.length} were found`);
  assert.deepEqual(problems.filter((problem) => problem !== null), []);
});

Deno.test("every section of the contract that code cites is there", async () => {
  const sections = new Set(
    [...(await read("docs/contract.md")).matchAll(/^## (\d+)\./gm)].map(([, number]) => number),
  );
  let count = 0;
  for await (const path of filesOf("lib")) {
    const text = await read(path);
    if (!/\bcontract\b/.test(text)) continue;
    for (const [, number] of text.matchAll(/[(,] ?section (\d+)\)/g)) {
      count++;
      assert.ok(sections.has(number), `${path} cites section ${number}`);
    }
  }
  assert.ok(count > 0);
});

async function* filesOf(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesOf(path);
    else if (/\.(ts|md|yaml|service)$/.test(name)) yield path;
  }
}
