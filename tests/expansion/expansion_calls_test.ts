/** What expansion functions return, throw and print, on real processes. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { Harness, MAX_DELAY } from "./expansion_harness.ts";

const ARGUMENT = { schedule: "digest", scheduledFor: "2026-03-01T08:00:00.000Z", with: {} };

const CALLS: [what: string, expandFrom: string, objects: unknown[]][] = [
  [
    "a dotted name, TypeScript, a relative import, the argument",
    "shop.sessions.get_active",
    [{ id: "s1", region: "eu", argument: ARGUMENT }, {
      id: "s2",
      region: "eu",
      argument: ARGUMENT,
    }],
  ],
  ["a path, an async function", "./shop/sessions.ts#getLater", [{ schedule: "digest" }]],
  ["JavaScript", "shop.plain.list", [{ from: "plain.js", name: "module.mjs" }]],
  [".mjs", "shop/module.mjs#list", [{ from: "module.mjs" }]],
  ["the default export", "shop/module.mjs#default", [{ from: "default" }]],
  ["an empty list", "shop.sessions.none", []],
  [
    "what JSON carries of a value",
    "returns.json",
    [
      { date: "2026-03-01T08:00:00.000Z", nested: { list: [1, null, "é✓😀\n"] } },
      { no: "prototype" },
    ],
  ],
];

for (const [what, expandFrom, objects] of CALLS) {
  Deno.test(`expands: ${what}`, async () => {
    await using harness = new Harness();
    assert.deepEqual(await harness.expand(expandFrom), objects);
  });
}

Deno.test("an entry's expand_with is the argument's `with`", async () => {
  await using harness = new Harness();
  const given = { tenant: "acme", nested: { list: [1, null] } };
  const [object] = await harness.expand("shop.sessions.get_active", { with: given });
  assert.deepEqual(object!.argument, { ...ARGUMENT, with: given });
});

const FAILURES: [expandFrom: string, kind: string, message: RegExp][] = [
  [
    "hostile.throws",
    "call",
    /^Cannot finish throws of hostile\.ts for expand_from "hostile\.throws": TypeError: no such tenant \(cause: Error: connection refused\) \(hostile\.ts:2:9\)$/,
  ],
  ["hostile.throwsText", "call", /: it threw "just text"$/],
  ["hostile.rejects", "call", /: RangeError: page 7 is missing \(hostile\.ts:\d+:\d+\)$/],
  ["hostile.rejectsMeanwhile", "call", /: uncaught Error: nobody waits for me \(hostile\.ts:\d+/],
  ["hostile.exits", "call", /: it called Deno\.exit\(0\)$/],
  ["hostile.writes", "call", /NotCapable: Requires write access to "written\.txt": an expansion f/],
  ["hostile.runs", "call", /NotCapable: Requires run access to "\/proc\/self\/exe": an expansion/],
  ["shop.sessions.missing", "import", /: it has no export "missing"; it exports the functions/],
  ["shop.nothing.list", "import", /: no such file in ".*": tried shop\/nothing\.ts, shop\/nothi/],
  [
    "shop.sessions.getactive",
    "import",
    /^Cannot load shop\/sessions\.ts for .*: it has no export "getactive", did you mean "get_active"\?; it exports the functions "getLater", "get_active", "none"$/,
  ],
  [
    "shop.sessions.limit",
    "import",
    /: its export "limit" is no function; it exports the functions/,
  ],
  ["shop/nested/region.ts#list", "import", /: it has no export "list", and exports no function$/],
  [
    "returns.nil",
    "bad_return",
    /^Cannot use what nil of returns\.ts returned for expand_from "returns\.nil": expected a list of plain objects, got null$/,
  ],
  ["returns.nothing", "bad_return", /, got undefined$/],
  ["returns.number", "bad_return", /, got the number 7$/],
  ["returns.text", "bad_return", /, got the string "s1,s2"$/],
  ["returns.object", "bad_return", /, got an object$/],
  ["returns.map", "bad_return", /, got an instance of Map$/],
  ["returns.numbers", "bad_return", /expected a plain object at index 1, got the number 7$/],
  ["returns.lists", "bad_return", /expected a plain object at index 0, got a list of 1$/],
  ["returns.nils", "bad_return", /expected a plain object at index 2, got null$/],
  ["returns.instances", "bad_return", /at index 1, got an instance of Session$/],
  ["returns.holes", "bad_return", /at index 0, got undefined$/],
  ["returns.cyclic", "bad_return", /the object at index 1 cannot be written as JSON: .*circular/],
  ["returns.bigint", "bad_return", /the object at index 0 cannot be written as JSON: .*BigInt/],
  ["returns.ownJson", "bad_return", /the object at index 0 becomes 5 as JSON, by its toJSON\(\)$/],
  ["returns.million", "bad_return", /expected at most 100000 objects, got 1000000$/],
  ["returns.oneTooLarge", "bad_return", /at most 1048576 bytes of JSON in an object, got 10/],
  ["returns.tooDense", "bad_return", /expected at most 32768 values in an object, got 100003 at/],
  ["returns.allTooLarge", "bad_return", /at most 16777216 bytes of JSON in all, got more up/],
];

for (const [expandFrom, kind, message] of FAILURES) {
  Deno.test(`fails with ${kind}: ${expandFrom}`, async () => {
    await using harness = new Harness();
    const error = await harness.failure(expandFrom);
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
    assert.equal(error.expandFrom, expandFrom);
  });
}

Deno.test("the user's own stack is the cause's", async () => {
  await using harness = new Harness();
  const { cause } = await harness.failure("hostile.throws");
  assert.match((cause as Error).stack!, /TypeError: no such tenant\n +at throws .*hostile\.ts:2:9/);
});

Deno.test("after a throw or a bad result the process is kept, after a failed load it is not", async () => {
  await using harness = new Harness();
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
  assert.match((await harness.failure("state.countAndThrow")).message, /: Error: call 2 /);
  await harness.failure("state.countAndReturnNull");
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 4 }]);
  await harness.failure("state.missing");
  assert.deepEqual(await harness.expand("state.count"), [{ calls: 1 }]);
});

Deno.test("a module that does not parse is told with its place, and mended without a reload", async () => {
  const root = await Deno.makeTempDir();
  try {
    await using harness = new Harness({ root });
    await Deno.writeTextFile(`${root}/broken.ts`, "export const list = () => [;\n");
    const error = await harness.failure("broken.list");
    assert.equal(error.kind, "import");
    assert.equal(
      error.message,
      'Cannot load broken.ts for expand_from "broken.list": SyntaxError: Expression expected ' +
        "(broken.ts:1:28)",
    );
    await Deno.writeTextFile(`${root}/broken.ts`, "export const list = () => [{}];\n");
    assert.deepEqual(await harness.expand("broken.list"), [{}]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a module that throws, or imports what is not there, does not load", async () => {
  const root = await Deno.makeTempDir();
  try {
    await using harness = new Harness({ root });
    await Deno.writeTextFile(`${root}/throws.js`, `throw new Error("no database");`);
    const thrown = await harness.failure("throws.list");
    assert.equal(thrown.kind, "import");
    assert.match(thrown.message, /Error: no database \(throws\.js:1:7\)$/);
    await Deno.writeTextFile(`${root}/imports.js`, `import "./nowhere.js";`);
    const missing = await harness.failure("imports.list");
    assert.equal(missing.kind, "import");
    assert.match(missing.message, /Module not found .*nowhere\.js/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("what is printed is logged with its stream, and nothing of it is taken for an answer", async () => {
  await using harness = new Harness();
  assert.deepEqual(await harness.expand("hostile.prints"), [{ prints: true }]);
  await eventually("stderr is logged", () => harness.printed("stderr").length > 0);
  assert.deepEqual(harness.printed("stderr"), ["by console.error"]);
  const printed = harness.printed("stdout") as string[];
  assert.deepEqual(printed.slice(0, 2), ["by console.log, é✓😀", "by Deno.stdout"]);
  assert.match(printed[2]!, /^[\w-]{36}\.o\[{"forged":true}\]$/);
  assert.equal(printed[3], "d");
  assert.equal(printed[4], `${"x".repeat(2000)}…`);
  assert.equal(printed[5], "no line break");
  const { level, fields } = harness.log.of("scheduler.expansion_output")[0]!;
  assert.equal(level, "info");
  assert.equal(fields.schedule, "digest");
  assert.equal(fields.module, "hostile.ts");
});

Deno.test("what another thread prints does not get into an answer", async () => {
  await using harness = new Harness();
  const objects = await harness.expand("hostile.printsAlongside");
  assert.equal(objects.length, 20_000);
  assert.ok(harness.printed("stdout").length > 0);
});

Deno.test("a flood of output is counted, not logged, and delays nothing", async () => {
  await using harness = new Harness();
  assert.deepEqual(await harness.expand("hostile.floods"), [{ floods: true }]);
  assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
  await harness.expander.close();
  const logged = harness.printed("stdout").length;
  const dropped = harness.log.of("scheduler.expansion_output_dropped")
    .reduce((sum, { fields }) => sum + (fields.lines as number), 0);
  assert.equal(logged + dropped, 100_000);
  assert.ok(logged <= 1000, `${logged} lines`);
});

Deno.test("none of the scheduler's environment but a short list is seen", async () => {
  Deno.env.set("NATS_URL", "nats://user:secret@host:4222");
  Deno.env.set("NATS_CREDS", "/secret/creds");
  try {
    await using harness = new Harness();
    const [environment] = await harness.expand("hostile.environment");
    assert.equal(environment!.PATH, Deno.env.get("PATH"));
    assert.equal(environment!.NATS_URL, undefined);
    assert.equal(environment!.NATS_CREDS, undefined);
    assert.ok(!JSON.stringify(environment).includes("secret"));
  } finally {
    Deno.env.delete("NATS_URL");
    Deno.env.delete("NATS_CREDS");
  }
});

Deno.test("as much as is allowed arrives, and is read without a pause", async () => {
  await using harness = new Harness();
  const most = await harness.expand("returns.most");
  assert.equal(most.length, 100_000);
  assert.deepEqual(most[99_999], { session_id: "s99999", tenant: "acme" });
  assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
  const largest = await harness.expand("returns.largest");
  assert.equal(largest.length, 15);
  assert.equal(largest[14]!.text, "é✓😀".repeat(116_000));
  assert.ok(harness.worstDelay < MAX_DELAY, `${harness.worstDelay} ms`);
});
