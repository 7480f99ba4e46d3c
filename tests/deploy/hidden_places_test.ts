/** What a bundle must not tell of the machine that it was made on. */
import assert from "node:assert/strict";
import { posix, win32 } from "node:path";
import { hidePlaces } from "../../deploy/hidden_places.ts";

const POSIX = [
  { directory: "/home/Jane O'Neil/.cache/deno/npm", name: "npm:", withNext: true },
  { directory: "/src", name: "" },
];
const WINDOWS = [
  { directory: String.raw`C:\Users\Jané Doe\AppData\Local\deno\npm`, name: "npm:", withNext: true },
  { directory: String.raw`D:\a\heddle`, name: "" },
];

const CASES: [what: string, from: string, text: string, expected: string][] = [
  [
    "a comment, relative",
    "/src",
    "// ../home/Jane O'Neil/.cache/deno/npm/registry.npmjs.org/croner/11.0.1/dist/croner.js",
    "// npm:croner/11.0.1/dist/croner.js",
  ],
  [
    "a key, below the directory",
    "/home/Jane O'Neil",
    `  ".cache/deno/npm/localhost_4873/@nats-io/nuid/3.0.0/mod.js"(exports) {`,
    `  "npm:@nats-io/nuid/3.0.0/mod.js"(exports) {`,
  ],
  ["the sources, from elsewhere", "/srv/jobs", "// ../../src/lib/mod.ts", "// lib/mod.ts"],
  ["the sources, absolute", "/srv/jobs", `import("file:///src/x.js")`, `import("file://x.js")`],
  ["a package's own src", "/src", "// npm:croner/11.0.1/src/x.js", "// npm:croner/11.0.1/src/x.js"],
  [
    "Windows, one drive",
    String.raw`C:\build`,
    "// ../Users/Jané Doe/AppData/Local/deno/npm/registry.npmjs.org/croner/11.0.1/croner.js",
    "// npm:croner/11.0.1/croner.js",
  ],
  [
    "Windows, another drive",
    String.raw`D:\a\heddle`,
    String.raw`// C:\Users\Jané Doe\AppData\Local\deno\npm\registry.npmjs.org\croner\11.0.1\x.js`,
    String.raw`// npm:croner\11.0.1\x.js`,
  ],
  [
    "Windows, escaped",
    String.raw`D:\a\heddle`,
    String.raw`"c:\\Users\\Jané Doe\\AppData\\Local\\deno\\npm\\registry.npmjs.org\\croner\\x.js"`,
    String.raw`"npm:croner\\x.js"`,
  ],
  [
    "Windows, a URL",
    String.raw`D:\a\heddle`,
    `"file:///C:/Users/Jan%C3%A9%20Doe/AppData/Local/deno/npm/registry.npmjs.org/croner/x.js"`,
    `"file:///npm:croner/x.js"`,
  ],
];

for (const [what, from, text, expected] of CASES) {
  Deno.test(`${what}: the directories of a machine stay on it`, () => {
    const [places, path] = what.startsWith("Windows") ? [WINDOWS, win32] : [POSIX, posix];
    assert.equal(hidePlaces(text, places, from, path), expected);
  });
}
