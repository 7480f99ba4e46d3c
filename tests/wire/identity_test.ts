import assert from "node:assert/strict";
import { fc, v5 } from "../deps.ts";
import { DISPATCH_NAMESPACE, dispatchId, dispatchUuid } from "../../lib/wire/identity.ts";

const NAME = {
  scheduler: "default_scheduler",
  entry: "nightly",
  scheduledFor: "2026-03-29T01:00:00.000Z",
  index: 0,
};

Deno.test("a dispatch's name is written out from its four parts", () => {
  assert.equal(dispatchId(NAME), "default_scheduler/nightly/2026-03-29T01:00:00.000Z/0");
});

Deno.test("the same occurrence has the same UUIDv5 for ever", () => {
  const uuid = dispatchUuid(dispatchId(NAME));
  assert.equal(uuid, "7ecc13d2-2ff7-5492-934b-e71a810e5c6d");
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

Deno.test("a UUID is what RFC 9562 makes of the name, whatever its bytes", () => {
  for (const name of ["", "a/b/2026-01-01T00:00:00.000Z/0", "ü夜", "x".repeat(1000)]) {
    assert.equal(dispatchUuid(name), v5(name, DISPATCH_NAMESPACE));
  }
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (name) => {
    assert.equal(dispatchUuid(name), v5(name, DISPATCH_NAMESPACE));
  }));
});

Deno.test("a difference in any part is a different dispatch", () => {
  const others = [
    { ...NAME, scheduler: "other" },
    { ...NAME, entry: "other" },
    { ...NAME, scheduledFor: "2026-03-29T01:00:00.001Z" },
    { ...NAME, index: 1 },
  ];
  const ids = new Set([NAME, ...others].map((name) => dispatchUuid(dispatchId(name))));
  assert.equal(ids.size, 5);
});

Deno.test("names with a slash in them cannot pass for one another", () => {
  const a = dispatchId({ ...NAME, scheduler: "a/b", entry: "c" });
  const b = dispatchId({ ...NAME, scheduler: "a", entry: "b/c" });
  assert.notEqual(a, b);
});

Deno.test("the written-out name is plain ASCII, whatever the entry is called", () => {
  for (const entry of ["Zürich täglich", "夜間", "line\r\nbreak", "\ud800"]) {
    assert.match(dispatchId({ ...NAME, entry }), /^[\x21-\x7e]+$/);
  }
});
