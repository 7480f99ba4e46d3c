import assert from "node:assert/strict";
import { type ExpansionError, resolveExpandFrom } from "../../lib/expansion/expansion.ts";

/** A root with modules in it, and one beside it. */
async function withRoot(work: (root: string, outside: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  const root = `${directory}/root`;
  const outside = `${directory}/outside`;
  try {
    for (const each of [root, outside, `${root}/my-app`]) await Deno.mkdir(each);
    const files = [
      `${root}/both.ts`,
      `${root}/both.js`,
      `${root}/plain.js`,
      `${root}/module.mjs`,
      `${root}/my-app/sessions.ts`,
      `${root}/data.json`,
      `${outside}/secret.ts`,
    ];
    for (const file of files) await Deno.writeTextFile(file, "");
    await Deno.symlink("both.ts", `${root}/inside_link.ts`);
    await Deno.symlink(`${outside}/secret.ts`, `${root}/file_link.ts`);
    await Deno.symlink(outside, `${root}/directory_link`);
    await Deno.symlink("nowhere.ts", `${root}/dangling.ts`);
    await Deno.mkdir(`${root}/directory.ts`);
    await Deno.symlink(root, `${directory}/root_link`);
    await work(root, outside);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const FOUND: [expandFrom: string, path: string, exportName: string][] = [
  ["both.get_active", "both.ts", "get_active"],
  ["plain.list", "plain.js", "list"],
  ["module.list", "module.mjs", "list"],
  ["my-app.sessions.getActive", "my-app/sessions.ts", "getActive"],
  ["./both.js#list", "both.js", "list"],
  ["both.ts#list", "both.ts", "list"],
  ["./my-app/../module.mjs#default", "module.mjs", "default"],
  ["my-app/./sessions.ts#$list_1", "my-app/sessions.ts", "$list_1"],
  ["inside_link.list", "both.ts", "list"],
];

Deno.test("both forms name a file below the root and an export", async () => {
  await withRoot(async (root) => {
    for (const [expandFrom, path, exportName] of FOUND) {
      const expected = { file: `${root}/${path}`, path, exportName };
      assert.deepEqual(await resolveExpandFrom(expandFrom, root), expected, expandFrom);
    }
  });
});

const FORMS = /: expected 'package\.module\.function' or '\.\/file\.ts#function'$/;
const URL_OR_PATH = /: a URL or an absolute path is not allowed$/;

const REFUSED: [expandFrom: string, reason: RegExp][] = [
  ["../outside/secret.ts#list", /: '\.\.' leads out of the directory of the configuration$/],
  ["./my-app/../../outside/secret.ts#list", /'\.\.' leads out of the directory/],
  ["..#list", /no file before the '#'/],
  ["/etc/sessions.ts#list", /an absolute path is not allowed/],
  ["~/sessions.ts#list", /an absolute path is not allowed/],
  ["file_link.list", /"file_link\.ts" is a symbolic link to ".*\/outside\/secret\.ts", outside/],
  ["./directory_link/secret.ts#list", /is a symbolic link to/],
  ["directory_link.secret.list", /is a symbolic link to/],
  ["http://example.org/a.ts#list", URL_OR_PATH],
  ["https://example.org/a.ts#list", URL_OR_PATH],
  ["HTTPS://example.org/a.ts#list", URL_OR_PATH],
  ["data:text/javascript,export const list = () => []#list", URL_OR_PATH],
  ["npm:left-pad#default", URL_OR_PATH],
  ["jsr:@std/yaml#parse", URL_OR_PATH],
  ["file:///etc/a.ts#list", URL_OR_PATH],
  ["node:fs#readFileSync", URL_OR_PATH],
  ["C:\\a.ts#list", URL_OR_PATH],
  ["..\\a.ts#list", /write \/ between directories/],
  ["both\0.list", /a control character/],
  ["", FORMS],
  ["both", FORMS],
  ["both.", FORMS],
  [".list", FORMS],
  ["both..list", FORMS],
  ["both.my-list", FORMS],
  ["./both.ts", FORMS],
  ["./both.ts#", /no export's name after the '#'/],
  ["./both.ts#a.b", /no export's name after the '#'/],
  ["#list", /no file before the '#'/],
  ["./data.json#list", /a module's file ends in \.ts, \.js, \.mjs/],
];

Deno.test("what leaves the root or has neither form is refused, with the value and the reason", async () => {
  await withRoot(async (root) => {
    for (const [expandFrom, reason] of REFUSED) {
      await assert.rejects(resolveExpandFrom(expandFrom, root), (error: ExpansionError) => {
        assert.equal(error.kind, "invalid", `${expandFrom}: ${error.message}`);
        assert.match(error.message, reason, expandFrom);
        assert.ok(error.message.startsWith("Cannot resolve expand_from"), error.message);
        assert.ok(error.message.includes(JSON.stringify(expandFrom)), error.message);
        return true;
      }, expandFrom);
    }
  });
});

Deno.test("a file that is not there is told with every candidate", async () => {
  await withRoot(async (root) => {
    const missing: [string, string][] = [
      ["nope.sessions.list", "tried nope/sessions.ts, nope/sessions.js, nope/sessions.mjs"],
      ["./nope.ts#list", "tried nope.ts"],
      ["dangling.list", "tried dangling.ts, dangling.js, dangling.mjs"],
      ["directory.list", "tried directory.ts, directory.js, directory.mjs"],
      ["plain.js.list", "tried plain/js.ts, plain/js.js, plain/js.mjs"],
    ];
    for (const [expandFrom, tried] of missing) {
      await assert.rejects(resolveExpandFrom(expandFrom, root), (error: ExpansionError) => {
        assert.equal(error.kind, "import", expandFrom);
        assert.ok(error.message.endsWith(`no such file in "${root}": ${tried}`), error.message);
        return true;
      });
    }
  });
});

Deno.test("a root that is itself a symbolic link is followed", async () => {
  await withRoot(async (root) => {
    const { file } = await resolveExpandFrom("both.list", `${root}_link`);
    assert.equal(file, `${root}/both.ts`);
  });
});

Deno.test("a root that is not there is told", async () => {
  await assert.rejects(
    resolveExpandFrom("both.list", "/no/such/root"),
    /its root "\/no\/such\/root"/,
  );
});
